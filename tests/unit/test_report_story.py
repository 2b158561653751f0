"""A whole deployment as events: three hosts, a canary, a gate that fails in the second batch, everyone put back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from deployer.errors import ExitCode
from deployer.model import event as e
from deployer.model.report import Done, HostOutcome, Report, State, Status, TaskResult

HOSTS = ("web1", "web2", "db-10")
OLD = "20261121T090000Z-1c0ffee"
NEW = "20261122T063000Z-3f9a2c1"
SECRET = "s3cr3t-of-the-fleet"
CRASH = (
    "Traceback (most recent call last):",
    '  File "/app/manage.py", line 3, in <module>',
    "ImproperlyConfigured: DATABASE_URL is not set",
)
WHY = "web exited with 1, 3 restarts"


def story() -> list[e.Event]:
    """Every kind of event, in an order in which an engine emits them."""
    return [
        e.RunStarted(verb="deploy", environment="prod", hosts=HOSTS, release=NEW),
        *(e.HostDoing(host=host, doing="connecting") for host in HOSTS),
        *(e.HostConnected(host=host, seconds=0.21) for host in HOSTS),
        e.Note(message="the clock is 4 s behind", host="web2", warning=True),
        e.PlayStarted(play="Deploy the shop", hosts=HOSTS),
        *_prepared(),
        *_batch(1, ("web1",), healthy=True),
        *_batch(2, ("web2", "db-10"), healthy=False),
        *_rollback(),
        e.RunFinished(report=report()),
    ]


def report() -> Report:
    """How the story ends: exit 6."""
    back = {"state": State.ROLLED_BACK, "before": OLD, "after": OLD, "actions": 4}
    return Report(
        environment="prod",
        exit_code=ExitCode.ROLLED_BACK,
        seconds=42.4,
        outcomes=(
            HostOutcome(host="web1", ok=5, changed=3, skipped=1, **back),
            HostOutcome(host="web2", ok=4, changed=3, failed=1, because=WHY, hint="deploy logs prod web", **back),
            HostOutcome(host="db-10", state=State.STOPPED, ok=12, changed=3, before=None, after=None, actions=4),
        ),
        results=(TaskResult(host="web1", task="Bring the release up", status=Status.CHANGED, data={"stdout": "up"}),),
        message=f"web2: {WHY}",
        hint="deploy prod --check",
    )


def mixed_report() -> Report:
    """How the story would end, had one host not come back: exit 7."""
    first, second, third = report().outcomes
    broken = replace(second, state=State.BROKEN, after=None, because="rollback failed: no space left", hint=None)
    return replace(report(), exit_code=ExitCode.MIXED, outcomes=(first, broken, third))


def check_story() -> list[e.Event]:
    """What `--check --diff` emits where two hosts would change and one would not."""
    outcomes = tuple(
        HostOutcome(host=host, state=state, ok=2, changed=changed, actions=actions, before=OLD, after=after)
        for host, state, changed, actions, after in (
            ("web1", State.PENDING, 2, 4, NEW),
            ("web2", State.PENDING, 1, 3, NEW),
            ("db-10", State.UNCHANGED, 0, 0, OLD),
        )
    )
    diff = "--- /etc/motd (on the host)\n+++ /etc/motd (wanted)\n@@ -1 +1 @@\n-old\n+new\n"
    network = _network("web1", planned=True)
    return [
        e.RunStarted(verb="deploy", environment="prod", hosts=HOSTS, check=True, release=NEW),
        e.PlayStarted(play="Deploy the shop", hosts=HOSTS),
        e.TaskStarted(task="Create the network", hosts=HOSTS),
        network,
        replace(network, host="web2", title="write /etc/motd", because="its content differs", diff=diff),
        e.TaskDone(result=_result("web1", "Create the network", Status.CHANGED, 0.0, network)),
        e.TaskDone(result=_result("db-10", "Create the network", Status.OK, 0.0)),
        e.TaskDone(result=_result("web2", "Create the network", Status.CHANGED, 0.0, network)),
        e.RunFinished(
            report=Report(environment="prod", exit_code=ExitCode.OK, check=True, seconds=1.2, outcomes=outcomes)
        ),
    ]


def _prepared() -> Iterator[e.Event]:
    """What says nothing that other events would not say to a person."""
    yield e.MetaDone(host="web1", task="meta")
    yield e.Included(path="/project/tasks/ports.yml", hosts=("web1", "web2"), label="80")
    yield e.ItemDone(result=_result("web1", "Open the ports", Status.OK, 0.0), label="80")
    yield e.TooManyFailed(failed=("web2",), of=3)


def _batch(number: int, hosts: tuple[str, ...], *, healthy: bool) -> Iterator[e.Event]:
    yield e.BatchStarted(number=number, of=2, hosts=hosts)
    yield e.TaskStarted(task="Install Docker", hosts=hosts)
    yield from (e.TaskDone(result=_result(host, "Install Docker", Status.OK, 0.0)) for host in hosts)
    yield e.TaskStarted(task="Create the network", hosts=hosts)
    for host in hosts:
        yield _network(host)
        yield e.Output(host=host, line="0f3b7c\x1b[31m red\x1b[0m")
        yield e.TaskDone(result=_result(host, "Create the network", Status.CHANGED, 0.3, _network(host)))
    yield e.TaskStarted(task="Bring the release up", hosts=hosts)
    yield from (e.Progress(host=hosts[0], done=done, total=40_000_000) for done in (0, 12_300_000, 40_000_000))
    yield e.Retrying(host=hosts[0], message="dpkg is locked by unattended-upgrades")
    yield from (e.GateWatching(host=host, message=f"web starting ({n} s)") for n in (0, 1) for host in hosts)
    yield from _verdicts(hosts, healthy=healthy)


def _verdicts(hosts: tuple[str, ...], *, healthy: bool) -> Iterator[e.Event]:
    task = "Bring the release up"
    for host in hosts:
        if healthy or host != "web2":
            yield e.GateJudged(host=host, healthy=True, because="all services healthy for 10 s")
            yield e.TaskDone(result=_result(host, task, Status.CHANGED, 12.0))
            continue
        yield e.GateJudged(host=host, healthy=False, because=WHY, container="shop-web-1", logs=CRASH)
        output = f"up failed\ntoken={SECRET}"
        failed = replace(_result(host, task, Status.FAILED, 12.0), message=WHY, output=output)
        yield e.TaskDone(result=replace(failed, place="playbooks/deploy.yml:12:7", hint="deploy logs prod web"))


def _rollback() -> Iterator[e.Event]:
    yield e.RollbackStarted(because=f"web2: {WHY}", targets={"web1": OLD, "web2": OLD, "db-10": None})
    yield e.TaskStarted(task="Start the previous release", hosts=HOSTS)
    for host in HOSTS:
        yield e.ActionStarted(
            host=host, task="Start the previous release", title="docker compose up\n-d", because="it serves"
        )
        yield e.TaskDone(result=_result(host, "Start the previous release", Status.CHANGED, 2.0))
    yield e.TaskStarted(task="restart caddy", hosts=("web1",), handler=True)
    yield e.TaskDone(result=_result("web1", "restart caddy", Status.SKIPPED, 0.0))


def _network(host: str, *, planned: bool = False) -> e.ActionStarted:
    title, because = "docker network create backend", "network backend not found"
    return e.ActionStarted(host=host, task="Create the network", title=title, because=because, planned=planned)


def _result(host: str, task: str, status: Status, seconds: float, *actions: e.ActionStarted) -> TaskResult:
    done = tuple(Done(title=action.title, because=action.because) for action in actions)
    return TaskResult(host=host, task=task, status=status, seconds=seconds, actions=done)


def test_the_story_holds_every_kind_of_event_but_the_unreachable_host_and_questions() -> None:
    untold = {e.HostUnreachable, e.PersonAsked, e.PersonAnswered}
    assert {type(event) for event in story()} == set(e.Event.__subclasses__()) - untold
