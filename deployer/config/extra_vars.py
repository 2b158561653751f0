"""`-e`: variables from the command line, as Ansible reads them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deployer.config.text import load_yaml
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import ConfigError

# after ansible-core's parsing/splitter.py
TOKEN = re.compile(r"\\.|\{\{|\}\}|\{%|%\}|\{#|#\}|[ \n]|[^\\{}%# \n'\"]+|.", re.DOTALL)
OPENING, CLOSING, QUOTES = ("{{", "{%", "{#"), ("}}", "%}", "#}"), ("'", '"')
ESCAPE = re.compile(r"\\U[a-fA-F0-9]{8}|\\u[a-fA-F0-9]{4}|\\x[a-fA-F0-9]{2}|\\[\\'\"abfnrtv]")
ASSIGNMENT = re.compile(r"(.(?:.*?[^\\])??)=(.*)", re.DOTALL)  # the first `=` without a backslash before it


def parse_extra_vars(given: Iterable[str], vault: Keyring = NO_KEYS) -> Mapping[str, Any]:
    """The variables of all `-e`, later ones winning.

    `k=v k2=v2` gives strings, with escapes such as \\n decoded; `{…}` is JSON or YAML with its types, `@file` a YAML or
    JSON file, which may be encrypted. Raises ConfigError.
    """
    found: dict[str, Any] = {}
    for text in given:
        found.update(_parse(text.strip(), vault))
    return found


def _parse(text: str, vault: Keyring) -> Mapping[str, Any]:
    if text.startswith("@"):
        return _mapping(load_yaml(Path(text[1:]).expanduser(), vault=vault), text)
    if text.startswith("{"):
        return _mapping(load_yaml("-e", text), text)
    if text.startswith(("/", "./", "../")):
        raise ConfigError(f"-e {text}: a file is named with an @ before it", hint=f"-e @{text}")
    words = list(_words(text))
    pairs = [ASSIGNMENT.fullmatch(_unescaped(word)) for word in words]
    for number, pair in enumerate(pairs, 1):
        if pair is None:  # named by its place: it may be a piece of a secret
            raise ConfigError(
                f"-e: word {number} of {len(words)} is no KEY=VALUE",
                hint="-e key=value, -e '{\"key\": 1}' or -e @file.yml; put values with spaces into quotes",
            )
    return {pair[1].strip(): _unquoted(pair[2].strip()) for pair in pairs if pair}


def _words(text: str) -> Iterator[str]:
    """The text cut at spaces and line ends that are in no quotes and in no `{{ template }}`; quotes stay."""
    word, quote, depth = "", "", 0
    for token in TOKEN.findall(text):
        if token.isspace() and not quote and not depth:
            yield from (word,) if word else ()
            word = ""
            continue
        word += token
        if token in QUOTES and quote in ("", token):
            quote = "" if quote else token
        depth += (token in OPENING) - (token in CLOSING and depth > 0)
    if quote or depth:
        raise ConfigError("-e: no closing quotation" if quote else "-e: no closing }}", hint="close it")
    yield from (word,) if word else ()


def _unescaped(word: str) -> str:
    try:
        return ESCAPE.sub(lambda found: codecs.decode(found[0], "unicode-escape"), word)
    except ValueError:
        raise ConfigError("-e: an escape such as \\U is no character", hint="write the character itself") from None


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in QUOTES and value[-2] != "\\"
    return value[1:-1] if is_quoted else value


def _mapping(value: Any, text: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        where = text if text.startswith("@") else "{…}"
        raise ConfigError(f"-e {where} must hold a mapping of names to values", hint="-e '{\"key\": 1}'")
    return value
