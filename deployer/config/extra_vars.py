"""`-e`: variables from the command line, as Ansible reads them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deployer.config.text import load_yaml
from deployer.errors import ConfigError


def parse_extra_vars(given: Iterable[str]) -> Mapping[str, Any]:
    """The variables of all `-e`, later ones winning.

    `k=v k2=v2` gives strings, `{…}` is JSON or YAML with its types, `@file` a YAML or JSON file. Raises ConfigError.
    """
    found: dict[str, Any] = {}
    for text in given:
        found.update(_parse(text.strip()))
    return found


def _parse(text: str) -> Mapping[str, Any]:
    if text.startswith("@"):
        return _mapping(load_yaml(Path(text[1:]).expanduser()), text)
    if text.startswith("{"):
        return _mapping(load_yaml("-e", text), text)
    try:
        pairs = [word.partition("=") for word in shlex.split(text)]
    except ValueError as wrong:
        raise ConfigError(f"-e {text!r}: {wrong}", hint="close the quote") from None
    if not all(equals and name for name, equals, _ in pairs):
        raise ConfigError(f"-e {text!r} is no KEY=VALUE", hint="-e key=value, -e '{\"key\": 1}' or -e @file.yml")
    return {name: value for name, _, value in pairs}


def _mapping(value: Any, text: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"-e {text!r} must hold a mapping of names to values")
    return value
