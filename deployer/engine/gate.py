"""Watching: sample a host until the verdict is in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from deployer.engine.ports import Emit
from deployer.errors import UnhealthyError
from deployer.model.action import Watch
from deployer.model.event import GateJudged, GateWatching
from deployer.protocols import Probe, Remote
from deployer.rollout.health import Healthy, Sample, Undecided, Unhealthy, is_well, judge

LOG_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time as the gate sees it; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def watch(remote: Remote, gate: Watch, *, become: str | None, emit: Emit, clock: Clock = Clock()) -> str:
    """Sample until the release is judged; returns why it is healthy, raises UnhealthyError if it is not."""
    probe = remote.probe(become=become)
    try:
        verdict = _until_judged(
            probe, gate, lambda message: emit(GateWatching(host=remote.name, message=message)), clock
        )
        if isinstance(verdict, Healthy):
            emit(GateJudged(host=remote.name, healthy=True, because=verdict.because))
            return verdict.because
        logs = probe.logs(verdict.container, LOG_LINES) if verdict.container else ()
    finally:
        probe.close()
    emit(GateJudged(host=remote.name, healthy=False, because=verdict.because, container=verdict.container, logs=logs))
    raise UnhealthyError(verdict.because, host=remote.name)


def _until_judged(probe: Probe, gate: Watch, say: Callable[[str], None], clock: Clock) -> Healthy | Unhealthy:
    start = clock.now()
    samples: list[Sample] = []
    while True:
        samples.append(_sample(probe, gate, clock.now() - start))
        verdict = judge(samples, gate)
        if not isinstance(verdict, Undecided):
            return verdict
        say(verdict.waiting_for)
        clock.sleep(gate.interval)


def _sample(probe: Probe, gate: Watch, at: float) -> Sample:
    """One look; the HTTP check is asked only once the containers are well: before, it would only fail."""
    sample = Sample(at=at, containers=probe.containers(gate.release.project))
    mine = [one for one in sample.containers if one.service in gate.release.services and not one.oneoff]
    if gate.http is None or not mine or not all(is_well(one) for one in mine):
        return sample
    return replace(sample, http=probe.http(gate.http))
