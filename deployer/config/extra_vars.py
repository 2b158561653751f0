"""`-e`: variables from the command line, as Ansible reads them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deployer.config.text import load_yaml
from deployer.config.vault_keys import NO_KEYS, Keyring
from deployer.errors import ConfigError


def parse_extra_vars(given: Iterable[str], vault: Keyring = NO_KEYS) -> Mapping[str, Any]:
    """The variables of all `-e`, later ones winning.

    `k=v k2=v2` gives strings, `{…}` is JSON or YAML with its types, `@file` a YAML or JSON file,
    which may be encrypted. Raises ConfigError.
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
    try:
        pairs = [word.partition("=") for word in shlex.split(text)]
    except ValueError as wrong:
        raise ConfigError(f"-e: {str(wrong).lower()}", hint="close the quote") from None
    for number, (name, equals, _) in enumerate(pairs, 1):
        if not (name and equals):  # named by its place: it may be a piece of a secret
            raise ConfigError(
                f"-e: word {number} of {len(pairs)} is no KEY=VALUE",
                hint="-e key=value, -e '{\"key\": 1}' or -e @file.yml; put values with spaces into quotes",
            )
    return {name: value for name, _, value in pairs}


def _mapping(value: Any, text: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        where = text if text.startswith("@") else "{…}"
        raise ConfigError(f"-e {where} must hold a mapping of names to values", hint="-e '{\"key\": 1}'")
    return value
