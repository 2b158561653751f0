"""Watching: sample a host until the verdict is in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from deployer.engine.ports import Emit
from deployer.errors import CommandError, UndecidedError, UnhealthyError
from deployer.frozen import dataclass
from deployer.model.action import HttpCheck, Watch
from deployer.model.event import GateJudged, GateWatching
from deployer.protocols import Probe, Remote
from deployer.rollout.answers import Answer
from deployer.rollout.health import Healthy, Sample, Unclear, Undecided, Unhealthy, is_well, judge

LOG_LINES = 20
BLIND_LOOKS = 3  # looks in a row that fail before nobody can say how the release is


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time as the gate sees it; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


USUAL = Clock()


def watch(remote: Remote, gate: Watch, *, become: str | None, emit: Emit, clock: Clock = USUAL) -> str:
    """Sample until the release is judged; returns why it is healthy.

    Raises UnhealthyError if it is not, UndecidedError if nobody can say.
    """
    probe = remote.probe(become=become)
    try:
        verdict = _until_judged(
            probe, gate, lambda message: emit(GateWatching(host=remote.name, message=message)), clock
        )
        if isinstance(verdict, Healthy):
            emit(GateJudged(host=remote.name, healthy=True, because=verdict.because))
            return verdict.because
        if isinstance(verdict, Unclear):
            raise UndecidedError(f"undecided: {verdict.because}", host=remote.name)
        logs = probe.logs(verdict.container, LOG_LINES) if verdict.container else ()
    finally:
        probe.close()
    emit(GateJudged(host=remote.name, healthy=False, because=verdict.because, container=verdict.container, logs=logs))
    raise UnhealthyError(verdict.because, host=remote.name)


def _until_judged(probe: Probe, gate: Watch, say: Callable[[str], None], clock: Clock) -> Healthy | Unhealthy | Unclear:
    start, blind = clock.now(), 0
    samples: list[Sample] = []
    while True:
        try:
            samples.append(_sample(probe, gate, clock.now() - start))
            blind = 0
        except CommandError as broken:
            blind += 1
            if blind >= BLIND_LOOKS:
                return Unclear(because=broken.message)
        verdict = judge(samples, gate)
        if not isinstance(verdict, Undecided):
            return verdict
        say(verdict.waiting_for)
        clock.sleep(gate.interval if blind else _pause(gate, verdict))


def _pause(gate: Watch, verdict: Undecided) -> float:
    """Seconds to the next look: soon while the release gets healthy, and just as long as it is to be watched still."""
    if verdict.left is None:
        return gate.interval / 4
    return min(gate.interval, verdict.left)


def _sample(probe: Probe, gate: Watch, at: float) -> Sample:
    """One look; the HTTP check is asked only once the containers are well: before, it would only fail."""
    sample = Sample(at=at, containers=probe.containers(gate.release.project))
    mine = [one for one in sample.containers if one.service in gate.release.services and not one.oneoff]
    if gate.http is None or not mine or not all(is_well(one) for one in mine):
        return sample
    answers = tuple(_answer(probe, gate.http) for _ in range(max(1, gate.http.requests)))
    return replace(sample, http=answers[-1].fault, answers=answers)


def _answer(probe: Probe, check: HttpCheck) -> Answer:
    start = time.monotonic()
    fault = probe.http(check)
    return Answer(seconds=time.monotonic() - start, fault=fault)
