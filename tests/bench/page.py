"""docs/performance.md of the figures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bench.plots import CHARTS
from bench.reasons import reasons
from bench.results import Results
from bench.stats import seconds, size
from bench.targets import targets

TOOLS = {"deployer": "deployer", "shell": "shell script", "pyinfra": "pyinfra", "ansible": "Ansible"}
COUNTED = {"unchanged": "unchanged", "changed": "one changed file", "back": "roll back"}
HEAD = """\
# Performance

deployer, and what one would otherwise use, doing the same job on the same lab hosts. This page is written by
`make bench`, figures and all. `make bench-quick` measures a part of it in a few minutes and prints it.

All hosts are containers on one machine, which runs the tools too: the hosts' share of the work (Docker's above all) is
in every figure, and 32 hosts get no more processors than 3.
"""
METHOD = """\
## How it is measured

- The job of a deployment: Docker is there, the project's files are synced, its compose project is built, up and
  healthy. Each tool has a project of its own on the same hosts, with the same files and the same `compose.yaml`.
- Runs are interleaved, one tool after the other, each from cold: no connection is left open from the run before.
  pyinfra and Ansible get three runs instead of five in cases in which they take long.
- After each run the hosts are asked: for the page that they serve, for the sums of their files, for the files that
  commands left. A tool that ended well and did not get there ends the benchmark.
- **deployer** waits for no bake time and has no canary here (`gate_bake: 0`, `rollout_serial: 100%`): the others have
  neither.
- **The shell script** runs for each host, side by side, one `rsync -az --delete` and one `ssh` with
  `docker compose up -d --build --wait`.
- **pyinfra** has operations of its own for packages and services, `files.rsync`, and the same compose command.
- **Ansible** has pipelining, as many forks as hosts, no gathering of facts, `synchronize` and `docker_compose_v2`.
  Python, python3-apt and rsync are on the hosts for it; deployer uses none of them.
- *Unchanged* is a project of 63 files. *Changed* is one Python file of 2,000 files and 60 MB; it and
  *roll back* end when all hosts serve the version, which a tool's own end may come after.
  *Large file* is 1 MB changed in the middle of 200 MB; it and *first sync* move files only, the shell script with rsync
  alone.
- deployer finds what it has sent before in the user's cache (docs/sync.md), as anybody's second deployment does.
- *Roll back* is `deploy rollback --to` for deployer; the others get the old files back and run as before.
- A link of 50 or 200 ms is a TCP proxy in front of each sshd that holds every byte back, TCP's handshake included.
- Memory is the most that a tool's processes had together, pages that they share counted once. CPU is theirs, not the
  hosts'.
- Bytes and connections are counted by a proxy, sessions by sshd; deployer's own count must be the same as the
  proxy's.
"""


def render_page(results: Results, titles: Mapping[str, str], *, plots: bool = True) -> str:
    """The whole page, as Markdown; `titles` names the cases in their order."""
    parts: Iterable[str] = (
        HEAD,
        "## Machine and versions\n\n" + "\n".join(_facts(results)) + "\n",
        "## Seconds\n\nMedian (fastest – slowest, runs).\n\n" + _times(results, titles),
        _charts(results) if plots else "",
        _memory(results),
        "## Counted\n\nOn one host.\n\n" + _counted(results),
        "## Targets\n\n" + _targets(results),
        _reasons(results),
        METHOD,
    )
    return "\n".join(part for part in parts if part)


def _facts(results: Results) -> Iterator[str]:
    for name, value in {**results.machine, **results.versions}.items():
        yield f"- {name}: {value}"
    took = f"; the benchmark took {results.seconds / 60:.0f} minutes" if results.seconds else ""
    yield f"- commit: {results.commit}{took}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are figures."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _times(results: Results, titles: Mapping[str, str]) -> str:
    rows = [
        [title, *(str(results.of(case, tool) or "–") for tool in TOOLS)]
        for case, title in titles.items()
        if case in results.samples
    ]
    missing = [title for case, title in titles.items() if case not in results.samples]
    return table(["", *TOOLS.values()], rows) + (f"\nNot measured: {'; '.join(missing)}.\n" if missing else "")


def _memory(results: Results) -> str:
    rows = []
    for endpoints in (number for number in (3, 32, 200) if f"command-{number}" in results.samples):
        case = f"command-{endpoints}"
        cells = ((results.median(case, tool, "peak"), results.median(case, tool, "cpu")) for tool in TOOLS)
        rows.append(
            [str(endpoints), *(f"{size(peak)}, {seconds(cpu)} s" if peak and cpu else "–" for peak, cpu in cells)]
        )
    head = "## Memory and processor time\n\nOf the tool itself, for one command on each endpoint.\n\n"
    return f"{head}{table(['endpoints', *TOOLS.values()], rows)}" if rows else ""


def _counted(results: Results) -> str:
    names = {**TOOLS, "rsync": "rsync -az alone"}
    rows = [
        [f"{title}: {names[tool]}", *(f"{cost[what]}" for what in ("connections", "sessions")),
         size(cost["bytes_out"]), size(cost["bytes_in"]), f"{cost['turns']}"]
        for case, title in COUNTED.items()
        for tool, cost in results.counts.get(case, {}).items()
    ]  # fmt: skip
    return table(["", "connections", "sessions", "to the host", "from it", "turns of the line"], rows)


def _targets(results: Results) -> str:
    rows = [
        [
            line.what,
            f"≤ {line.show(line.limit)}",
            line.show(line.figure) if line.figure is not None else "–",
            line.verdict,
        ]
        for line in targets(results)
    ]
    return table(["", "target", "figure", ""], rows)


def _reasons(results: Results) -> str:
    found = (f"**{what[0].upper()}{what[1:]}.** {why}" for what, why in reasons(targets(results)))
    told = [textwrap.fill(one, 120, break_long_words=False, break_on_hyphens=False) + "\n" for one in found]
    return "### What is in the way\n\n" + "\n".join(told) if told else ""


def _charts(results: Results) -> str:
    drawn = (chart for chart in CHARTS if chart.is_drawn(results))
    return "".join(f"![{chart.title}](performance/{chart.name}.svg)\n\n" for chart in drawn)
