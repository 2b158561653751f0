"""Lists of tasks to steps: tasks, blocks, what other files hold; whatever can be known to be wrong is refused.

Templates stay as they were read: rendering them, and what depends on a host, is `language`'s part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.config import binding, inheritance, keywords
from deployer.config import keyword_values as values
from deployer.config.collector import Collector
from deployer.config.keywords import kind, refuse, refuse_unknown
from deployer.config.step_words import StepWords
from deployer.config.text import load_yaml
from deployer.config.values import Mapping as Placed
from deployer.config.values import place_of
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import Place, PlaybookError
from deployer.model.playbook import INCLUDE_TASKS, META, Block, Inherited, LoopControl, Step, Task

if TYPE_CHECKING:
    from deployer.config.templates import Templates

RESULTS = ("changed_when", "failed_when", "until")
CONDITIONS = ("when", *RESULTS)
BLOCK_LISTS = ("block", "rescue", "always")


@dataclass
class StepReader:
    """Reads steps with the modules of one registry; what is wrong is collected, and what is read then incomplete."""

    modules: Mapping[str, type[Any]]
    templates: Templates
    vault: Keyring = NO_KEYS
    notified: list[tuple[str, Place]] = field(default_factory=list)  # names that tasks notify, and where
    reading: list[Path] = field(default_factory=list)  # files that import each other, the outermost first
    errors: Collector = field(default_factory=Collector)

    def __post_init__(self) -> None:
        self.words = StepWords(self.modules, self.templates, self.errors)

    def steps(self, raw: list[Any], around: Inherited, *, handlers: bool = False) -> tuple[Step, ...]:
        """A list as it was read; `around` is what its tasks inherit."""
        found: list[Step] = []
        for at, item in enumerate(raw):
            with self.errors.collecting():
                found += self.step(item, place_of(raw, at), around, handlers)
        return tuple(found)

    def step(self, raw: Any, place: Place, around: Inherited, handlers: bool) -> Iterator[Step]:
        """One item of a list: a step, or those that it imports."""
        if not isinstance(raw, Mapping):
            raise PlaybookError(f"a task must be a mapping, got {kind(raw)}", place=place, hint="write `- module: …`")
        if "block" in raw:
            yield self.block(raw, place, around, handlers)
            return
        key = self.words.module_key(raw, place)
        if key is None:
            return
        name = self.words.module_name(key)
        if name == "import_tasks":
            yield from self.imported(raw, key, around, handlers)
        elif name == INCLUDE_TASKS:
            yield self.include(raw, key, around, handlers)
        else:
            yield self.task(raw, key, around, handlers)

    def block(self, raw: Mapping[str, Any], place: Place, around: Inherited, handlers: bool) -> Block:
        """A block: what it says of its tasks is said of each of them."""
        if handlers:
            raise PlaybookError("a handler cannot be a block", place=place, hint="let several handlers `listen`")
        for key in raw:
            if key not in keywords.BLOCK:
                with self.errors.collecting():
                    refuse_unknown(raw, key, "block", keywords.BLOCK)
        self.words.check_conditions(raw, ("when",))
        self.words.check_templates(self.words.only(raw, (*BLOCK_LISTS, "when")), place)
        self.note(raw)
        inner = around
        with self.errors.collecting():
            inner = inheritance.inside(around, raw)
        tasks, rescue, always = (self.steps(values.steps(raw, key), inner) for key in BLOCK_LISTS)
        if not raw["block"]:
            refuse(raw, "block", "a block without tasks", "write them below `block:`")
        return Block(tasks=tasks, rescue=rescue, always=always, name=values.text(raw, "name") or "", place=place)

    def task(self, raw: Mapping[str, Any], key: str, around: Inherited, handlers: bool) -> Task:
        """One call of a module, or `meta`."""
        name = self.words.module_name(key)
        if not handlers and "listen" in raw:
            refuse(raw, "listen", "`listen` belongs to a handler", "move the task to `handlers`, or use `notify`")
        args = self.words.arguments(raw, key)
        with self.errors.collecting():
            self.check(raw, key, args, handlers)
        task = self.read(raw, key, name, args, inheritance.inside(around, raw))
        if getattr(self.modules.get(name), "for_all", False):  # as Ansible's BYPASS_HOST_LOOP
            task = replace(task, run_once=True)
        return task

    def check(self, raw: Mapping[str, Any], key: str, args: Placed, handlers: bool) -> None:
        """Refuse arguments that the module does not take."""
        name = self.words.module_name(key)
        if name == META:
            self.words.check_meta(raw, key, args, handlers)
            return
        self.errors.extend(binding.refusals(self.modules[name], name, args, place=place_of(raw, key)))
        self.words.check_conditions(args, tuple(binding.expressions(self.modules[name])))
        self.check_delegate(raw, name)

    def check_delegate(self, raw: Mapping[str, Any], name: str) -> None:
        """Refuse to do for one host what another host's release needs: each host is put back by itself."""
        takes = getattr(self.modules[name], "__dataclass_fields__", {})
        if raw.get("delegate_to") is not None and "release" in takes:
            refuse(raw, "delegate_to", f"`{name}` cannot be delegated", "write a play for the hosts that it is for")

    def read(self, raw: Mapping[str, Any], key: str, name: str, args: Any, own: Inherited) -> Task:
        """What all kinds of tasks have."""
        place = place_of(raw)
        self.words.check_conditions(raw, CONDITIONS)
        self.words.check_templates(self.words.only(raw, CONDITIONS), place)
        self.note(raw)
        results: dict[str, Any] = {word: values.conditions(raw, word) or None for word in RESULTS}
        return Task(
            name=values.text(raw, "name") or name,
            module=name,
            args=args,
            place=place,
            loop=self.words.loop(raw),
            loop_control=self.loop_control(raw),
            register=values.name_of_variable(raw, "register"),
            listen=values.texts(raw, "listen"),
            once=values.once(raw),
            retries=values.number(raw, "retries", least=None),
            delay=5 if raw.get("delay") is None else values.number(raw, "delay", least=None),
            **results,
            **inheritance.words_of(own),
        )

    def loop_control(self, raw: Mapping[str, Any]) -> LoopControl:
        """How a loop goes."""
        found = values.mapping(raw, "loop_control")
        for key in found:
            if key not in keywords.LOOP_CONTROL:
                with self.errors.collecting():
                    refuse_unknown(found, key, "loop_control", keywords.LOOP_CONTROL)
        allitems = values.flag_or_template(found, "extended_allitems")
        self.words.check_conditions(found, ("break_when",))
        return LoopControl(
            loop_var=values.name_of_variable(found, "loop_var") or "item",
            index_var=values.name_of_variable(found, "index_var"),
            label=found.get("label"),
            pause=values.number(found, "pause") or 0,
            extended=values.flag_or_template(found, "extended") or False,
            allitems=True if allitems is None else allitems,
            break_when=values.conditions(found, "break_when"),
        )

    def note(self, raw: Mapping[str, Any]) -> None:
        """Remember whom these words notify."""
        self.notified += [(name, place_of(raw, "notify")) for name in values.texts(raw, "notify")]

    # other files

    def include(self, raw: Mapping[str, Any], key: str, around: Inherited, handlers: bool) -> Task:
        """An include: its file is read when it is run; one whose name is known is checked at once."""
        for word in raw:
            if word != key and word not in keywords.INCLUDE:
                hint = f"write it below `apply:` of the include, or on a block around it: `{word}` is for its tasks"
                with self.errors.collecting():
                    refuse(raw, word, f"`{key}` takes no `{word}`", hint)
        args = self.words.arguments(raw, key)
        self.words.check_file(raw, key, args, ("file", "apply"))
        inner = replace(around, parameters={**around.parameters, **values.variables(raw)})
        inner = inheritance.inside(inner, values.mapping(args, "apply"))
        task = self.read(raw, key, INCLUDE_TASKS, args, inheritance.inside(around, raw))
        task = replace(task, around=inner)
        if not keywords.is_template(str(args["file"])):
            path = self.path(args, inner)
            if path.resolve() not in self.reading:
                self.file(path, inner, handlers=handlers)
        return task

    def imported(self, raw: Mapping[str, Any], key: str, around: Inherited, handlers: bool) -> tuple[Step, ...]:
        """The steps of another file, as if they stood here."""
        for word in raw:
            if word != key and word not in keywords.IMPORT:
                with self.errors.collecting():
                    if word == "loop":
                        refuse(raw, word, f"`{key}` takes no `loop`", "use `include_tasks`")
                    refuse_unknown(raw, word, "import", keywords.IMPORT)
        args = self.words.arguments(raw, key)
        self.words.check_file(raw, key, args, ("file",))
        if keywords.is_template(args["file"]):
            refuse(
                raw, key, f"`{key}` takes a path, no template", "use `include_tasks`: it reads the file when it runs"
            )
        self.words.check_conditions(raw, ("when",))
        self.note(raw)
        path = self.path(args, around)
        if path.resolve() in self.reading:
            refuse(raw, key, f"{path} imports itself", "use `include_tasks` with a `when` that ends it")
        return self.file(path, inheritance.inside(around, raw), handlers=handlers)

    def path(self, args: Mapping[str, Any], around: Inherited) -> Path:
        """A file beside the one in which its name is written, or beside one of those around that."""
        return find_file(str(args["file"]), around.folders, place_of(args, "file"))

    def file(self, path: Path, around: Inherited, *, handlers: bool = False) -> tuple[Step, ...]:
        """The steps of a file."""
        raw = load_yaml(path, error=PlaybookError, vault=self.vault)
        if not isinstance(raw, list | None):
            hint = "begin every task with `- `"
            raise PlaybookError(
                f"a file of tasks must be a list, got {kind(raw)}", place=Place(str(path), 1), hint=hint
            )
        self.reading.append(path.resolve())
        try:
            here = str(path.parent)
            folders = tuple(dict.fromkeys((here, *around.folders)))
            return self.steps(raw or [], replace(around, folders=folders), handlers=handlers)
        finally:
            self.reading.pop()


def find_file(name: str, folders: tuple[str, ...], place: Place) -> Path:
    """The file of that name in the first of the folders that has it; raises PlaybookError."""
    places = [Path(folder) / name for folder in folders] or [Path(name)]
    found = next((one for one in places if one.is_file()), None)
    if found is None:
        raise PlaybookError(f"{places[0]}: there is no such file", place=place, hint="paths are relative to this file")
    return found
