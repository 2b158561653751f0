"""Where this machine gets Debian's packages from, said again for a release that may be another one."""

from __future__ import annotations

import os
import platform
import subprocess
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from deployer.frozen import dataclass

SUITE = "trixie"  # what lab hosts run
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR_VARIABLE = "DEPLOYER_LAB_MIRROR"  # for machines that are no Debian

_POCKETS = ("", "-updates", "-security")
_CARRIED = ("acquire::check-valid-until", "acquire::check-date", "acquire::http::proxy", "acquire::https::proxy")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One place with one suite, as sources.list(5) has it."""

    uri: str
    suite: str
    components: tuple[str, ...] = ("main",)
    trusted: bool = False

    @property
    def line(self) -> str:
        options = [f"signed-by={KEYRING}", *(["trusted=yes"] if self.trusted else [])]
        return f"deb [{' '.join(options)}] {self.uri} {self.suite} {' '.join(self.components)}"


def parse_one_line(text: str) -> Iterator[Source]:
    """Read the one-line format of sources.list; leaves out deb-src and comments."""
    for line in text.splitlines():
        body = line.partition("#")[0].strip()
        if not body.startswith("deb ") and not body.startswith("deb\t"):
            continue
        rest = body[3:].strip()
        options = ""
        if rest.startswith("["):
            options, _, rest = rest[1:].partition("]")
        uri, suite, *components = rest.split()
        yield Source(uri=uri, suite=suite, components=tuple(components), trusted="trusted=yes" in options.split())


def parse_deb822(text: str) -> Iterator[Source]:
    """Read the format of *.sources files; leaves out deb-src and disabled stanzas."""
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split() or stanza.get("enabled", "yes").lower() in ("no", "false"):
            continue
        components = tuple(stanza.get("components", "").split())
        trusted = stanza.get("trusted", "no").lower() in ("yes", "true")
        for uri in stanza.get("uris", "").split():
            for suite in stanza.get("suites", "").split():
                yield Source(uri=uri, suite=suite, components=components, trusted=trusted)


def for_suite(sources: Iterable[Source], codename: str, wanted: str = SUITE) -> list[Source]:
    """Return the sources of the release `codename` as they would read for the release `wanted`."""
    pockets = {codename + pocket: wanted + pocket for pocket in _POCKETS}
    found = [
        Source(uri=source.uri.rstrip("/"), suite=pockets[source.suite], trusted=source.trusted)
        for source in sources
        if source.suite in pockets and "main" in source.components and source.uri.startswith(("http:", "https:"))
    ]
    return list(dict.fromkeys(found))


def is_debian(inrelease: str, suite: str) -> bool:
    """Tell whether the head of an InRelease file is Debian's own, for that suite."""
    fields = dict(line.split(": ", 1) for line in inrelease.splitlines() if ": " in line)
    return fields.get("Origin") == "Debian" and fields.get("Codename") == suite


def carried_options(dump: str) -> list[str]:
    """Return the lines of `apt-config dump` that decide how mirrors are reached and believed."""
    return [line for line in dump.splitlines() if line.split(" ")[0].lower().startswith(_CARRIED)]


def read_sources() -> list[Source]:
    """Return Debian's sources for lab hosts, from this machine's or from $DEPLOYER_LAB_MIRROR; may be none."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror:
        return [Source(uri=mirror.rstrip("/"), suite=SUITE)]
    codename = _release().get("VERSION_CODENAME", "")
    wanted = for_suite(_own_sources(), codename)
    return [source for source in wanted if is_debian(_head(source), source.suite)]


def read_options(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return this machine's apt.conf lines that its hosts need too, the proxy of the environment included."""
    dump = _output(["apt-config", "dump"])
    proxies = [
        f'Acquire::{scheme}::Proxy "{environ[f"{scheme}_proxy"]}";'
        for scheme in ("http", "https")
        if environ.get(f"{scheme}_proxy")
    ]
    return [*proxies, *carried_options(dump)]


def _own_sources(root: Path = Path("/etc/apt")) -> Iterator[Source]:
    for path in [root / "sources.list", *sorted(root.glob("sources.list.d/*"))]:
        parse: Callable[[str], Iterator[Source]] = parse_deb822 if path.suffix == ".sources" else parse_one_line
        if path.is_file() and path.suffix in (".list", ".sources"):
            yield from parse(path.read_text())


def _release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _head(source: Source) -> str:
    """Return the beginning of a source's InRelease file; empty if it has none."""
    try:
        with urllib.request.urlopen(f"{source.uri}/dists/{source.suite}/InRelease", timeout=10) as answer:  # noqa: S310
            return str(answer.read(2000).decode(errors="replace"))
    except OSError:
        return ""


def _output(argv: list[str]) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    stanza: dict[str, str] = {}
    key = ""
    for line in [*text.splitlines(), ""]:
        if not line.strip():
            if stanza:
                yield stanza
            stanza = {}
        elif line.startswith("#"):
            continue
        elif line[0].isspace():
            stanza[key] += " " + line.strip()
        else:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            stanza[key] = value.strip()
