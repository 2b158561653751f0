"""All of Ansible's filters that templates may use, by name; Jinja2 brings the others, and what is refused says why.

They work on plain values: laziness, undefined variables and where a template stands are `templates`' business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined

from deployer.config import filters_collections, filters_numbers, filters_paths, filters_serialized, filters_text
from deployer.config.keywords import kind
from deployer.errors import PlaybookError


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """The value, or another if it is undefined, or with `boolean` if it counts as false."""
    if not isinstance(boolean, bool):
        raise PlaybookError(f"`default`: its second argument must be true or false, got {kind(boolean)}")
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


def mandatory(value: Any, msg: str | None = None) -> Any:
    """The value; raises PlaybookError with `msg` if it is undefined."""
    if isinstance(value, Undefined):
        name = value._undefined_name
        raise PlaybookError(msg or f"mandatory variable {f'`{name}` ' if name else ''}is not defined")
    return value


def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    """One of two values, or of three: for what is true, false and nothing. The others may be undefined."""
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


def type_debug(value: Any) -> str:
    """What Python calls the value's type."""
    plain = next((one for one in (dict, list) if kind(value) == kind(one())), type(value))
    return plain.__name__


TAKE_UNDEFINED: Mapping[str, Callable[..., Any]] = {
    "default": default, "d": default, "mandatory": mandatory, "ternary": ternary, "type_debug": type_debug,
}  # fmt: skip

FILTERS: Mapping[str, Callable[..., Any]] = {
    **TAKE_UNDEFINED, **filters_serialized.FILTERS, **filters_text.FILTERS, **filters_paths.FILTERS,
    **filters_numbers.FILTERS, **filters_collections.FILTERS,
}  # fmt: skip

REFUSED: Mapping[str, str] = {
    "password_hash": "make the hash once (`openssl passwd -6`), keep it in a vault, and use that variable",
    "json_query": "use `selectattr`, `map(attribute='…')`, or a path such as `x.y[0]`",
    **dict.fromkeys(("vault", "unvault"), "keep the value in a file that `deploy vault` encrypts"),
    **dict.fromkeys(("ipaddr", "ipv4", "ipv6", "ipwrap"), "write the address itself into a variable"),
}
