"""Filters on text: regular expressions, quoting, comments, URLs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from deployer.config.keywords import did_you_mean
from deployer.config.operands import expect, text
from deployer.errors import PlaybookError

_COMMENTS: Mapping[str, Mapping[str, str]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}
_URL = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")


def compiled(regex: str, ignorecase: Any = False, multiline: Any = False) -> re.Pattern[str]:
    """The compiled expression; raises PlaybookError."""
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    try:
        return re.compile(regex, flags)
    except re.error as error:
        raise PlaybookError(f"not a regular expression: {error}") from None


def regex_replace(
    value: Any = "", pattern: str = "", replacement: str = "", ignorecase: bool = False, multiline: bool = False,
    count: int = 0, mandatory_count: int = 0,
) -> str:  # fmt: skip
    try:
        result, found = compiled(pattern, ignorecase, multiline).subn(replacement, text(value), count=count)
    except (re.error, IndexError) as error:  # names the group, which is the playbook's
        raise PlaybookError(f"`regex_replace`: {error}") from None
    if mandatory_count not in (0, found):
        raise PlaybookError(f"`regex_replace` should match {mandatory_count} times, and matches {found} times")
    return result


def regex_search(value: Any, regex: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    r"""The first match, or the list of its groups that are named as '\1' or '\g<name>'; None without a match."""
    match = compiled(regex, ignorecase, multiline).search(text(value))
    keys = [_group(name) for name in groups]
    if match is None or not groups:
        return match and match.group()
    try:
        return [match.group(key) for key in keys]
    except IndexError:
        raise _no_group(groups) from None


def regex_findall(value: Any, regex: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return compiled(regex, ignorecase, multiline).findall(text(value))


def regex_escape(value: Any, re_type: str = "python") -> str:
    if re_type == "python":
        return re.escape(text(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", text(value))
    raise PlaybookError(f"`regex_escape` does not know `{re_type}`", hint="it knows `python` and `posix_basic`")


def quote(value: Any) -> str:
    return shlex.quote("" if value is None else text(value))


def split(value: Any, separator: str | None = None, maxsplit: int = -1) -> list[str]:
    found: list[str] = expect("split", value, str).split(separator, maxsplit)
    return found


def comment(value: Any, style: str = "plain", **options: Any) -> str:
    """The text as a comment of a style, each part of which (`prefix`, `decoration`, `end` …) may be given."""
    if style not in _COMMENTS:
        hint = did_you_mean(style, _COMMENTS) or f"there are {', '.join(_COMMENTS)}"
        raise PlaybookError(f"`comment` has no style `{style}`", hint=hint)
    edge = options.get("decoration", _COMMENTS[style]["decoration"]).rstrip()
    defaults = {"newline": "\n", "beginning": "", "end": "", "prefix": edge, "postfix": edge}
    part = {"prefix_count": 1, "postfix_count": 1, **defaults, **_COMMENTS[style], **options}
    newline, decoration = part["newline"], part["decoration"]
    body: str = decoration + expect("comment", value, str).replace(newline, newline + decoration)
    body = body.replace(decoration + newline, decoration.rstrip() + newline)
    first = part["beginning"] + newline if part["beginning"] else ""
    last = (newline + part["postfix"]) * part["postfix_count"] + _end(part)
    return f"{first}{_prefix(part)}{body}{last}"


def url_parts(value: Any, query: str = "", alias: str = "urlsplit") -> Any:
    """The parts of a URL, or the one that is asked for."""
    found = urlsplit(expect(alias, value, str))
    if query and query not in _URL:
        raise PlaybookError(f"`{alias}`: a URL has no `{query}`", hint=did_you_mean(query, _URL))
    return getattr(found, query) if query else {name: getattr(found, name) for name in _URL}


def _group(name: Any) -> int | str:
    r"""The group that '\1' or '\g<name>' means."""
    found = re.match(r"\\(?:g<(\S+)>|(\d+))", text(name))
    if found is None:
        raise _no_group((name,))
    key = found[1] or found[2]
    return int(key) if key.isdigit() else key


def _no_group(names: tuple[Any, ...]) -> PlaybookError:
    shown = ", ".join(f"`{name}`" for name in names)
    return PlaybookError(f"`regex_search`: no group {shown}", hint=r"groups are named '\\1' or '\\g<name>'")


def _prefix(part: Mapping[str, Any]) -> str:
    end = "" if part["prefix"] in ("", part["newline"]) else part["newline"]
    return f"{part['prefix']}{end}" * int(part["prefix_count"])


def _end(part: Mapping[str, Any]) -> str:
    return f"{part['newline']}{part['end']}" if part["end"] else ""


FILTERS: Mapping[str, Callable[..., Any]] = {
    "regex_replace": regex_replace, "regex_search": regex_search, "regex_findall": regex_findall,
    "regex_escape": regex_escape, "quote": quote, "split": split, "comment": comment, "urlsplit": url_parts,
    "urldecode": lambda value: unquote_plus(expect("urldecode", value, str)),
}  # fmt: skip
