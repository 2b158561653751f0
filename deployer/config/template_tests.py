"""Ansible's tests that deployment plays use; Jinja2 brings the others.

Those on files ask the machine that deploys.
"""

from __future__ import annotations

import math
import os.path
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlparse

from deployer.config.filters_text import compiled
from deployer.config.operands import expect, text
from deployer.config.versions import compare
from deployer.model.truth import truth


def match(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return compiled(pattern, ignorecase, multiline).match(text(value)) is not None


def search(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return compiled(pattern, ignorecase, multiline).search(text(value)) is not None


def regex(
    value: Any = "", pattern: str = "", ignorecase: bool = False, multiline: bool = False, match_type: str = "search"
) -> bool:
    look = getattr(compiled(pattern, ignorecase, multiline), match_type if match_type in _LOOKS else "search")
    return look(text(value)) is not None


_LOOKS = ("match", "search", "fullmatch")


def _says(test: str, key: str, *, otherwise: bool = False) -> Callable[[Any], bool]:
    """A test of what a task has registered: whether it says so under a key, or (`otherwise`) does not."""

    def says(result: Any) -> bool:
        return bool(expect(f"is {test}", result, Mapping).get(key)) is not otherwise

    return says


def changed(result: Any) -> bool:
    """Whether a result, or one of the results of a loop, says that something was changed."""
    looped = expect("is changed", result, Mapping).get("results")
    if "changed" in result or not isinstance(looped, list):
        return bool(result.get("changed"))
    return any(isinstance(one, Mapping) and bool(one.get("changed")) for one in looped)


def timedout(result: Any) -> bool:
    found = expect("is timedout", result, Mapping).get("timedout")
    return bool(found and found.get("period"))


def subset(value: Any, other: Any) -> bool:
    return set(expect("is subset", value, Iterable)) <= set(expect("is subset", other, Iterable))


def superset(value: Any, other: Any) -> bool:
    return set(expect("is superset", value, Iterable)) >= set(expect("is superset", other, Iterable))


def contains(value: Any, item: Any) -> bool:
    return item in value


def truthy(value: Any, convert_bool: bool = False) -> bool:
    """Whether it counts as true in Python; with `convert_bool` the words for true and false count as these."""
    word = str(value).strip().lower() if convert_bool and isinstance(value, str | int | float) else ""
    word = {"1.0": "1", "0.0": "0"}.get(word, word)
    said = truth(word)
    return bool(value) if said is None else said


def falsy(value: Any, convert_bool: bool = False) -> bool:
    return not truthy(value, convert_bool)


def nan(value: Any) -> bool:
    return isinstance(value, int | float) and math.isnan(value)


def uri(value: Any, schemes: Any = None) -> bool:
    return isinstance(value, str) and _is_url(value, schemes)


def url(value: Any, schemes: Any = None) -> bool:
    return uri(value, schemes) and bool(urlparse(value).netloc or urlparse(value).scheme == "file")


def _is_url(value: str, schemes: Any) -> bool:
    try:
        return not schemes or urlparse(value).scheme in schemes
    except ValueError:
        return False


_FILES: Mapping[str, Callable[..., bool]] = {
    "directory": os.path.isdir, "is_dir": os.path.isdir, "file": os.path.isfile, "is_file": os.path.isfile,
    "link": os.path.islink, "is_link": os.path.islink, "exists": os.path.exists, "link_exists": os.path.lexists,
    "abs": os.path.isabs, "is_abs": os.path.isabs, "same_file": os.path.samefile, "is_same_file": os.path.samefile,
    "mount": os.path.ismount, "is_mount": os.path.ismount,
}  # fmt: skip

_RESULTS: Mapping[str, Callable[[Any], bool]] = {
    **{name: _says(name, "failed") for name in ("failed", "failure")},
    **{name: _says(name, "failed", otherwise=True) for name in ("succeeded", "success", "successful")},
    **{name: _says(name, "skipped") for name in ("skipped", "skip")},
    "unreachable": _says("unreachable", "unreachable"),
    "reachable": _says("reachable", "unreachable", otherwise=True),
    "changed": changed, "change": changed, "timedout": timedout,
}  # fmt: skip

TESTS: Mapping[str, Callable[..., bool]] = {
    **_RESULTS, **_FILES, "match": match, "search": search, "regex": regex, "version": compare,
    "version_compare": compare, "subset": subset, "issubset": subset, "superset": superset, "issuperset": superset,
    "contains": contains, "any": any, "all": all, "truthy": truthy, "falsy": falsy, "nan": nan, "isnan": nan,
    "uri": uri, "url": url, "urn": lambda value: uri(value, ["urn"]),
}  # fmt: skip

REFUSED: Mapping[str, str] = {
    "vault_encrypted": "a value is decrypted when it is read; leave the test out",
    "vaulted_file": "a file is decrypted when it is read; leave the test out",
    **dict.fromkeys(("started", "finished"), "there are no async tasks: a task ends when its command ends"),
}
