"""What a host itself says of a project, in one look and without SSH: the oracle of all chaos."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from host_state import ask
from story import Project
from waiting import eventually

from deployer.lab.host import LabHost

# Whether it is at rest comes first: what is read after that is how it rests.
PEEK = """\
cd {root} || exit 1
echo "now $(date +%s)"
echo "units $(ls /etc/systemd/system | grep -F {unit} | tr '\\n' ' ')"
echo "files $(ls .deploy 2>/dev/null | tr '\\n' ' ')"
last=$(ls -d .deploy/lock.* 2>/dev/null | sed 's/.*lock\\.//' | sort -n | tail -n 1)
expires=$(cat .deploy/lock.$last/expires 2>/dev/null || echo 0)
[ -z "$last" ] || echo "lock $last $expires $(ls .deploy/lock.$last | tr '\\n' ' ')"
"""
REST = """\
echo "current $(readlink current | sed 's|.*/||')"
echo "releases $(ls releases 2>/dev/null | tr '\\n' ' ')"
echo "tmp $(ls -d releases/.tmp-* 2>/dev/null | tr '\\n' ' ')"
echo "phase $(cat .deploy/phase 2>/dev/null)"
docker ps --all --filter label=com.docker.compose.project={project} \
  --format 'container {{{{.Label "com.docker.compose.service"}}}} {{{{.State}}}} {{{{.Image}}}} {{{{.Status}}}}'
sed 's/^/journal /' .deploy/journal.jsonl 2>/dev/null | tail -n 40
"""


@dataclass
class Seen:
    """One host's answer."""

    host: str
    now: int = 0
    current: str = ""
    releases: list[str] = field(default_factory=list)
    tmp: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    phase: str = ""
    locked: bool = False
    token: int = 0
    containers: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # service -> state, image, status
    journal: list[str] = field(default_factory=list)
    page: str = ""

    @property
    def at_rest(self) -> bool:
        """Nothing on the host is going to change anything by itself."""
        return not {"armed", "fired"} & set(self.files) and not self.units

    @property
    def healthy(self) -> bool:
        return bool(self.containers) and all(
            state == "running" and "(healthy)" in status for state, _, status in self.containers.values()
        )

    def __str__(self) -> str:
        lines = [f"{self.host}: current {self.current}, page {self.page!r}, phase {self.phase!r}, locked {self.locked}"]
        lines += [f"  files {' '.join(self.files)}; units {self.units}; tmp {self.tmp}"]
        lines += [f"  {name}: {' '.join(words)}" for name, words in self.containers.items()]
        return "\n".join([*lines, *(f"  {line}" for line in self.journal[-12:])])


def look_at(project: Project, host: LabHost) -> Seen:
    """All that it says of itself."""
    seen = _asked(project, host, f"{PEEK}{REST}")
    if "web" in seen.containers:
        seen.page = project.page(host.name)
    return seen


def peek_at(project: Project, host: LabHost) -> Seen:
    """Whether it is at rest, and locked: that alone, for a twentieth of the cost."""
    return _asked(project, host, PEEK)


def _asked(project: Project, host: LabHost, text: str) -> Seen:
    script = f"{text}echo end\n".format(
        root=shlex.quote(project.root), project=shlex.quote(project.name),
        unit=shlex.quote(f"deployer-watchdog-{project.name}"),
    )  # fmt: skip
    return eventually(lambda: _whole(host, script), what=f"a whole answer of {host.name}")


def _whole(host: LabHost, text: str) -> Seen | None:
    """An answer with its first and its last line: a busy engine loses some of what `exec` prints."""
    lines = ask(host, text).splitlines()
    if not lines or not lines[0].startswith("now ") or lines[-1] != "end":
        return None
    seen = Seen(host=host.name)
    for line in lines:
        _read(seen, *line.partition(" ")[::2])
    return seen


def _read(seen: Seen, word: str, rest: str) -> None:
    if word == "now":
        seen.now = int(rest)
    elif word in ("current", "phase"):
        setattr(seen, word, rest)
    elif word in ("releases", "tmp", "units", "files"):
        setattr(seen, word, rest.split())
    elif word == "lock":
        token, expires, *files = rest.split()
        seen.token, seen.locked = int(token), "released" not in files and seen.now < int(expires)
    elif word == "container":
        service, state, image, status = rest.split(" ", 3)
        seen.containers[service] = state, image, status
    elif word == "journal":
        seen.journal.append(rest)


def look(project: Project) -> dict[str, Seen]:
    """All hosts, at once."""
    return _all(look_at, project)


def peek(project: Project) -> dict[str, Seen]:
    """The same, but only whether they are at rest, and locked."""
    return _all(peek_at, project)


def _all(asked: Callable[[Project, LabHost], Seen], project: Project) -> dict[str, Seen]:
    names = project.fleet.names
    with ThreadPoolExecutor(len(names)) as pool:
        found = pool.map(lambda name: asked(project, project.host(name)), names)
    return {seen.host: seen for seen in found}


def shown(seen: dict[str, Seen]) -> str:
    return "\n".join(map(str, seen.values()))


def wait_for_rest(project: Project, *, within: float) -> tuple[dict[str, Seen], float]:
    """Wait until no host is going to change by itself, all are healthy; what they say then, and after how long."""
    start = time.monotonic()
    while True:
        rests = all(one.at_rest for one in peek(project).values())
        took = time.monotonic() - start
        seen = look(project) if rests or took > within else {}
        if seen and all(one.at_rest and one.healthy for one in seen.values()):
            return seen, took
        assert took < within, f"not at rest after {took:.0f} s:\n{shown(seen)}"
        time.sleep(0.3)
