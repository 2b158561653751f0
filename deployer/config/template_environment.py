"""Jinja2 set up as Ansible's is: sandboxed, native values, undefined values that filters hand on.

A template's values become text only where there are several of them: one alone keeps its type.
"""

from __future__ import annotations

import functools
from collections import ChainMap
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Final

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined, Template, Undefined, pass_context
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context, Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from deployer.config.filters import FILTERS, TAKE_UNDEFINED
from deployer.config.filters_numbers import now
from deployer.config.lazy import OMIT, bare, defined, settled
from deployer.config.lookups import lookup, query
from deployer.config.rendering import current
from deployer.config.template_errors import Absent
from deployer.config.template_tests import TESTS
from deployer.errors import PlaybookError

BUILTIN: Final = "ansible.builtin."
VIEWS = (Iterator, ItemsView, KeysView, ValuesView)


class LayeredContext(Context):
    """Variables in layers: none is asked for before a template does, as a copy of them would."""

    def get_all(self) -> Any:
        return ChainMap({}, self.vars, self.parent)

    def derived(self, locals: dict[str, Any] | None = None) -> Context:  # noqa: A002 - Jinja2's name
        context = _context(self.environment, self.name, {}, self.get_all(), locals)
        context.eval_ctx = self.eval_ctx
        context.blocks.update((name, list(blocks)) for name, blocks in self.blocks.items())
        return context


class LayeredTemplate(Template):
    """A template whose contexts are LayeredContext."""

    def new_context(  # its arguments' names are Jinja2's
        self,
        vars: Any = None,  # noqa: A002
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> Context:
        layers = {} if vars is None else vars
        parent = layers if shared else ChainMap({}, layers, self.globals)
        return _context(self.environment, self.name, self.blocks, parent, locals)


class AnsibleEnvironment(SandboxedEnvironment):
    """The environment of all templates; SecurityError for what a sandbox forbids."""

    code_generator_class = NativeCodeGenerator
    context_class = LayeredContext
    template_class = LayeredTemplate

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The attribute, or the key that is called like one that may not be used."""
        found = super().getattr(obj, attribute)
        try:
            return obj[attribute] if isinstance(found, Undefined) else found
        except (AttributeError, TypeError, LookupError):
            return found

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The item; raises for a key that is undefined itself."""
        return super().getitem(obj, _checked(argument))

    def call(self, __context: Context, __obj: Any, *args: Any, **options: Any) -> Any:
        """What the call gives, lists in place of what can be read once; something undefined if it is given any."""
        free = isinstance(__obj, Macro) or __obj is lookup or __obj is query
        given = (__obj, *(() if free else (*args, *options.values())))
        absent = _absent(given)
        if absent is not None:
            return absent
        result = super().call(__context, __obj, *args, **options)
        return list(result) if isinstance(result, VIEWS) else result

    @staticmethod
    def concat(values: Iterable[Any]) -> Any:
        """A value that stands alone as it is, several as text, nothing as None."""
        found = [value for value in _flat(values) if value is not None]
        if len(found) < 2:
            return found[0] if found else None
        return "".join(str(settled(_checked(value))) for value in found if value is not OMIT)


class Beside(BaseLoader):
    """Files for `include`, `import` and `extends`, from the folders of what is being rendered."""

    def get_source(self, environment: Environment, template: str) -> Any:
        return FileSystemLoader(current().folders).get_source(environment, template)


def new_environment() -> AnsibleEnvironment:
    """An environment with Ansible's filters, tests, globals and settings."""
    env = AnsibleEnvironment(
        trim_blocks=True, undefined=Absent, finalize=_output, cache_size=0, optimized=False, loader=Beside()
    )
    filters: dict[str, Any] = {**env.filters, **FILTERS}
    tests: dict[str, Any] = {**env.tests, **TESTS}
    env.filters.update(_named("filter", filters))
    env.tests.update(_named("test", tests))
    env.globals.update(omit=OMIT, lookup=lookup, query=query, q=query, now=now, undef=undef)
    return env


def undef(hint: str | None = None) -> Absent:
    """A value that is undefined, and says so in these words."""
    return Absent(hint or "a variable that must be set is not")


@pass_context
def _output(_context: Context, value: Any) -> Any:
    """Every value as it is; that a context is asked for keeps Jinja2 from turning constants into text.

    In a file what is undefined is found here, where the line is known.
    """
    return defined(value) if current().is_file and not isinstance(value, range) else value


def _context(env: Environment, name: Any, blocks: Any, parent: Any, inner: Mapping[str, Any] | None) -> Context:
    own = {key: value for key, value in (inner or {}).items() if value is not missing}
    layers: Any = ChainMap({}, own, parent) if own else parent
    return env.context_class(env, layers, name, blocks)


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, TemplateModule):
            yield from _flat(value._body_stream)
        else:
            yield value


def _checked(value: Any) -> Any:
    """The value; raises for one that is undefined."""
    if isinstance(value, Undefined):
        str(value)
    return value


def _absent(values: Iterable[Any]) -> Any:
    """The first of the values that is undefined."""
    return next((value for value in values if isinstance(value, StrictUndefined)), None)


def _named(what: str, calls: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Filters or tests as templates call them, under their short names and those of `ansible.builtin`."""
    guarded = {name: _guarded(what, name, call) for name, call in calls.items()}
    return {**guarded, **{BUILTIN + name: call for name, call in guarded.items() if name.isidentifier()}}


def _guarded(what: str, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test that sees plain values, hands on what is undefined, and fails in words."""
    if name in (*TAKE_UNDEFINED, "defined", "undefined"):
        return call

    @functools.wraps(call)
    def guarded(*args: Any, **options: Any) -> Any:
        absent = _absent((*args, *options.values()))
        if absent is not None:
            return absent
        try:
            result = call(*map(bare, args), **{key: bare(value) for key, value in options.items()})
            return list(result) if isinstance(result, (*VIEWS, range)) and what == "filter" else result
        except (PlaybookError, TemplateError, SecurityError, RecursionError):
            raise
        except Exception as error:
            words = f": {error}" if isinstance(error, TypeError | ArithmeticError) else f" with {type(error).__name__}"
            raise PlaybookError(f"the {what} `{name}` failed{words}") from None

    return guarded
