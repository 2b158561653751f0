"""One call of a module for one host: bind, look, plan, apply, judge; again as long as `until` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from threading import Event as Flag
from typing import Any

from deployer.engine.apply import Applied, Applier, hidden, with_environment
from deployer.engine.host import HostRun
from deployer.engine.inputs import read_inputs
from deployer.engine.look import look
from deployer.engine.ports import Emit, Language, Options, Variables
from deployer.engine.results import censored, performed
from deployer.engine.scalars import flag_of, number_of
from deployer.errors import CommandError, ConnectError, DeployerError, UndecidedError
from deployer.frozen import dataclass
from deployer.model.action import Action, Put
from deployer.model.event import Note, Retrying
from deployer.model.playbook import Play, Task
from deployer.model.report import Status, TaskResult
from deployer.protocols import Fact, Facts, Inquiring, Module, Returning, Saying

_TRIES = 3  # after the first one, where `until` gives no number


class SeenOnHost:
    """The answers of one host, as modules read them."""

    def __init__(self, answers: Mapping[Fact[Any], Any]) -> None:
        self._answers = answers

    def __getitem__(self, fact: Fact[Any]) -> Any:
        return self._answers[fact]


@dataclass(frozen=True, kw_only=True)
class Call:
    """What one item of a task comes to on one host."""

    play: Play
    task: Task
    host: HostRun  # whose task it is
    at: HostRun  # where it is done: the same, or whom it is delegated to
    variables: Variables
    language: Language
    emit: Emit
    options: Options
    delegate: str = ""  # what that is called
    stop: Flag = field(default_factory=Flag)

    def result(self) -> TaskResult:
        """The last try's result. Raises what keeps it from being tried: ConfigError, ConnectError, CommandError."""
        tries = self._tries()
        bound = self.language.bind(self.task, self.variables)
        module, secret = read_inputs(bound, self.language, self.variables, place=self.task.place)
        for attempt in range(1, tries + 1):
            result = self._try(module, attempt if tries > 1 else None, secret=secret)
            if tries == 1 or self._is_enough(result):
                return result
            if attempt < tries:
                self._wait(attempt, tries, result)
        message = result.message or "`until` was never true"
        data = {**result.data, "attempts": tries - 1, "failed": True}
        return replace(result, status=Status.FAILED, message=message, data=data)

    @property
    def checks(self) -> bool:
        """Whether nothing is to be done: the task's own word counts, but not in a rehearsal."""
        if self.options.rehearsal or self.task.check_mode is None:
            return self.options.check
        return self._flag(self.task.check_mode)

    def _flag(self, value: bool | str) -> bool:
        return flag_of(self.language, value, self.variables, self.task.place)

    def _number(self, value: Any) -> float:
        return number_of(self.language, value, self.variables, self.task.place)

    # tries

    def _tries(self) -> int:
        if self.checks or (self.task.retries is None and not self.task.until):
            return 1
        return 1 + max(0, int(_TRIES if self.task.retries is None else self._number(self.task.retries)))

    def _is_enough(self, result: TaskResult) -> bool:
        if self.stop.is_set():
            return True
        if not self.task.until:
            return not result.failed
        return self.language.test(self.task.until, self._with(result.data), place=self.task.place)

    def _wait(self, attempt: int, tries: int, result: TaskResult) -> None:
        delay = self._number(self.task.delay)
        left = tries - attempt
        message = f"{self.task.name}: not yet; {left} more {'try' if left == 1 else 'tries'}"
        shown = censored(result) if self._flag(self.task.no_log) else result
        self.emit(Retrying(host=self.host.name, message=message, left=left, result=shown))
        self.stop.wait(1 if delay < 0 else delay)

    def _with(self, data: Mapping[str, Any]) -> Variables:
        """The variables, with the result under the name that it is registered as."""
        said = self.language.literal({self.task.register: dict(data)}) if self.task.register else {}
        return {**self.variables, **self.language.literal(dict(data.get("ansible_facts", {}))), **said}

    # one try

    def _try(self, module: Module, attempt: int | None, *, secret: bool) -> TaskResult:
        seen = self._look(module)
        actions = self._plan(module, seen)
        if secret:  # of a file that was encrypted, no difference is shown
            actions = tuple(replace(one, secret=True) if isinstance(one, Put) else one for one in actions)
        applied, failure = Applied(), None
        if self.checks:
            for action in actions:
                self._applier.announce(action, planned=True)
                applied.planned(action)
        elif actions:
            failure = self._apply(actions, applied)
        values = module.returns(seen, applied.outcomes) if isinstance(module, Returning) else {}
        for warning in values.get("warnings", ()):
            self.emit(Note(host=self.host.name, warning=True, message=warning))
        says = module.says() if isinstance(module, Saying) else None
        result = performed(self.task, self.host, applied, failure, {"says": says, **values})
        self.language.keep_out_named(dict(result.data))
        result = replace(result, delegate=self.delegate)
        if attempt is not None:
            result = replace(result, data={**result.data, "attempts": attempt})
        return result if actions and self.checks else self._judge(result)

    @property
    def _become(self) -> str | None:
        return self.at.become(self.play, self.task)

    @property
    def _applier(self) -> Applier:
        diff = self.options.diff
        if self.task.diff is not None:
            diff = (self.options.diff or self.options.differ) if self._flag(self.task.diff) else None
        return Applier(
            host=self.at, task=self.task.name, become=self._become, emit=self.emit, diff=diff, stop=self.stop,
            ask=self.options.ask,
        )  # fmt: skip

    def _look(self, module: Module) -> Facts:
        """What the module asks for, as it is before anything is done."""
        self._ask(module.facts())
        if isinstance(module, Inquiring):
            self._ask(module.further_facts(SeenOnHost(self.at.seen)))
        return SeenOnHost(self.at.seen)

    def _ask(self, facts: Iterable[Fact[Any]]) -> None:
        missing = [fact for fact in facts if fact not in self.at.seen]
        if missing:
            self.at.seen.update(look(self.at.target.remote, missing, become=self._become))

    def _plan(self, module: Module, seen: Facts) -> tuple[Action, ...]:
        try:
            actions = tuple(module.plan(seen))
        except ValueError as wrong:
            message, hint = getattr(wrong, "message", str(wrong)), getattr(wrong, "hint", None)
            raise CommandError(message, status=None, host=self.host.name, hint=hint) from wrong
        words = {**self.play.environment, **self.task.environment}
        environment = self.language.render(words, self.variables, place=self.task.place)
        if environment:
            actions = with_environment(actions, environment)
        if self._flag(self.task.no_log):
            actions = tuple(map(hidden, actions))
        seconds = self._number(self.task.timeout)
        return tuple(replace(one, timeout=seconds / len(actions)) for one in actions) if seconds else actions

    def _apply(self, actions: Sequence[Action], applied: Applied) -> DeployerError | None:
        try:
            self._applier.apply(actions, applied)
        except ConnectError:
            raise
        except DeployerError as error:
            self.host.undecided = isinstance(error, UndecidedError)
            return error
        finally:
            self.at.forget()
        return None

    def _judge(self, result: TaskResult) -> TaskResult:
        """changed_when and failed_when have the last word, but not on what was skipped."""
        task = self.task
        if result.status is Status.SKIPPED or (task.changed_when is None and task.failed_when is None):
            return result
        changed, failed = bool(result.data.get("changed")), result.failed
        data = dict(result.data)
        if task.changed_when is not None:
            changed = data["changed"] = self.language.test(task.changed_when, self._with(data), place=task.place)
        if task.failed_when is not None:
            failed = self.language.test(task.failed_when, self._with(data), place=task.place)
            data |= {"failed": failed, "failed_when_result": failed}
        status = Status.FAILED if failed else Status.CHANGED if changed else Status.OK
        message = result.message or ("failed_when is true" if failed else "")
        kept = message if failed or not result.failed else ""
        return replace(result, status=status, message=kept, data=data)
