"""Filters between values and text that holds them: JSON, YAML, base64, and digests."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from jinja2 import Undefined

from deployer.config.keywords import did_you_mean, kind
from deployer.config.operands import expect, text
from deployer.errors import PlaybookError

_MOST = 1_000_000  # values in what is read: aliases of aliases make billions of a few lines
_NAMESPACE = uuid.UUID("361e6d51-faec-444a-9079-341386da8e2e")  # Ansible's own, so that its UUIDs come out


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """YAML as libyaml writes it."""


_Dumper.add_multi_representer(Undefined, lambda _dumper, value: str(value))  # raises, with the variable's name


def to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, default=_json_value, **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    layout = {**options, "separators": (",", ": ")}
    return to_json(value, indent=indent, sort_keys=sort_keys, **layout)


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    layout = {"allow_unicode": True, "default_flow_style": default_flow_style, **options}
    written: str = yaml.dump(value, Dumper=_Dumper, **layout)
    return written


def to_nice_yaml(value: Any, indent: int = 4, default_flow_style: bool | None = False, **options: Any) -> str:
    return to_yaml(value, indent=indent, default_flow_style=default_flow_style, **options)


def from_json(given: Any) -> Any:
    try:
        return json.loads(expect("from_json", given, str))
    except ValueError as error:  # its words hold a position and no text
        raise PlaybookError(f"`from_json` got no JSON: {error}") from None
    except RecursionError:
        raise PlaybookError("`from_json` got JSON that is nested too deeply") from None


def from_yaml(given: Any) -> Any:
    return None if given is None else _loaded("from_yaml", yaml.load, given)


def from_yaml_all(given: Any) -> list[Any]:
    return [] if given is None else _loaded("from_yaml_all", lambda *args: list(yaml.load_all(*args)), given)


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(text(value).encode(encoding)).decode("ascii")


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    decode = base64.urlsafe_b64decode if urlsafe else base64.b64decode
    try:
        return decode(text(value)).decode(encoding)
    except (binascii.Error, UnicodeError):
        raise PlaybookError(f"`b64decode` got no base64 of {encoding} text") from None


def digest(value: Any, algorithm: str = "sha1") -> str:
    try:
        return hashlib.new(algorithm, text(value).encode()).hexdigest()
    except (TypeError, ValueError):
        hint = did_you_mean(algorithm, hashlib.algorithms_guaranteed)
        raise PlaybookError(f"`hash`: there is no algorithm `{algorithm}`", hint=hint) from None


def to_uuid(value: Any, namespace: Any = _NAMESPACE) -> str:
    try:
        space = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(namespace)
    except (AttributeError, ValueError):
        raise PlaybookError("`to_uuid`: its namespace is no UUID") from None
    return str(uuid.uuid5(space, text(value)))


def _json_value(value: Any) -> Any:
    """What JSON has no type for, as Ansible writes it."""
    if isinstance(value, Undefined):
        return str(value)  # raises, with the variable's name
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, range):
        return list(value)
    raise TypeError(f"JSON has no type for {kind(value)}")


def _loaded(what: str, load: Callable[[str, Any], Any], given: Any) -> Any:
    try:
        loaded = load(expect(what, given, str), yaml.SafeLoader)  # libyaml's would not survive deep nesting
        return _bounded(what, loaded)
    except RecursionError:
        raise PlaybookError(f"`{what}` got YAML that is nested too deeply, or in itself") from None
    except yaml.YAMLError as error:  # its words quote the text, which may be a secret
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise PlaybookError(f"`{what}` got no YAML: broken in line {line or '?'}") from None
    except ValueError:  # a 13th month, say
        raise PlaybookError(f"`{what}` got YAML with a value that is not possible") from None


def _bounded(what: str, loaded: Any) -> Any:
    """What was read; PlaybookError if written out it would be too much."""
    if _size(loaded, {}) > _MOST:
        raise PlaybookError(f"`{what}` got YAML whose aliases stand for more than {_MOST:,} values")
    return loaded


def _size(value: Any, known: dict[int, int]) -> int:
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(one, known) for one in inner)
    return known[id(value)]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "to_json": to_json, "to_nice_json": to_nice_json, "to_yaml": to_yaml, "to_nice_yaml": to_nice_yaml,
    "from_json": from_json, "from_yaml": from_yaml, "from_yaml_all": from_yaml_all, "b64encode": b64encode,
    "b64decode": b64decode, "hash": digest, "checksum": digest, "sha1": digest, "to_uuid": to_uuid,
    "md5": lambda value: digest(value, "md5"),
}  # fmt: skip
