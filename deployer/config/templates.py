"""Jinja2 as Ansible speaks it: sandboxed, strict about what is undefined, native values for a lone `{{ expression }}`.

Compiled templates are kept. Which values hold templates and what the results are for is left to `language`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import Template, TemplateAssertionError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from deployer.config.filters import FILTERS, TESTS
from deployer.config.keywords import is_template
from deployer.config.lazy import OMIT, LazyList, LazyMapping, Literal, bare, defined, literal, settled
from deployer.config.lookups import LOOKUPS, lookup, unknown_lookup
from deployer.config.template_errors import Absent, AbsentError, again, told
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import NOWHERE, Place, PlaybookError
from deployer.model.encrypted import Encrypted

RESULT = "result_of_the_expression"


class Scope(Mapping[str, Any]):
    """The variables of one rendering: each is rendered when a template first asks for it, and once."""

    def __init__(self, templates: Templates, variables: Mapping[str, Any]) -> None:
        self.templates = templates
        self.variables = variables
        self.seen: dict[str, Any] = {}
        self.doing: list[str] = []

    def __getitem__(self, name: str) -> Any:
        if name not in self.seen:
            known = name in self.variables
            self.seen[name] = self.lift(self.variables[name], name) if known else self.templates.env.globals[name]
        return self.seen[name]

    def __contains__(self, name: object) -> bool:
        return name in self.variables or name in self.templates.env.globals

    def __iter__(self) -> Iterator[str]:
        return iter({**self.templates.env.globals, **self.variables})

    def __len__(self) -> int:
        return len({**self.templates.env.globals, **self.variables})

    def lift(self, value: Any, name: str) -> Any:
        """A raw value as a template sees it; `name` is what messages call it."""
        if isinstance(value, str):
            return self.expand(value, name) if is_template(value) and type(value) is not Literal else value
        if isinstance(value, Encrypted):
            return literal(self.templates.vault.text(value))
        if isinstance(value, Mapping) and not isinstance(value, LazyMapping | Hosts):
            return LazyMapping(value, self.lift, name)
        return LazyList(value, self.lift, name) if isinstance(value, list | tuple) else value

    def expand(self, text: str, name: str) -> Any:
        if name in self.doing:
            chain = " → ".join(f"`{one}`" for one in [*self.doing[self.doing.index(name) :], name])
            raise PlaybookError(f"a variable refers to itself: {chain}", hint="break the circle")
        self.doing.append(name)
        try:
            return defined(self.templates.evaluate(text, self))
        except AbsentError as absent:
            absent.user = absent.user or name
            return Absent(exc=functools.partial(again, absent))
        finally:
            self.doing.pop()


class Hosts(Mapping[str, Any]):
    """`hostvars`: every host's variables, rendered among themselves."""

    def __init__(self, templates: Templates, by_host: Mapping[str, Mapping[str, Any]]) -> None:
        self._templates = templates
        self._by_host = by_host

    def __getitem__(self, host: str) -> LazyMapping:
        scope = Scope(self._templates, self._by_host[host])
        return LazyMapping(self._by_host[host], lambda raw, name: scope.lift(raw, name.removeprefix(".")), "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_host)

    def __len__(self) -> int:
        return len(self._by_host)


class Templates:
    """The compiled templates of one run; may be used by several threads."""

    def __init__(self, vault: Keyring = NO_KEYS) -> None:
        self.vault = vault
        self.env = _environment()
        self._compiled: dict[tuple[str, bool], tuple[Template, bool]] = {}
        self._files: dict[str, Template] = {}
        self._names: dict[str, frozenset[str]] = {}

    def check(self, text: str, place: Place = NOWHERE, *, condition: bool = False) -> None:
        """Raise PlaybookError if the text cannot be compiled."""
        with told({}, place):
            self._condition(text) if condition else self._compile(text)

    def evaluate(self, text: str, scope: Scope) -> Any:
        """The value of a template: a lone expression's own, else text. Raises what Jinja2 does."""
        return _run(*self._compile(text), scope)

    def condition(self, text: str, scope: Scope) -> Any:
        """The value of a bare expression. Raises what Jinja2 does."""
        return _run(self._condition(text), True, scope)

    def file(self, text: str, scope: Scope) -> str:
        """The content of a template file. Raises what Jinja2 does."""
        if text not in self._files:
            self._files[text] = self.env.from_string(_checked(self.env, self.env.parse(text)))
        return str(_run(self._files[text], False, scope))

    def names(self, text: str, *, condition: bool = False) -> frozenset[str]:
        """The variables that a template asks for, those that it sets itself left out."""
        source = _braced(text) if condition and not is_template(text) else text
        if source not in self._names:
            with told({}, NOWHERE):
                found = meta.find_undeclared_variables(self.env.parse(source))
            self._names[source] = frozenset(found) - self.env.globals.keys()
        return self._names[source]

    def _condition(self, text: str) -> Template:
        template, lone = self._compile(text if is_template(text) else _braced(text), escape=is_template(text))
        if not lone:
            raise PlaybookError("a condition must be one expression", hint="write it bare, without `{{ }}`: `x == 'y'`")
        return template

    def _compile(self, text: str, *, escape: bool = True) -> tuple[Template, bool]:
        key = (text, escape)
        if key not in self._compiled:
            source = _escaped(self.env, text) if escape else text
            tree = _checked(self.env, self.env.parse(source))
            lone = _lone_expression(self.env.parse(source.removesuffix("\n")))
            if lone is not None:
                tree = nodes.Template([nodes.Assign(nodes.Name(RESULT, "store"), lone, lineno=1)], lineno=1)
            self._compiled[key] = (self.env.from_string(tree), lone is not None)
        return self._compiled[key]


def _environment() -> ImmutableSandboxedEnvironment:
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, keep_trailing_newline=True, undefined=Absent, finalize=_finalize, cache_size=0
    )
    env.filters.update({name: _bared(call) for name, call in {**env.filters, **FILTERS}.items()})
    env.tests.update({name: _bared(call) for name, call in {**env.tests, **TESTS}.items()})
    env.globals.update(omit=OMIT, lookup=lookup)
    return env


def _bared(call: Any) -> Callable[..., Any]:
    @functools.wraps(call)
    def bared(*args: Any, **options: Any) -> Any:
        return call(*map(bare, args), **{name: bare(value) for name, value in options.items()})

    return bared


def _finalize(value: Any) -> Any:
    return "" if value is None else settled(value)


def _braced(condition: str) -> str:
    return "{{ " + condition + " }}"


def _lone_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that is nothing but `{{ expression }}`."""
    output = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(output, nodes.Output) or len(output.nodes) != 1:
        return None
    return None if isinstance(output.nodes[0], nodes.TemplateData) else output.nodes[0]


def _checked(env: ImmutableSandboxedEnvironment, tree: nodes.Template) -> nodes.Template:
    """The tree; raises for filters, tests and lookups that do not exist, those in a branch not taken included."""
    for what, kinds, known in (("filter", nodes.Filter, env.filters), ("test", nodes.Test, env.tests)):
        for node in tree.find_all(kinds):
            if node.name not in known:
                raise TemplateAssertionError(f"No {what} named '{node.name}'.", node.lineno)
    for call in tree.find_all(nodes.Call):
        named = isinstance(call.node, nodes.Name) and call.node.name == "lookup" and call.args
        plugin = call.args[0] if named else None
        if isinstance(plugin, nodes.Const) and plugin.value not in LOOKUPS:
            raise unknown_lookup(plugin.value)
    return tree


def _escaped(env: ImmutableSandboxedEnvironment, text: str) -> str:
    r"""The template with backslashes of strings inside `{{ }}` doubled, so that '\1' is one in a regular expression."""
    if "\\" not in text or "{{" not in text:
        return text
    inside, parts = False, []
    for _line, part, value in env.lex(text):
        inside = part == "variable_begin" or (inside and part != "variable_end")
        parts.append(value.replace("\\", "\\\\") if inside and part == "string" else value)
    return "".join(parts)


def _run(template: Template, lone: bool, scope: Scope) -> Any:
    context = template.new_context(scope, shared=True)  # type: ignore[arg-type]
    chunks = list(template.root_render_func(context))
    return context.vars[RESULT] if lone else "".join(chunks)
