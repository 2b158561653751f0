"""`python -m bench`: all cases, or with --quick those that take no longer than a cup of tea."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stage import sweep

from bench.cases import Case, Changed, FirstSync, GoBack, Install, LargeFile, OneCommand, Status, Unchanged
from bench.counts import count_all
from bench.errors import BenchError
from bench.extras import measure_extras
from bench.ground import Ground
from bench.machine import commit_here, describe_machine, describe_versions
from bench.measuring import Sample
from bench.page import TOOLS, render_page
from bench.plots import draw
from bench.results import Results
from bench.tools.tool import Tool
from deployer.errors import LabError
from deployer.lab.privilege import ensure_commands

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".venv-bench"
KEPT = ROOT / ".cache" / "bench"
PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True)
class Pace:
    """How often each tool runs in a case: `runs` times; but for MAIN, `few` once `cap` seconds are used up."""

    runs: int
    few: int
    cap: float


MAIN = ("deployer", "shell")  # what is compared above all
WHOLE, BRISK = Pace(5, 3, 20.0), Pace(3, 1, 8.0)

CASES: tuple[Case, ...] = (
    Unchanged("unchanged-3", "1. unchanged, 3 hosts"),
    Changed("changed", "2. one changed file of 2,000"),
    FirstSync("first-sync", "3. first sync of 2,000 files, 60 MB"),
    LargeFile("large-file", "4. large file, 200 MB"),
    Unchanged("unchanged-32", "5. unchanged, 32 hosts", hosts=32),
    Unchanged("unchanged-50ms", "6. unchanged, 3 hosts 50 ms away", round_trip=0.05),
    Unchanged("unchanged-200ms", "6. unchanged, 3 hosts 200 ms away", round_trip=0.2),
    Status("status", "7. status of 32 hosts"),
    GoBack("back", "8. roll back, 3 hosts"),
    Install("install", "9. install Docker on 3 hosts"),
    OneCommand("command-3", "10. a command on 3 endpoints", endpoints=3),
    OneCommand("command-32", "10. a command on 32 endpoints", endpoints=32),
    OneCommand("command-200", "10. a command on 200 endpoints", endpoints=200),
)
HERE = {"ssh": "openssh-client", "rsync": "rsync"}  # what peers run on this machine; deployer needs neither
COUNTS = "counts"  # all that is not timed, and what deployer promises alone
QUICK = ("unchanged-3", "changed", "unchanged-50ms", "unchanged-200ms", COUNTS)
ORDER = (  # those that need many hosts come last: they make the machine busier
    "unchanged-3", "changed", "back", "first-sync", "large-file", "unchanged-50ms", "unchanged-200ms", COUNTS,
    "command-3", "unchanged-32", "status", "command-32", "command-200", "install",
)  # fmt: skip


def main() -> int:
    """0 if all that was asked for was measured and every tool reached what it should."""
    options = _options()
    if options.page:
        _write(Results.load(KEPT / "results.json"), whole=True)
        return 0
    chosen = tuple(options.case) or (QUICK if options.quick else ORDER)
    usual = BRISK if options.quick else WHOLE
    pace = Pace(options.runs or usual.runs, usual.few, options.cap or usual.cap)
    whole = chosen == ORDER and pace.runs >= WHOLE.runs
    path = KEPT / ("results.json" if whole else "part.json")
    results = Results.begin(path, commit_here(ROOT), fresh=options.fresh or not whole)
    started = time.monotonic()
    sweep()
    with TemporaryDirectory(prefix="deploy-bench-") as room:
        ground = Ground(Path(room), ENVIRONMENTS, Path(sys.executable).parent)
        try:
            _measure(ground, results, chosen, pace, thrifty=options.quick)
        except (BenchError, LabError) as error:
            say(f"FAILED: {error}")
            return 1
        finally:
            ground.close()
            results.seconds += time.monotonic() - started
            results.save()
    _write(results, whole=whole)
    return 0


def _measure(ground: Ground, results: Results, chosen: Sequence[str], pace: Pace, *, thrifty: bool) -> None:
    """`thrifty`: count only deployer and the shell script, and leave out what deployer promises alone."""
    by_key = {case.key: case for case in CASES}
    ensure_commands(HERE, say)
    ground.hosts(3)
    results.machine, results.versions = describe_machine(), describe_versions(ground)
    for key in chosen:
        if key == COUNTS and not results.counts:
            results.counts = count_all(ground, MAIN if thrifty else tuple(TOOLS), say)
            results.extras = {} if thrifty else measure_extras(ground, min(pace.runs, 3), say)
        elif key != COUNTS and key not in results.samples:
            for tool, samples in run_case(by_key[key], ground, pace).items():
                results.keep(key, tool, samples)
        results.save()


def run_case(case: Case, ground: Ground, pace: Pace) -> dict[str, list[Sample]]:
    """Tool -> its samples, the tools taking turns."""
    say(case.title)
    found: dict[str, list[Sample]] = {}
    with ExitStack() as stack:
        case.prepare(ground, stack)
        for number in range(pace.runs):
            for tool in turned(ground.tools, number):
                done = found.setdefault(tool.name, [])
                if tool.name not in MAIN and len(done) >= pace.few and sum(one.seconds for one in done) > pace.cap:
                    continue
                try:
                    done.append(case.run(ground, tool, number))
                except BenchError as error:
                    raise BenchError(f"{case.title}: {tool.title}: {error}") from error
                tool.settle()
                say(f"  {tool.title}: {done[-1].seconds:.2f} s")
    return {tool: found[tool] for tool in TOOLS}


def turned(tools: Sequence[Tool], number: int) -> Sequence[Tool]:
    """The tools, another one first each time."""
    first = number % len(tools)
    return [*tools[first:], *tools[:first]]


def _write(results: Results, *, whole: bool) -> None:
    titles = {case.key: case.title for case in CASES}
    if not whole:
        page = KEPT / "part.md"
        page.write_text(render_page(results, titles, plots=False))
        print(page.read_text())
        return
    PAGE.write_text(render_page(results, titles))
    draw(results, TOOLS, ENVIRONMENTS / "plots" / "bin" / "python", PAGE.with_suffix(""))
    results.complete = all(key == COUNTS or key in results.samples for key in ORDER)
    results.save()
    say(f"written: {PAGE.relative_to(ROOT)}, after {results.seconds / 60:.1f} minutes")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="cases 1, 2 and 6, and what is counted; printed only")
    parser.add_argument("--case", action="append", default=[], choices=ORDER, help="only this one; may be repeated")
    parser.add_argument("--runs", type=int, help=f"of each tool in each case: {WHOLE.runs}, or {BRISK.runs}")
    parser.add_argument("--cap", type=float, help="seconds of a tool in a case, after which it runs less often")
    parser.add_argument("--page", action="store_true", help="only write the page, of what was measured until now")
    parser.add_argument("--fresh", action="store_true", help="forget what a benchmark that was stopped has measured")
    return parser.parse_args()


def say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
