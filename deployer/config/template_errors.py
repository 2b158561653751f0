"""What goes wrong in a template, in words that name the variable, the place and never a value.

How templates are run, and which variables they see, is left to `templates`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import missing

from deployer.config import filters, template_tests
from deployer.config.keywords import did_you_mean, kind
from deployer.errors import NOWHERE, Place, PlaybookError, VaultError

WORDS = {"filter": (*JINJA_FILTERS, *filters.FILTERS), "test": (*JINJA_TESTS, *template_tests.TESTS)}
INSTEAD = {"filter": filters.REFUSED, "test": template_tests.REFUSED}


class AbsentError(UndefinedError):
    """Something undefined was used; knows what, in what, and for which variable."""

    def __init__(self, message: str, *, obj: Any, name: Any) -> None:
        super().__init__(message)
        self.obj = obj
        self.name = name
        self.user: str | None = None  # the variable whose value uses it

    def words(self) -> str:
        what = self.message or "undefined"
        if self.obj is missing and self.name is not None:
            what = f"`{self.name}` is undefined"
        elif self.name is not None:
            what = f"{kind(self.obj)} has no `{self.name}`"
        return f"{what} (needed by `{self.user}`)" if self.user else what

    def hint(self, known: Mapping[str, Any]) -> str | None:
        if self.name is None:
            return None
        words = known if self.obj is missing else self.obj
        hint = did_you_mean(self.name, words) if isinstance(words, Mapping) else None
        return hint or (f"define `{self.name}`, or write `{self.name} | default(…)`" if self.obj is missing else None)


class Absent(StrictUndefined):
    """What is undefined, and everything in it: `a.b.c | default(1)` works as in Ansible."""

    def __init__(self, hint: Any = None, obj: Any = missing, name: Any = None, exc: Any = UndefinedError) -> None:
        if exc is UndefinedError:
            exc = functools.partial(AbsentError, obj=obj, name=name)
        super().__init__(hint, obj, name, exc)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self


@contextmanager
def told(variables: Mapping[str, Any], place: Place, *, file: bool = False) -> Iterator[None]:
    """Turn what goes wrong in a template into PlaybookError at this place; in a template file with the line there."""
    try:
        yield
    except VaultError:  # knows its place
        raise
    except PlaybookError as error:
        raise PlaybookError(error.message, place=error.place or _known(place), hint=error.hint) from None
    except TemplateSyntaxError as error:
        where = Place(error.filename or place.path, error.lineno)
        raise _syntax_error(error, where if file or error.filename else place) from None
    except Exception as error:
        message, hint = _words(error, variables)
        where = Place(place.path, _line_of(error.__traceback__)) if file else place
        raise PlaybookError(message, place=_known(where), hint=hint) from None


def again(error: Exception, _message: str) -> Exception:
    """The exception type of an Absent whose error is known already."""
    return error


def _words(error: Exception, variables: Mapping[str, Any]) -> tuple[str, str | None]:
    if isinstance(error, AbsentError):
        return error.words(), error.hint(variables)
    if isinstance(error, SecurityError):
        return f"a template may not do this: {error}", None
    if isinstance(error, TemplateNotFound):
        return f"no template file `{error.name}`", "it is looked for beside the template, and beside the playbook"
    if isinstance(error, RecursionError):
        return "a template refers to itself, or is nested too deeply", "break the circle, or flatten it"
    if isinstance(error, TypeError | ArithmeticError | UndefinedError):  # their words name types, not values
        return f"a template failed: {error}", None
    return f"a template failed with {type(error).__name__}", None


def _line_of(trace: TracebackType | None) -> int:
    """The line in the outermost template: the others are variables' values."""
    outer, line = None, 0
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template) and outer in (None, template):
            outer, line = template, template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _syntax_error(error: TemplateSyntaxError, place: Place) -> PlaybookError:
    message = (error.message or "not understood").strip()
    parts = message.rstrip(".").split(" ")
    if parts[0] == "No" and parts[1] in WORDS:  # "No filter named 'x'."
        what, word = parts[1], parts[-1].strip("'")
        short = word.rpartition(".")[2]
        hint = INSTEAD[what].get(short) or did_you_mean(short, WORDS[what])
        return PlaybookError(f"there is no {what} `{word}` in templates", place=_known(place), hint=hint)
    words = f"broken template: {message[0].lower()}{message[1:]}"
    return PlaybookError(words, place=_known(place), hint="check the quotes and brackets")


def _known(place: Place) -> Place | None:
    return None if place.path == NOWHERE.path else place
