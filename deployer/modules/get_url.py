"""`get_url`: a file from the web. How the request is made is `_http`'s to say."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from deployer.facts.files import FileDigest, FileSeen, FileState
from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._http import Request, check_headers, check_url
from deployer.modules._placing import DEFAULT_MODE, Rights, ownership, plan_rights
from deployer.modules._refusals import ArgumentRefusedError, HostRefusedError, check_absolute, parse_mode
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_STORE = """\
status=$(sed -n 's/^ *HTTP[^ ]* \\([0-9]*\\).*/\\1/p' "$d/head" | tail -n 1)
if [ "$rc" != 0 ]; then cat "$d/errors"; exit 1; fi
case "$status" in 304) echo "same 304"; exit 0 ;; 2??|'') ;; *) echo "HTTP Error $status"; exit 1 ;; esac
{check}if [ -f {path} ] && cmp -s "$d/answer" {path}; then echo "same ${{status:-0}}"; exit 0; fi
{backup}new={folder}/{name}.$$
trap 'rm -f -- "$new" "$d"/*; rmdir -- "$d"' EXIT
cat <"$d/answer" >"$new"
{owner}chmod {mode} "$new"
mv -f -- "$new" {path}
echo "new ${{status:-0}}"
"""


@module("get_url")
@dataclass(frozen=True, kw_only=True)
class GetUrl:
    """Make sure that a file from the web is on the host; the host fetches it, with its curl or GNU wget.

    With `checksum` a file that has it already is left alone, and one that has it not never gets into its place.
    Without, the server is asked whether it has a newer one.

    Examples:
        - name: A tool, in the version that was tested
          get_url:
            url: https://download.example.com/tool-1.2
            dest: /opt/tool
            checksum: sha256:d5a4d9788655cd454b3067d18b475a2fa811a474ccb00980f1a85fb1538c29b7
            mode: "0755"
    """

    url: str  # https://…, http://…, ftp://…
    dest: str  # absolute path on the host; if it is a folder, the file gets the URL's last part as its name
    checksum: str | None = None  # algorithm and digest: `sha256:9f86d0…`
    force: bool = False  # fetch it anew, whatever is there
    backup: bool = False  # keep what was there beside it, as `<name>.before-<digest>`
    headers: Mapping[str, Any] = field(default_factory=dict)  # name to value
    url_username: str | None = None  # for basic authentication, which is sent at once
    url_password: str | None = None  # for basic authentication
    force_basic_auth: bool = True  # either way it is sent at once
    validate_certs: bool = True  # false: believe any certificate
    timeout: int = 10  # seconds without any data; the whole may take an hour
    mode: str | int | None = None  # "0644"; a new file gets 0644
    owner: str | None = None  # user name or number
    group: str | None = None  # group name or number

    aliases: ClassVar[Mapping[str, str]] = {"username": "url_username", "password": "url_password"}

    def __post_init__(self) -> None:
        check_url(self.url)
        check_absolute("dest", self.dest)
        check_headers({name: str(value) for name, value in self.headers.items()})
        parse_mode(self.mode)
        self._digest()
        if self.dest.endswith("/") and not self._name():
            raise ArgumentRefusedError(f"url: {self.url} names no file", hint="say the whole path in dest")

    def facts(self) -> tuple[Fact[Any], ...]:
        algorithm, _ = self._digest()
        paths = (self.dest, self._inside())
        seen = tuple(FileState(path, hashed=True) for path in paths)
        return (*seen, *(FileDigest(path, algorithm) for path in paths)) if algorithm else seen

    def plan(self, seen: Facts) -> Iterator[Action]:
        path = self._path(seen)
        found, (algorithm, digest) = seen[FileState(path, hashed=True)], self._digest()
        if found is not None and found.kind not in ("file", "link"):
            raise HostRefusedError(f"{path} is a {found.kind}, not a file", hint="name another dest")
        there = found is not None and found.kind == "file"
        if there and algorithm and not self.force and seen[FileDigest(path, algorithm)] == digest:
            yield from plan_rights(path, self._rights(), found)
            return
        because = f"{path} not found" if not there else "it is to be fetched anew" if self.force else "it may be newer"
        if there and algorithm and not self.force:
            because = f"its {algorithm} is another"
        yield Script(
            text=self._request(path, newer=there and not algorithm and not self.force).script()
            + self._store(path, found if there else None),
            label=f"download {self.url} to {path}", because=because, timeout=3600, answers=True,
        )  # fmt: skip
        if there:
            yield from plan_rights(path, self._rights(), found)

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """Where the file is and what came of the request."""
        path = self._path(seen)
        values: dict[str, Any] = {"url": self.url, "dest": path}
        asked = next((one for one in done if isinstance(one.action, Script)), None)
        if asked is None:
            return {
                **values,
                "msg": "file already exists but file attributes changed" if done else "file already exists",
            }
        if asked.status != 0:
            return values
        word, status = asked.output.split()[-2:]
        found = seen[FileState(path, hashed=True)]
        kept = {"backup_file": _kept(path, found)} if self.backup and found and word == "new" else {}
        return {**values, **kept, "status_code": int(status), "changed": word == "new" or len(done) > 1}

    def _request(self, path: str, *, newer: bool) -> Request:
        headers = {name: str(value) for name, value in self.headers.items()}
        return Request(
            url=self.url, headers=headers, user=self.url_username, password=self.url_password,
            validate_certs=self.validate_certs, timeout=self.timeout, newer_than=path if newer else None, patient=True,
        )  # fmt: skip

    def _store(self, path: str, found: FileSeen | None) -> str:
        algorithm, digest = self._digest()
        check = (
            f'sum=$({algorithm}sum <"$d/answer"); sum=${{sum%% *}}\n'
            f'if [ "$sum" != {digest} ]; then echo "its {algorithm} is $sum, not {digest}"; exit 1; fi\n'
        )
        rights = self._rights()
        mode = rights.mode if rights.mode is not None else found.mode if found else DEFAULT_MODE
        owner = ownership(rights, found)
        keep = self.backup and found is not None
        return _STORE.format(
            path=shlex.quote(path), folder=shlex.quote(posixpath.dirname(path) or "/"),
            name=shlex.quote(f".{posixpath.basename(path)}"), mode=f"{mode:04o}", check=check if algorithm else "",
            owner=f'chown -- {shlex.quote(owner)} "$new"\n' if owner else "",
            backup=f"cp -p -- {shlex.quote(path)} {shlex.quote(_kept(path, found))}\n" if keep and found else "",
        )  # fmt: skip

    def _digest(self) -> tuple[str, str]:
        """Algorithm and digest; empty if none is given."""
        if not self.checksum:
            return "", ""
        algorithm, _, digest = self.checksum.partition(":")
        if "://" in digest:
            raise ArgumentRefusedError(
                "checksum: a file of checksums is not read", hint="give the digest: sha256:9f86d0…"
            )
        length = hashlib.new(algorithm).digest_size * 2 if algorithm in _ALGORITHMS else 0
        if not length:
            raise ArgumentRefusedError(
                f"checksum: {algorithm!r} is no algorithm", hint=f"one of {', '.join(_ALGORITHMS)}: sha256:9f86d0…"
            )
        if not re.fullmatch(rf"[0-9a-fA-F]{{{length}}}", digest.strip()):
            raise ArgumentRefusedError(
                f"checksum: this is no {algorithm} digest", hint=f"it has {length} digits from 0 to 9 and a to f"
            )
        return algorithm, digest.strip().lower()

    def _rights(self) -> Rights:
        return Rights(parse_mode(self.mode), self.owner, self.group)

    def _name(self) -> str:
        return posixpath.basename(unquote(urlsplit(self.url).path))

    def _inside(self) -> str:
        return posixpath.join(self.dest, self._name() or "index.html")

    def _path(self, seen: Facts) -> str:
        found = seen[FileState(self.dest, hashed=True)]
        inside = self.dest.endswith("/") or (found is not None and found.kind == "directory")
        return self._inside() if inside else self.dest


_ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


def _kept(path: str, found: FileSeen | None) -> str:
    return f"{path}.before-{(found.sha256 if found else '')[:8]}"
