"""Secrets that a story plants wherever a project may have one; each has a core that no quoting changes.

`PLANTS` is by kind. Whoever adds a kind adds a line, and puts the value where such a secret stands.
"""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_NUMBERS = itertools.count(1)


@dataclass
class Plants:
    """Names to values; every value's cores are hexadecimal words that occur nowhere else."""

    run: str = field(default_factory=lambda: secrets.token_hex(3))
    values: dict[str, str] = field(default_factory=dict)
    cores: dict[str, str] = field(default_factory=dict)  # core -> the plant's name

    def core(self, name: str) -> str:
        found = f"c{next(_NUMBERS):03}{self.run}{secrets.token_hex(6)}"
        self.cores[found] = name
        return found

    def add(self, name: str, shape: str = "{}") -> str:
        """A new secret; each `{}` of its shape is a core."""
        value = shape.format(*(self.core(name) for _ in range(shape.count("{}"))))
        self.values[name] = value
        return value

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def found_in(self, text: str) -> list[str]:
        """The plants that a text shows in any form."""
        return sorted({self.cores[core] for core in self.cores if any(form in text for form in _forms(core))})

    def patterns(self) -> str:
        """The same forms, a line each, for `grep -F -f`."""
        return "".join(f"{form}\n" for core in self.cores for form in _forms(core))


def _forms(core: str) -> Iterator[str]:
    """The core itself, in hexadecimal, and inside of base64 wherever it begins."""
    yield core
    yield core.encode().hex()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + core.encode()).decode()
        yield encoded[(shift * 8 + 5) // 6 : (shift + len(core)) * 8 // 6]


SHAPES = {  # of values in deploy_secrets: what breaks quoting, patterns, encodings and lines
    "PLAIN": "{}",
    "QUOTES": 'it\'s "the" $key-{} \\ `of` #1; &|<>*?',
    "JSON": '{{"a": "{}\\n", \'b\': [1,2]}}',
    "REGEX": "^a+(b|c)*[{}]{{2}}.$\\d?",
    "FOREIGN": "pässwörd-{}-ключ-鍵",
    "SPACES": "  two  words {} ",
    "DOLLARS": "$$a${{b}}$c{}",
    "PERCENT": "100%/{}=+&?@:",
    "MARKUP": "<a href='{}'>&amp;</a>",
    "PEM": "-----BEGIN PRIVATE KEY-----\nMIIEvQ{}/+\nAASCBK{}==\n  {}\n-----END PRIVATE KEY-----\n",
    "LONG": "{}" * 8,
    "DATABASE_URL": "postgres://shop:{}@db:5432/shop?sslmode=disable",
    "BROKER_URL": "amqps://shop:p%40ss%2F{}@broker/vhost",
    "NPM_TOKEN": "npm-{}",  # for the build
}
PLANTS = {
    "inventory": ("db_password", "smtp.password", "accounts.token", "backup_api_key", "cache_url"),
    "login and sudo": ("ansible_password", "ansible_become_password"),
    "registries": ("registry", "env into a registry"),
    "vault": ("vault scalar", "vault file", "vaulted -e @file", "vaulted src of copy"),
    "environment": ("env into deploy_secrets", "env into a variable", "pipe"),
    "-e @file": ("-e @file", "nested in -e @file"),
    "deploy_env": ("API_TOKEN", "CACHE_URL"),
    "the project's own .env": ("DOTENV_PASSWORD",),
    "playbook": ("play vars", "task vars", "include_vars", "set_fact", "loop", "play environment", "task environment"),
    "modules": ("stdin", "url_password", "bearer", "uri URL", "git", "copy", "template", "lineinfile", "user"),
    "told by the host": ("no_log", "no_log in a loop", "json of a service"),
}
URLS = {"cache_url": "redis://:{}@cache:6379/0", "CACHE_URL": "redis://:{}@cache:6379/1"}


def planted() -> Plants:
    plants = Plants()
    for name, shape in SHAPES.items():
        plants.add(name, shape)
    for name in itertools.chain.from_iterable(PLANTS.values()):
        plants.add(name, URLS.get(name, "{}"))
    return plants


def lines(values: Iterable[str]) -> str:
    return "".join(f"{value}\n" for value in values)
