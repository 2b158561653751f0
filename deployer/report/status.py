"""Tables for people and JSON for programs about what hosts serve. Who asks the hosts is the caller's business."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO

from deployer.frozen import dataclass
from deployer.model.release import Installed, Release
from deployer.report.json_lines import plain
from deployer.report.words import clean

_ROOM = 10_000  # columns: lines are never broken; a terminal wraps them, a pipe keeps them whole


@dataclass(frozen=True)
class StatusRow:
    """What one host serves; `release` None: nothing, or the host could not be asked (`note` says why)."""

    host: str
    release: str | None = None
    created: str = ""  # RFC 3339, UTC
    commit: str = ""
    dirty: bool = False
    by: str = ""  # user@machine
    services: tuple[tuple[str, str, str], ...] = ()  # name, state, health ("" without a health check)
    healthy: bool = False
    edited: tuple[str, ...] = ()  # files of the release that somebody has changed or removed on the host
    note: str = ""


def render_status(
    rows: Sequence[StatusRow], *, now: datetime | None = None, colour: bool = False, width: int | None = None
) -> str:
    """A table with a line for each host, and a sentence if hosts serve different releases.

    With a `width`, a table that is wider has a line for each cell instead.
    """
    cells = [(_status_cells(row, now or datetime.now(UTC)), _status_style(row)) for row in rows]
    table = _table(("HOST", "RELEASE", "AGE", "COMMIT", "BY", "SERVICES", "NOTE"), cells, colour=colour, width=width)
    return table + _mixed(rows)


def status_json(rows: Iterable[StatusRow]) -> str:
    """One JSON array, an object for each host; `services` are objects with name, state and health."""
    return json.dumps([_status_object(row) for row in rows], indent=2)


def render_releases(
    installed: Mapping[str, Installed], *, now: datetime | None = None, colour: bool = False, width: int | None = None
) -> str:
    """A table of every host's releases, newest first, marked current, healthy and failed; `width` as above."""
    cells = [
        ((clean(host), *_release_cells(release, each, now or datetime.now(UTC))), _release_style(release, each))
        for host, each in installed.items()
        for release in _newest_first(each)
    ]
    table = _table(("HOST", "RELEASE", "AGE", "COMMIT", "BY", "MARKS"), cells, colour=colour, width=width)
    return table + "".join(f"{clean(host)}: no releases\n" for host, each in installed.items() if not each.releases)


def releases_json(installed: Mapping[str, Installed]) -> str:
    """One JSON object: host to its releases, newest first, each with `marks` beside what release.json says."""
    return json.dumps(
        {
            host: [{**plain(release), "marks": _marks(release, each)} for release in _newest_first(each)]
            for host, each in installed.items()
        },
        indent=2,
    )


def age(created: str, now: datetime) -> str:
    """How long ago an RFC 3339 time was: "just now", "5 min ago", "3 h ago", "12 d ago"; "?" if it is no time."""
    try:
        then = datetime.fromisoformat(created)
    except ValueError:
        return "?"
    seconds = (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()
    if seconds < 60:
        return "just now"
    for unit, length, end in (("min", 60, 60), ("h", 3600, 48)):
        if seconds < length * end:
            return f"{int(seconds // length)} {unit} ago"
    return f"{int(seconds // 86400)} d ago"


def _status_cells(row: StatusRow, now: datetime) -> tuple[str, ...]:
    when = age(row.created, now) if row.created else ""
    services = ", ".join(f"{name} {health or state}" for name, state, health in row.services)
    verdict = "" if row.healthy or not row.release else "NOT HEALTHY"
    note = ": ".join(part for part in (verdict, row.note) if part)
    cells = (row.host, row.release or "-", when, _commit(row.commit, dirty=row.dirty), row.by, services, note)
    return tuple(map(clean, cells))


def _status_style(row: StatusRow) -> str:
    return "green" if row.healthy else "bold red" if row.release else "dim"


def _mixed(rows: Sequence[StatusRow]) -> str:
    releases = {row.release for row in rows if row.release}
    if len(releases) < 2:
        return ""
    return f"\nhosts serve {len(releases)} different releases: {', '.join(map(clean, sorted(releases)))}\n"


def _status_object(row: StatusRow) -> dict[str, object]:
    services = [dict(zip(("name", "state", "health"), service, strict=True)) for service in row.services]
    return {**plain(row), "services": plain(services)}


def _newest_first(installed: Installed) -> list[Release]:
    return list(installed.releases.values())[::-1]


def _release_cells(release: Release, installed: Installed, now: datetime) -> tuple[str, ...]:
    commit = _commit(release.commit or "", dirty=release.dirty)
    cells = (release.id, age(release.created, now), commit, release.by, " ".join(_marks(release, installed)))
    return tuple(map(clean, cells))


def _release_style(release: Release, installed: Installed) -> str:
    if release.id == installed.current:
        return "green"
    return "red" if release.id in installed.failed else ""


def _marks(release: Release, installed: Installed) -> list[str]:
    sets = {"current": {installed.current}, "healthy": installed.healthy, "failed": installed.failed}
    return [mark for mark, ids in sets.items() if release.id in ids]


def _commit(commit: str, *, dirty: bool) -> str:
    return f"{commit[:10]}{'+dirty' if dirty else ''}"


def _table(
    header: Sequence[str], rows: Sequence[tuple[tuple[str, ...], str]], *, colour: bool, width: int | None
) -> str:
    """Columns two spaces apart, without lines around them; a column that is empty everywhere is left out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    used = [number for number, _ in enumerate(header) if any(cells[number] for cells, _ in rows)]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for number in used:
        table.add_column(header[number], no_wrap=True)
    for cells, style in rows:
        table.add_row(*(Text(cells[number], style if number == used[0] else "") for number in used))
    out = StringIO()
    Console(file=out, width=_ROOM, force_terminal=colour, highlight=False).print(table)
    lines = [line.rstrip() for line in out.getvalue().splitlines()] if rows else []
    if width and any(len(line) > width for line in lines):
        return "\n".join(_block(header, cells) for cells, _ in rows)
    return "".join(f"{line}\n" for line in lines)


def _block(header: Sequence[str], cells: Sequence[str]) -> str:
    """One row for a narrow terminal: its name, and below it a line for each cell that says something."""
    pairs = [(name.lower(), cell) for name, cell in zip(header[1:], cells[1:], strict=True) if cell]
    names = max((len(name) for name, _ in pairs), default=0)
    return f"{cells[0]}\n" + "".join(f"  {name.ljust(names)}  {cell}\n" for name, cell in pairs)
