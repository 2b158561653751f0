"""The vault passwords of a run and what they open. Where passwords come from is `vault_passwords`' business.

What was decrypted is told to whoever keeps secrets out of the output.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from deployer.config.secret_values import named_secrets
from deployer.config.vault import DEFAULT, Envelope, decrypt, is_encrypted, read_envelope
from deployer.errors import ConfigError, ConfigGroupError, Place, VaultError
from deployer.frozen import dataclass
from deployer.model.encrypted import Encrypted

Hear = Callable[..., None]  # takes secrets

KEPT_OUT = 16_384  # bytes of a decrypted file whose lines are looked for in all output
BRACES = re.compile(r"\{\{(.*?)\}\}|\{%(.*?)%\}|\{#.*?#\}", re.DOTALL)
QUOTED = re.compile(r"'([^']{8,})'|\"([^\"]{8,})\"")  # inside of an expression; shorter ones are mostly words


@dataclass(frozen=True)
class Key:
    """A vault password and its id."""

    label: str
    password: bytes = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """What a password has opened, and which one it was; `label` is the id that was written on it."""

    content: bytes = field(repr=False)
    key: Key
    label: str


class Keyring:
    """The vault passwords that were given, in order; may be used by several threads."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self.keys = tuple(keys)
        self.files: set[str] = set()  # paths that were found encrypted
        self._texts: dict[str, str] = {}
        self._secrets: dict[str, None] = {}
        self._hearers: list[Hear] = []
        self._lock = threading.Lock()

    def open(self, data: bytes, place: Place) -> Opened:
        """Decrypt with the password of that id, else with any; raises VaultError if none is the one."""
        envelope = read_envelope(data, place)
        if not self.keys:
            raise _no_key(envelope, place)
        for key in sorted(self.keys, key=lambda one: one.label != envelope.label):
            content = decrypt(envelope, key.password)
            if content is not None:
                return Opened(content, key, envelope.label)
        raise self._wrong(envelope, place)

    def file(self, data: bytes, path: str) -> bytes:
        """The content of an encrypted file; whoever makes values of it tells which with `keep_out`."""
        content = self.open(data, Place(path, 1)).content
        self.files.add(path)
        return content

    def content(self, data: bytes, path: str) -> bytes:
        """A file's content, opened if it is encrypted, and then a secret from now on; raises VaultError.

        Of a file above KEPT_OUT bytes whoever uses it must show nothing.
        """
        if not is_encrypted(data):
            return data
        found = self.file(data, path)
        if len(found) <= KEPT_OUT:
            text = found.decode("utf-8", "surrogateescape")
            self._tell((text, *pieces(text)))  # it may be a template, or text that only looks like one
        return found

    def text(self, encrypted: Encrypted) -> str:
        """The text of a `!vault` value, a secret from now on."""
        found = self._texts.get(encrypted.text)
        if found is None:
            content = self.open(encrypted.text.encode("utf-8", "surrogateescape"), encrypted.place).content
            found = content.decode("utf-8", "surrogateescape")
            self._texts[encrypted.text] = found
            self._tell([found])
        return found

    @contextmanager
    def discreet(self) -> Iterator[None]:
        """An error about the text of an encrypted file names the place, and nothing that stands there."""
        try:
            yield
        except ConfigGroupError as several:
            raise ConfigGroupError(map(self.hushed, several.errors)) from None
        except ConfigError as wrong:
            raise self.hushed(wrong) from None

    def hushed(self, wrong: ConfigError) -> ConfigError:
        """The error, or one in its place that shows nothing of an encrypted file."""
        if isinstance(wrong, VaultError) or wrong.place is None or wrong.place.path not in self.files:
            return wrong
        return type(wrong)(
            "what is encrypted here cannot be read once it is decrypted; it may be a secret, and is not shown",
            place=wrong.place,
            hint=f"`deploy vault edit {wrong.place.path}` shows it",
        )

    def keep_out(self, value: Any) -> None:
        """Every value in this one is a secret from now on; templates are, as far as they are written out."""
        self._tell(pieces(value))

    def keep_out_named(self, value: Any, name: str = "") -> None:
        """What is a secret in this value by its name is one from now on, also if it was not encrypted."""
        self._tell(named_secrets(value, name))

    def keep_out_of(self, variables: Mapping[str, Any], place_of: Callable[[Any, Any], Place]) -> None:
        """The variables that stand in an encrypted file are secrets from now on."""
        if self.files:
            self._tell(
                piece
                for name, value in variables.items()
                if place_of(variables, name).path in self.files
                for piece in pieces(value)
            )

    def tell(self, hear: Hear) -> None:
        """Tell every secret that was decrypted so far, and every later one when it is."""
        with self._lock:
            self._hearers.append(hear)
            hear(*self._secrets)

    def _tell(self, secrets: Iterable[str]) -> None:
        with self._lock:
            new = [one for one in dict.fromkeys(secrets) if one not in self._secrets]
            self._secrets.update(dict.fromkeys(new))
            for hear in self._hearers if new else ():
                hear(*new)

    def _wrong(self, envelope: Envelope, place: Place) -> VaultError:
        given = ", ".join(dict.fromkeys(f"'{key.label}'" for key in self.keys))
        message = f"no vault password that was given opens it (its id is '{envelope.label}', given: {given})"
        option = "--vault-password-file" if envelope.label == DEFAULT else f"--vault-id {envelope.label}@…"
        return VaultError(message, place=place, hint=f"check {option}; if the password is right, the text is damaged")


NO_KEYS = Keyring()


def pieces(value: Any) -> Iterator[str]:
    """The texts and numbers in a value; of a template what is written out in it."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from pieces(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from pieces(one)
    elif isinstance(value, str):
        yield from _written_out(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _written_out(text: str) -> Iterator[str]:
    at = 0
    for tag in BRACES.finditer(text):
        yield text[at : tag.start()]
        for quoted in QUOTED.finditer(tag[1] or tag[2] or ""):
            yield quoted[1] or quoted[2]
        at = tag.end()
    yield text[at:]


def _no_key(envelope: Envelope, place: Place) -> VaultError:
    if envelope.label == DEFAULT:
        how = "give it with --vault-password-file FILE, or let it be asked for with --ask-vault-pass"
    else:
        how = f"give it with --vault-id {envelope.label}@FILE, or ask for a question with {envelope.label}@prompt"
    return VaultError("encrypted, and no vault password was given", place=place, hint=how)
