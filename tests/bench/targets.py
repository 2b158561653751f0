"""What deployer wants to reach, beside what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.results import Results
from bench.stats import seconds, size


@dataclass(frozen=True)
class Line:
    """One target with its figure; `figure` is None where it was not measured."""

    what: str
    limit: float
    figure: float | None
    show: Callable[[float], str]

    @property
    def is_met(self) -> bool | None:
        return None if self.figure is None else self.figure <= self.limit

    @property
    def verdict(self) -> str:
        return {None: "–", True: "met", False: "**missed**"}[self.is_met]


def targets(results: Results) -> Iterator[Line]:
    """Every target, in the order of the cases."""
    yield from _times(results)
    yield from _counts(results)
    yield from _shape(results)
    yield from _start(results)


def _times(results: Results) -> Iterator[Line]:
    compared = (
        ("unchanged-3", "unchanged, 3 hosts", (("shell", 0.4), ("ansible", 1 / 15))),
        ("changed", "one changed file", (("shell", 1.0), ("ansible", 0.5))),
        ("first-sync", "first sync", (("shell", 1.1),)),
        ("large-file", "large file", (("shell", 1.1),)),
        ("unchanged-32", "unchanged, 32 hosts", (("shell", 0.3), ("ansible", 0.1))),
    )
    titles = {"shell": "the script's time", "ansible": "Ansible's time"}
    for case, title, limits in compared:
        for peer, limit in limits:
            of = "rsync -az's time" if case in ("first-sync", "large-file") else titles[peer]
            ratio = _ratio(results.median(case, "deployer"), results.median(case, peer))
            yield Line(f"{title}: part of {of}", limit, ratio, _fraction)
    yield Line("roll back, until it serves", 5.0, results.median("back", "deployer"), _seconds)
    yield Line("a command on 200 endpoints", 7.0, results.median("command-200", "deployer"), _seconds)


def _counts(results: Results) -> Iterator[Line]:
    def own(what: str) -> float | None:
        return results.count("unchanged", "deployer", what)

    yield Line("unchanged: connections to a host", 1, own("connections"), _number)
    yield Line("unchanged: sessions on a host", 2, own("sessions"), _number)
    yield Line("unchanged: bytes to a host", 12_000, own("bytes_out"), size)
    yield Line("unchanged: bytes from a host", 12_000, own("bytes_in"), size)
    sent = _ratio(_both(results, "deployer"), _both(results, "rsync"))
    yield Line("one changed file: part of the bytes of rsync -az", 1.2, sent, _fraction)


def _shape(results: Results) -> Iterator[Line]:
    near, far = (results.median(case, "deployer") for case in ("unchanged-3", "unchanged-200ms"))
    trips = (far - near) / 0.2 if near is not None and far is not None else None
    yield Line("unchanged, 200 ms away: round trips, by time", 12, trips, _fraction)
    for endpoints in (3, 32, 200):
        peak = results.median(f"command-{endpoints}", "deployer", "peak")
        yield Line(f"peak memory for {endpoints} endpoints", (60 + endpoints) * 1e6, peak, size)


def _start(results: Results) -> Iterator[Line]:
    found = results.extras.get
    yield Line("`deploy --version`, beyond Python's own start", 0.15, found("start"), _seconds)
    yield Line("`deploy inventory` of 1,000 hosts", 0.5, found("inventory 1000"), _seconds)
    yield Line("`deploy inventory` of 10,000 hosts", 4.0, found("inventory 10000"), _seconds)
    yield Line("round trips of one more command task", 1.0, found("one more command"), _fraction)
    yield Line("round trips of a first sync of 1,000 files, bytes included", 6.0, found("small files"), _fraction)


def _both(results: Results, tool: str) -> float | None:
    out, back = (results.count("changed", tool, what) for what in ("bytes_out", "bytes_in"))
    return None if out is None or back is None else out + back


def _ratio(own: float | None, other: float | None) -> float | None:
    return own / other if own is not None and other else None


def _seconds(value: float) -> str:
    return f"{seconds(value)} s"


def _number(value: float) -> str:
    return f"{value:g}"


def _fraction(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
