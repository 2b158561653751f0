"""Samples of a project's containers over time to a verdict: is the release healthy?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from deployer.frozen import dataclass
from deployer.model.action import Watch
from deployer.model.release import Container
from deployer.rollout.answers import ENOUGH, Answer, breach, has_limits

RESTARTS_WHILE_STARTING = 2  # an application may exit while it waits for its database; more is a crash loop


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one look at the containers saw, `at` seconds after the gate began."""

    at: float
    containers: tuple[Container, ...]
    http: str | None = None  # what was wrong with the HTTP check's last answer; None: nothing, or it was not asked
    answers: tuple[Answer, ...] = ()  # all answers of this look


@dataclass(frozen=True, kw_only=True)
class Healthy:
    because: str


@dataclass(frozen=True, kw_only=True)
class Unhealthy:
    because: str
    container: str | None = None  # its name, where one is to blame


@dataclass(frozen=True, kw_only=True)
class Undecided:
    waiting_for: str
    left: float | None = field(default=None, compare=False)  # seconds to watch still; None: not healthy yet


@dataclass(frozen=True, kw_only=True)
class Unclear:
    """The bake is over and nobody can say: a person has to."""

    because: str


Verdict = Healthy | Unhealthy | Undecided | Unclear


def judge(samples: Sequence[Sample], gate: Watch) -> Verdict:
    """Judge a release by its samples, oldest first; Undecided asks for another one."""
    settled: Sample | None = None
    first: dict[str, int] = {}  # restarts of each container when it was first seen
    exits: dict[str, int] = {}  # how each container ended last, as far as a look has met it between two starts
    for sample in samples:
        first = {**_restarts(sample), **first}
        exits |= {one.id: one.exit_code for one in sample.containers if one.state != "running" or one.exit_code}
        fault = _fault(sample, gate, first, settled, exits)
        if fault is not None:
            return fault
        waiting = _waiting_for(sample, gate, baking=settled is not None)
        if waiting is None:
            settled = settled or sample
        elif settled is not None:
            return Unhealthy(because=f"{waiting}, {sample.at - settled.at:.0f} s after it was healthy")
    return _verdict(samples, settled, gate)


def _baked(samples: Sequence[Sample], settled: Sample, gate: Watch) -> Unhealthy | Unclear | None:
    """What the HTTP answers since the release settled say against it."""
    if gate.http is None or not has_limits(gate.http):
        return None
    answers = [answer for sample in samples if sample.at >= settled.at for answer in sample.answers]
    broken = breach(answers, gate.http)
    if broken:
        return Unhealthy(because=broken)
    over = samples[-1].at - settled.at >= gate.bake
    return (
        Unclear(because=f"only {len(answers)} HTTP answers, {ENOUGH} are needed")
        if over and len(answers) < ENOUGH
        else None
    )


def _verdict(samples: Sequence[Sample], settled: Sample | None, gate: Watch) -> Verdict:
    if not samples:
        return Undecided(waiting_for="the first look")
    last = samples[-1]
    if settled is None:
        waiting = _waiting_for(last, gate) or ""
        if last.at < gate.patience:
            return Undecided(waiting_for=waiting)
        return Unhealthy(because=f"{waiting} after {gate.patience:g} s", container=_suspect(last, gate))
    against = _baked(samples, settled, gate)
    if against is not None:
        return against
    if last.at - settled.at < gate.bake:
        watched = last.at - settled.at
        return Undecided(waiting_for=f"all healthy, {watched:.0f} of {gate.bake:g} s watched", left=gate.bake - watched)
    return Healthy(because=f"{_count(gate.release.services)} healthy for {gate.bake:g} s")


def _fault(
    sample: Sample, gate: Watch, first: Mapping[str, int], settled: Sample | None, exits: Mapping[str, int]
) -> Unhealthy | None:
    """What no patience will mend. While a container runs, Docker says of none with which status it ended before."""
    allowed = 0 if settled else RESTARTS_WHILE_STARTING
    before = _restarts(settled) if settled else first
    for one in (one for one in _lasting(sample) if one.service in gate.release.services):
        restarts = one.restarts - before.get(one.id, 0)
        if restarts > allowed:
            how = f": it exits with status {exits[one.id]}" if one.id in exits else ""
            return _blame(one, f"{one.service} restarted {restarts} times{how}")
        if one.state in ("exited", "dead") and not _finished_well(one):
            return _blame(one, f"{one.service} ended with status {one.exit_code}")
        if settled and set(one.fell_at) - _falls(settled).get(one.id, frozenset()):
            return _blame(one, f"{one.service} was unhealthy for a moment after it was healthy")
        if one.state == "running" and one.health == "unhealthy":  # between two starts Docker says so of any container
            return _blame(one, f"{one.service} is unhealthy: {_last_line(one.health_log)}")
    return None


def _waiting_for(sample: Sample, gate: Watch, *, baking: bool = False) -> str | None:
    """Why this sample does not show a healthy release yet; None: it does."""
    for service in gate.release.services:
        found = [one for one in _lasting(sample) if one.service == service]
        if not found:
            return f"{service} has no container"
        for one in found:
            if not is_well(one):
                return f"{service} is {one.health if one.state == 'running' else one.state}"
    if baking and has_limits(gate.http):
        return None  # single answers may be wrong: the limits decide
    return f"the HTTP check: {sample.http}" if sample.http else None


def is_well(one: Container) -> bool:
    """Running (and healthy, where it has a health check), or a one-shot service that ended with status 0."""
    if one.state == "running":
        return one.health in (None, "healthy")
    return _finished_well(one)


def _finished_well(one: Container) -> bool:
    return one.state == "exited" and one.exit_code == 0 and one.restart_policy in ("no", "on-failure", "")


def _lasting(sample: Sample) -> list[Container]:
    return [one for one in sample.containers if not one.oneoff]


def _restarts(sample: Sample) -> Mapping[str, int]:
    return {one.id: one.restarts for one in sample.containers}


def _falls(sample: Sample) -> Mapping[str, frozenset[str]]:
    return {one.id: frozenset(one.fell_at) for one in sample.containers}


def _suspect(sample: Sample, gate: Watch) -> str | None:
    wanted = gate.release.services
    return next((one.name for one in _lasting(sample) if one.service in wanted and not is_well(one)), None)


def _blame(one: Container, because: str) -> Unhealthy:
    return Unhealthy(because=because, container=one.name)


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "its health check says nothing"


def _count(services: Sequence[str]) -> str:
    return f"{len(services)} service{'' if len(services) == 1 else 's'}"
