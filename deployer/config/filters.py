"""Ansible's filters and tests that deployment plays use; Jinja2 brings the others.

They work on plain values: laziness, undefined variables and where a template stands are `templates`' business.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import posixpath
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from jinja2 import Undefined

from deployer.config.keywords import FALSE, TRUE, did_you_mean, kind
from deployer.errors import PlaybookError


def to_bool(value: Any) -> bool | None:
    """Ansible's words for true and false; nothing stays nothing."""
    if value is None or isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in TRUE | FALSE:
        raise PlaybookError(f"`bool` got {kind(value)} that is neither true nor false", hint="use yes or no")
    return word in TRUE


def combine(*mappings: Any, recursive: bool = False) -> dict[Any, Any]:
    """One mapping out of several, the later ones winning; with `recursive` inner mappings are combined too."""
    result: dict[Any, Any] = {}
    for one in mappings:
        _expect("combine", one, Mapping)
        for key, value in one.items():
            inner = recursive and isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = combine(result[key], value, recursive=True) if inner else value
    return result


def to_json(value: Any, **options: Any) -> str:
    return json.dumps(_present("to_json", value), **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True) -> str:
    return json.dumps(_present("to_nice_json", value), indent=indent, sort_keys=sort_keys)


def to_yaml(value: Any, **options: Any) -> str:
    text: str = yaml.safe_dump(
        _present("to_yaml", value), allow_unicode=True, **{"default_flow_style": None, **options}
    )
    return text


def to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    return to_yaml(value, indent=indent, **{"default_flow_style": False, **options})


def from_json(text: Any) -> Any:
    try:
        return json.loads(_expect("from_json", text, str))
    except ValueError as error:  # its words hold a position and no text
        raise PlaybookError(f"`from_json` got no JSON: {error}") from None


def from_yaml(text: Any) -> Any:
    try:
        return yaml.safe_load(_expect("from_yaml", text, str))
    except yaml.YAMLError as error:  # its words quote the text, which may be a secret
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise PlaybookError(f"`from_yaml` got no YAML: broken in line {line or '?'}") from None


def regex_replace(
    value: Any,
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
) -> str:
    return _pattern(pattern, ignorecase, multiline).sub(replacement, _text("regex_replace", value), count=count)


def regex_search(value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    r"""The first match, or the list of its groups that are named as '\1' or '\g<name>'; None without a match."""
    match = _pattern(pattern, ignorecase, multiline).search(_text("regex_search", value))
    if match is None or not groups:
        return match and match.group()
    return [_group(match, name) for name in groups]


def _group(match: re.Match[str], name: str) -> str | None:
    known = re.fullmatch(r"\\(?:g<)?(\w+)>?", str(name))
    key = known[1] if known else ""
    try:
        found: str | None = match.group(int(key) if key.isdigit() else key)
    except IndexError:
        raise PlaybookError(
            f"`regex_search`: no group `{name}`", hint=r"groups are named '\\1' or '\\g<name>'"
        ) from None
    return found


def b64encode(value: Any, encoding: str = "utf-8") -> str:
    return base64.b64encode(_text("b64encode", value).encode(encoding)).decode("ascii")


def b64decode(value: Any, encoding: str = "utf-8") -> str:
    try:
        return base64.b64decode(_text("b64decode", value)).decode(encoding)
    except (binascii.Error, UnicodeDecodeError):
        raise PlaybookError(f"`b64decode` got no base64 of {encoding} text") from None


def quote(value: Any) -> str:
    return shlex.quote("" if value is None else str(_present("quote", value)))


def mandatory(value: Any, msg: str | None = None) -> Any:
    """The value; raises PlaybookError with `msg` if it is undefined."""
    if isinstance(value, Undefined):
        name = value._undefined_name
        raise PlaybookError(msg or f"mandatory variable {f'`{name}` ' if name else ''}is not defined")
    return value


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    return [{key_name: key, value_name: one} for key, one in _expect("dict2items", value, Mapping).items()]


def items2dict(items: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    for item in _expect("items2dict", items, list):
        if not isinstance(item, Mapping) or not {key_name, value_name} <= item.keys():
            raise PlaybookError(f"`items2dict` needs mappings with `{key_name}` and `{value_name}`")
    return {item[key_name]: item[value_name] for item in items}


def ternary(value: Any, true: Any, false: Any, none: Any = None) -> Any:
    if value is None and none is not None:
        return none
    return true if value else false


def digest(value: Any, algorithm: str = "sha1") -> str:
    try:
        return hashlib.new(algorithm, _text("hash", value).encode()).hexdigest()
    except ValueError:
        hint = did_you_mean(algorithm, hashlib.algorithms_guaranteed)
        raise PlaybookError(f"`hash`: there is no algorithm `{algorithm}`", hint=hint) from None


def match(value: Any, pattern: str, ignorecase: bool = False, multiline: bool = False) -> bool:
    return _pattern(pattern, ignorecase, multiline).match(_text("match", value)) is not None


def search(value: Any, pattern: str, ignorecase: bool = False, multiline: bool = False) -> bool:
    return _pattern(pattern, ignorecase, multiline).search(_text("search", value)) is not None


def failed(result: Any) -> bool:
    return bool(_registered("failed", result).get("failed"))


def succeeded(result: Any) -> bool:
    return not failed(_registered("succeeded", result))


def changed(result: Any) -> bool:
    return bool(_registered("changed", result).get("changed"))


def skipped(result: Any) -> bool:
    return bool(_registered("skipped", result).get("skipped"))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "bool": to_bool, "combine": combine, "to_json": to_json, "to_nice_json": to_nice_json, "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml, "from_json": from_json, "from_yaml": from_yaml, "regex_replace": regex_replace,
    "regex_search": regex_search, "b64encode": b64encode, "b64decode": b64decode, "quote": quote,
    "mandatory": mandatory, "dict2items": dict2items, "items2dict": items2dict, "ternary": ternary,
    "basename": lambda value: posixpath.basename(_text("basename", value)),
    "dirname": lambda value: posixpath.dirname(_text("dirname", value)), "hash": digest,
}  # fmt: skip

TESTS: Mapping[str, Callable[..., bool]] = {
    "match": match, "search": search, "failed": failed, "failure": failed, "succeeded": succeeded,
    "success": succeeded, "successful": succeeded, "changed": changed, "change": changed, "skipped": skipped,
    "skip": skipped,
}  # fmt: skip


def _pattern(pattern: str, ignorecase: bool, multiline: bool) -> re.Pattern[str]:
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise PlaybookError(f"not a regular expression: {error}") from None


def _present(what: str, value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises, with the variable's name
    return value


def _text(what: str, value: Any) -> str:
    _present(what, value)
    return str(value)


def _expect(what: str, value: Any, wanted: type | tuple[type, ...]) -> Any:
    if not isinstance(_present(what, value), wanted):
        expected = {Mapping: "a mapping", list: "a list"}.get(wanted, "a string")  # type: ignore[call-overload]
        raise PlaybookError(f"`{what}` needs {expected}, got {kind(value)}")
    return value


def _registered(test: str, result: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _expect(f"is {test}", result, Mapping)
    return found
