"""Events to lines, in the words that Ansible users know. Streams, colours and the final recap belong to others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatchmethod

from deployer.model import event as e
from deployer.model.report import Status, TaskResult
from deployer.report.recap import recap
from deployer.report.words import BLANK, SHOWN_HOSTS, Line, brief, clean, count, duration, hosts, line, paragraph, tail

_QUIET = (e.HostDoing, e.Progress)
_INSIDE_A_TASK = (*_QUIET, e.ActionStarted, e.Output, e.ItemDone, e.Included, e.TaskDone, e.Retrying, e.HostConnected)
_SUMMED = {Status.OK: "ok", Status.SKIPPED: "skipping"}


class Narrator:
    """Tells a run line by line. Hosts on which a task changed nothing are summed up in one line."""

    def __init__(self, verbosity: int = 0) -> None:
        self._verbosity = verbosity
        self._check = False
        self._verb = "deploy"
        self._width = 0  # of the longest host name
        self._task = ""
        self._pending: set[str] = set()  # hosts that have not finished the task
        self._calm: dict[Status, list[str]] = {}  # hosts that it did not change
        self._batch: dict[str, int] = {}
        self._watched: set[str] = set()

    def tell(self, event: e.Event) -> list[Line]:
        """The lines that this event makes due, summaries of earlier ones first."""
        before = [] if isinstance(event, _INSIDE_A_TASK) else self.rest()
        return [*before, *self._tell(event)]

    def rest(self) -> list[Line]:
        """The summary that is still owed; nothing if there is none."""
        lines = [self._summary(status, names) for status, names in self._calm.items()]
        self._calm = {}
        return lines

    @singledispatchmethod
    def _tell(self, event: e.Event) -> Iterator[Line]:
        yield from ()

    @_tell.register
    def _(self, event: e.RunStarted) -> Iterator[Line]:
        self._check, self._verb = event.check, event.verb
        self._width = max((len(host) for host in event.hosts), default=0)
        release = f", release {event.release}" if event.release else ""
        promise = "; check mode: nothing will be changed" if event.check else ""
        yield line("heading", f"{event.verb} {event.environment}: {count(len(event.hosts), 'host')}{release}{promise}")

    @_tell.register
    def _(self, event: e.HostConnected) -> Iterator[Line]:
        if self._verbosity:
            yield self._of(event.host, "quiet", f"connected in {duration(event.seconds)}")

    @_tell.register
    def _(self, event: e.HostUnreachable) -> Iterator[Line]:
        yield from self._about(event.host, "failed", f"fatal: [{event.host}]: UNREACHABLE! => {event.message}")
        yield from self._hint(event.host, event.hint)

    @_tell.register
    def _(self, event: e.Retrying) -> Iterator[Line]:
        yield self._of(event.host, "warning", f"retrying: {event.message}")

    @_tell.register
    def _(self, event: e.PlayStarted) -> Iterator[Line]:
        if event.hosts:
            yield from self._heading(f"PLAY [{event.play}]")

    @_tell.register
    def _(self, event: e.BatchStarted) -> Iterator[Line]:
        self._batch |= dict.fromkeys(event.hosts, event.number)
        if event.of > 1:
            every = self._verbosity > 0
            yield from self._heading(f"BATCH {event.number} of {event.of}: {hosts(event.hosts, every=every)}")

    @_tell.register
    def _(self, event: e.TaskStarted) -> Iterator[Line]:
        self._task, self._pending = event.task, set(event.hosts)
        yield from self._heading(f"{'RUNNING HANDLER' if event.handler else 'TASK'} [{event.task}]")

    @_tell.register
    def _(self, event: e.ActionStarted) -> Iterator[Line]:
        because = ("because", f"  (because {clean(event.because)})")
        yield self._plan(Line((self._prefix(event.host), ("action", brief(event.title)), because)))
        if self._check or self._verbosity:
            for text in event.title.strip().splitlines()[1:]:
                yield self._plan(self._bar(event.host, "action", text))
        for text in (event.diff or "").splitlines():
            yield self._plan(self._bar(event.host, _diff_kind(text), text))

    @_tell.register
    def _(self, event: e.Output) -> Iterator[Line]:
        if self._verbosity:
            yield self._bar(event.host, "error output" if event.error else "output", event.line)

    @_tell.register
    def _(self, event: e.TaskDone) -> Iterator[Line]:
        result = event.result
        if result.status in _SUMMED and not (result.message and result.status == Status.OK):
            self._calm.setdefault(result.status, []).append(result.host)
        else:
            yield from self._done(result)
        self._pending.discard(result.host)
        if not self._pending:
            yield from self.rest()

    @_tell.register
    def _(self, event: e.GateWatching) -> Iterator[Line]:
        if self._verbosity or event.host not in self._watched:
            yield self._of(event.host, "quiet", f"gate: {event.message}")
        self._watched.add(event.host)

    @_tell.register
    def _(self, event: e.GateJudged) -> Iterator[Line]:
        self._watched.discard(event.host)
        if event.healthy:
            yield line("ok", f"healthy: [{event.host}] => {event.because}")
            return
        yield line("failed", f"unhealthy: [{event.host}] => {event.because}")
        if event.logs:
            whose = event.container or "the container"
            yield self._of(event.host, "output", f"last lines of {whose}:")
        yield from self._quote(event.host, "\n".join(event.logs))

    @_tell.register
    def _(self, event: e.RollbackStarted) -> Iterator[Line]:
        yield from self._heading(f"ROLLBACK  because {event.because}", kind="rollback")
        newest_first = sorted(event.targets, key=lambda host: -self._batch.get(host, 0))
        for host in newest_first:
            yield self._of(host, "rollback", _way_back(event.targets[host]))

    @_tell.register
    def _(self, event: e.Note) -> Iterator[Line]:
        where = f"{event.host}: " if event.host else ""
        kind, label = ("warning", "[WARNING]") if event.warning else ("", "note")
        yield from paragraph(kind, f"{label}: {where}{event.message}")

    @_tell.register
    def _(self, event: e.RunFinished) -> Iterator[Line]:
        yield from recap(event.report)

    def _heading(self, text: str, *, kind: str = "heading") -> Iterator[Line]:
        yield self._plan(BLANK)
        yield self._plan(line(kind, text))

    def _done(self, result: TaskResult) -> Iterator[Line]:
        """The lines of a task that changed a host, failed on it, or has something to say."""
        other = "" if result.task == self._task else f" (task {result.task})"
        if result.status in (Status.OK, Status.CHANGED):
            said = f"{result.status}: [{result.host}]{other}{_gist(result)}"
            yield from map(self._plan, self._about(result.host, str(result.status), said))
            return
        verdict = "UNREACHABLE!" if result.status == Status.UNREACHABLE else "FAILED!"
        said = f"fatal: [{result.host}]: {verdict}{other} => {result.message or 'no reason given'}"
        yield from self._about(result.host, "failed", said)
        yield from self._quote(result.host, result.output)
        if result.place:
            yield self._of(result.host, "quiet", f"task at {result.place}")
        yield from self._hint(result.host, result.hint)
        if result.status == Status.IGNORED:
            yield line("ignored", "...ignoring")

    def _summary(self, status: Status, names: list[str]) -> Line:
        every = self._verbosity > 0 or len(names) == SHOWN_HOSTS + 1
        return self._plan(line(str(status), f"{_SUMMED[status]}: [{hosts(names, every=every)}]"))

    def _hint(self, host: str, hint: str | None) -> Iterator[Line]:
        if hint:
            yield self._of(host, "hint", f"hint: {hint}")

    def _about(self, host: str, kind: str, text: str) -> Iterator[Line]:
        """A text that names its host on its first line; the others get the host's prefix."""
        first, *rest = text.splitlines()
        yield line(kind, first)
        yield from (self._of(host, kind, part) for part in rest)

    def _quote(self, host: str, output: str) -> Iterator[Line]:
        for text in tail(output):
            yield self._bar(host, "output", text)

    def _of(self, host: str, kind: str, text: str) -> Line:
        return Line((self._prefix(host), (kind, clean(text))))

    def _bar(self, host: str, kind: str, text: str) -> Line:
        """A line that is not ours: a program's, a file's."""
        return self._of(host, kind, f"| {clean(text)}")

    def _prefix(self, host: str) -> tuple[str, str]:
        return "host", f"  {clean(host).ljust(self._width)}  "

    def _plan(self, plan: Line) -> Line:
        """In check mode the plan is what was asked for: it belongs to the result."""
        return Line(plan.parts, result=self._check)


def _gist(result: TaskResult) -> str:
    """What a task did, in a few words; its message, if it has one, says it best."""
    if result.message:
        return f" => {result.message}"
    done = [count(len(result.actions), "action")] if result.actions else []
    took = [duration(result.seconds)] if result.seconds >= 0.1 else []
    return "  " + ", ".join(done + took) if done or took else ""


def _way_back(release: str | None) -> str:
    return f"goes back to {release}" if release else "has no earlier release: it is stopped, its volumes stay"


def _diff_kind(text: str) -> str:
    return {"+": "added", "-": "removed", "@": "quiet"}.get(text[:1], "output")
