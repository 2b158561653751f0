"""Values that are secrets although nobody has encrypted them: by the names of their keys, and passwords in URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from deployer.config.keywords import is_template
from deployer.model.secret_names import URL_LOGIN, is_secret_name

DEEPEST = 32  # mappings and lists within each other; a recursive alias ends here
SHORTEST = 5  # characters: a shorter value is mostly a word of some other kind
NO_SECRET = re.compile(  # what stands where a secret might: nothing, a variable, a path, a digest, a placeholder
    r"|.*\$[{(].*|\$[A-Za-z_]\w*|(?:~|\.{0,2})/[\w./@+\-]+|\$(?:\d[abxy]?|y|gy|argon2\w*|sha\d+)\$.*|<[^>]*>|[*!xX.]+|!vault.*",
    re.DOTALL,
)
NO_WORDS = frozenset({"none", "null", "true", "false", "yes", "no", "always", "on_create", "omit", "prompt", "vault"})


def is_clear(value: Any) -> bool:
    """Whether a value may be the secret itself: neither empty nor a template, a variable, a path or a placeholder."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = str(value).strip()
    return not is_template(text) and text.lower() not in NO_WORDS and NO_SECRET.fullmatch(text) is None


def named_secrets(value: Any, name: str = "", depth: int = 0) -> Iterator[str]:
    """The secrets in a value that is called so, at any depth; what is rendered only when it is used is passed over."""
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for key, one in value.items():
            yield from named_secrets(one, str(key), depth + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from named_secrets(one, name, depth + 1)
    elif is_secret_name(name) and _hides(value):
        yield str(value)
    elif isinstance(value, str) and "@" in value:
        yield from _in_urls(value)


def _hides(value: Any) -> bool:
    """Whether a value may be a secret; to hide one too many costs less than to show one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = str(value).strip()
    return len(text) >= SHORTEST and not is_template(text) and text.lower() not in NO_WORDS and text.strip("*") != ""


def _in_urls(text: str) -> Iterator[str]:
    for found in URL_LOGIN.finditer(text):
        password = found["password"] or ""
        if _hides(password):
            yield from dict.fromkeys((password, unquote(password)))
