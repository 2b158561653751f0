"""What is wrong with a playbook on the hosts of an inventory. Nothing is run, and no host is contacted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deployer.config.keywords import did_you_mean
from deployer.config.limit_file import read_limit_file
from deployer.config.lint_names import Given, names_given, names_written, unused_handlers
from deployer.config.lint_needs import Need, Needs, names_in
from deployer.config.lint_world import World
from deployer.config.static import asked, check_task, closure
from deployer.config.vars_files import load_vars_files
from deployer.errors import NOWHERE, ConfigError, ConfigGroupError, InventoryError, PlaybookError, VaultError
from deployer.model.finding import Finding
from deployer.model.inventory import Host
from deployer.model.playbook import FLOW, Play, Playbook, Task
from deployer.rollout.patterns import select

MOST_BOUND = 20  # hosts of different kinds for which a play's tasks are bound, as a run would


@dataclass
class Suspect:
    """Something that may be wrong with a play, and the hosts on which it is."""

    finding: Finding
    hosts: dict[str, None] = field(default_factory=dict)
    everywhere: bool = False  # it is wrong only if it is so on all hosts


class PlaybookLint:
    """Lints one playbook on one inventory; `errors` are those of reading it, `files` the templates that were read."""

    def __init__(self, playbook: Playbook, world: World, errors: tuple[ConfigError, ...] = ()) -> None:
        self.playbook = playbook
        self.world = world
        self.is_whole = not errors
        self.given: Given = names_given(playbook, world.language, world.modules, str(world.folder))
        if errors:
            more = names_written(errors)
            self.given = replace(
                self.given, names=self.given.names | (more or set()), is_open=self.given.is_open or more is None
            )
        self.files: dict[Path, None] = {}
        self.asked: dict[int, frozenset[str] | None] = {}  # by the task's identity

    def findings(self) -> Iterator[Finding]:
        """All that is wrong; of a playbook that is not whole, only what does not hang on the missing parts."""
        for at, play in enumerate(self.playbook.plays):
            tasks = self.given.tasks[at]
            if self.is_whole and not self.given.is_open:
                yield from map(_unused, unused_handlers(play, tasks))
            hosts, is_certain = self.hosts(play)
            if is_certain and not hosts and self.world.is_whole:
                yield self.no_hosts(play)
            if self.world.is_whole:
                yield from self.on_hosts(play, tasks, hosts, is_certain)

    def all_files(self) -> Iterator[Path]:
        """The files that the playbook is made of, as far as their names are known."""
        yield from self.files
        for at, play in enumerate(self.playbook.plays):
            folder = Path(play.folder or self.world.folder)
            named: list[Any] = [name for some in play.vars_files for name in some]
            named += [task.args.get("file") for task in self.given.tasks[at] if task.module == "include_vars"]
            paths = [Path(play.place.path), *(Path(task.place.path) for task in self.given.tasks[at])]
            paths += [folder / below / name for name in named if isinstance(name, str) for below in ("vars", "")]
            yield from (path for path in dict.fromkeys(paths) if path.is_file())

    def hosts(self, play: Play) -> tuple[tuple[Host, ...], bool]:
        """The hosts of a play, and whether that is certain: else they are some of these."""
        inventory = self.world.inventory
        every = tuple(inventory.hosts.values())
        if not every:
            return (), False
        known = self.world.variables(every[0], play.variables)
        try:
            if self.world.language.names(play.hosts) & self.given.names:
                return every, False
            pattern = str(self.world.language.render(play.hosts, known, place=play.place))
            return select(inventory, pattern, read=read_limit_file, doubt=lambda _: None), not self.given.grows
        except ConfigError:
            return every, False

    def no_hosts(self, play: Play) -> Finding:
        hint = None
        try:
            select(self.world.inventory, play.hosts, read=read_limit_file)
        except InventoryError as error:
            hint = error.hint
        message = f"`hosts: {play.hosts}` matches no host"
        where = (f"in {self.world.inventory.path}",)
        return Finding(rule="no-hosts", message=message, place=play.place, severity="warning", hint=hint, where=where)

    def on_hosts(
        self, play: Play, tasks: tuple[Task, ...], hosts: tuple[Host, ...], is_certain: bool
    ) -> Iterator[Finding]:
        """What is wrong with the tasks of a play on its hosts."""
        suspects: dict[object, Suspect] = {}
        for number, some in enumerate(self.world.alike(hosts)):
            for suspect in self.suspects(play, tasks, some[0], binds=number < MOST_BOUND):
                finding = suspect.finding
                known = suspects.setdefault((finding.rule, finding.place, finding.message), suspect)
                known.everywhere = known.everywhere and suspect.everywhere
                known.hosts.update((host.name, None) for host in some)
        for suspect in suspects.values():
            if len(suspect.hosts) == len(hosts) or (is_certain and not suspect.everywhere):
                where = self.world.where(suspect.hosts, len(hosts))
                yield Finding(**{**vars(suspect.finding), "where": where})

    def suspects(self, play: Play, tasks: tuple[Task, ...], host: Host, *, binds: bool) -> Iterator[Suspect]:
        """What is wrong with the tasks of a play on one host; `binds`: also once arguments are rendered."""
        try:
            files = self.vars_files(play, host)
        except VaultError:
            return
        except ConfigError as error:
            yield from _of_errors(error, "playbook")
            return
        for task in tasks:
            variables = self.world.variables(host, play.variables, files, task.variables, task.parameters)
            if binds or not self.has_all(play, task, variables):
                yield from self.task_suspects(play, task, variables)

    def vars_files(self, play: Play, host: Host) -> Mapping[str, Any]:
        known = self.world.variables(host, play.variables)
        folder = play.folder or str(self.world.folder)
        render = self.world.language.render
        return load_vars_files(play, lambda path: render(path, known, place=play.place), folder, self.world.vault)

    def has_all(self, play: Play, task: Task, variables: Mapping[str, Any]) -> bool:
        """Whether all that a task may ask for is there: then there is no need to look closer."""
        if id(task) not in self.asked:
            self.asked[id(task)] = names_in(task, self.world.language)
        names = self.asked[id(task)]
        try:
            wanted = None if names is None else names | self.world.language.names(play.environment)
            every = None if wanted is None else closure(wanted, self.world.language, variables)
        except PlaybookError:
            return False
        return every is not None and all(name in variables or name in self.given.names for name in every)

    def task_suspects(self, play: Play, task: Task, variables: Mapping[str, Any]) -> Iterator[Suspect]:
        """What is wrong with one task on a host with these variables."""
        folder = Path(play.folder) if play.folder else self.world.folder
        needs = Needs(self.world.templates, variables, self.given.names, folder)
        needs.task(task, self.world.modules)
        needs.value(play.environment, play.place)
        self.files.update(needs.files)
        missing = [] if self.given.is_open else [one for one in needs.missing() if one.name not in self.given.excused]
        once = task.run_once is not False or task.once
        for need in missing:
            yield Suspect(_undefined(need, variables), everywhere=once)
        for error in needs.errors:
            yield from _of_errors(error, "template")
        if not missing and not needs.errors:
            yield from self.unbound(task, variables, needs)

    def unbound(self, task: Task, variables: Mapping[str, Any], needs: Needs) -> Iterator[Suspect]:
        """What is wrong with the arguments of a task once they are rendered, if they can be before a run."""
        language = self.world.language
        if task.module in FLOW or needs.starts_programs:
            return
        try:
            names = asked(task, language, variables)
        except PlaybookError:  # said where the template is
            return
        try:
            if needs.known.are_calm(names):
                check_task(task, language, variables, self.given.names)
        except VaultError:
            return
        except ConfigError as error:
            yield from _of_errors(error, "task")


def _of_errors(error: ConfigError, rule: str) -> Iterator[Suspect]:
    for one in error.errors if isinstance(error, ConfigGroupError) else (error,):
        yield Suspect(Finding(rule=rule, message=one.message, place=one.place or NOWHERE, hint=one.hint))


def _undefined(need: Need, variables: Mapping[str, Any]) -> Finding:
    hint = did_you_mean(need.name, variables) or (
        f"define it in the inventory or under `vars`, write `{need.name} | default(…)`, or lint with `-e {need.name}=…`"
    )
    return Finding(rule="undefined-variable", message=need.words(), place=need.place, hint=hint)


def _unused(handler: Task) -> Finding:
    return Finding(
        rule="unused-handler",
        message=f"no task notifies the handler `{handler.name}`",
        place=handler.place,
        severity="warning",
        hint="notify it, or remove it",
    )
