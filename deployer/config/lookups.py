"""`lookup`, `query` and `q` in templates: which lookups there are, and how several answers become one.

What is read is never taken for a template: that is `templates`' doing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined

from deployer.config import lookup_files, lookup_values
from deployer.config.keywords import did_you_mean
from deployer.errors import PlaybookError, VaultError

LOOKUPS: Mapping[str, Callable[..., list[Any]]] = {**lookup_files.LOOKUPS, **lookup_values.LOOKUPS}

INSTEAD: Mapping[str, str] = {
    "together": "use the filter `zip_longest`: `a | zip_longest(b)`",
    "nested": "use the filter `product`: `a | product(b)`",
    "cartesian": "use the filter `product`: `a | product(b)`",
    "sequence": "use `range(1, 4)`",
    "indexed_items": "use the filter `zip`: `range(names | length) | zip(names)`",
    "subelements": "use the filter `subelements`",
    "random_choice": "use the filter `random`",
    "flattened": "use the filter `flatten`",
    "varnames": "use the lookup `vars` with the names",
    "csvfile": "keep the data as YAML or JSON: `lookup('file', …) | from_yaml`",
    "ini": "keep the data as YAML or JSON: `lookup('file', …) | from_yaml`",
    "url": "use `lookup('pipe', 'curl -fsS …')`, or the module `get_url`",
    "password": "keep the password in a vault",
    "unvault": "use `lookup('file', …)`, or put the file's variables beside the inventory",
    "config": "write the value itself",
    "inventory_hostnames": "use `groups`",
}


def lookup(plugin: str, /, *terms: Any, wantlist: bool = False, errors: str = "strict", **options: Any) -> Any:
    """One answer, texts joined by commas, or a list (always with `wantlist`).

    With `errors='ignore'` (or 'warn') there is nothing, or an empty list, if the lookup fails.
    """
    name = known(plugin)
    if name not in lookup_files.TAKE_UNDEFINED:
        missing = next((one for one in (*terms, *options.values()) if isinstance(one, StrictUndefined)), None)
        if missing is not None:
            return missing
    try:
        found = _found(name, terms, options)
    except (PlaybookError, VaultError):
        if errors not in ("ignore", "warn"):
            raise
        return [] if wantlist else None
    return found if wantlist or not found else _joined(found)


def query(plugin: str, /, *terms: Any, **options: Any) -> Any:
    """The answers as a list."""
    return lookup(plugin, *terms, **{**options, "wantlist": True})


def known(plugin: Any) -> str:
    """The short name of a lookup; raises PlaybookError with what to use instead if there is none."""
    name = str(plugin).removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if name not in LOOKUPS:
        hint = INSTEAD.get(name) or did_you_mean(name, LOOKUPS) or f"there are {', '.join(sorted(LOOKUPS))}"
        raise PlaybookError(f"lookup `{plugin}` is not supported", hint=hint)
    return name


def _found(name: str, terms: tuple[Any, ...], options: dict[str, Any]) -> list[Any]:
    call = LOOKUPS[name]
    takes = inspect.getfullargspec(call)
    unknown = next((option for option in options if option not in takes.kwonlyargs and not takes.varkw), None)
    if unknown:
        hint = did_you_mean(unknown, [*takes.kwonlyargs, "wantlist", "errors"])
        raise PlaybookError(f"lookup `{name}` takes no option `{unknown}`", hint=hint)
    try:
        return call(terms, **options)
    except (OSError, ValueError) as wrong:
        raise PlaybookError(f"lookup `{name}` failed with {type(wrong).__name__}") from None


def _joined(found: list[Any]) -> Any:
    if len(found) == 1:
        return found[0]
    return ",".join(found) if all(isinstance(one, str) for one in found) else found
