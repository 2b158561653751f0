"""Text and documents made wrong at random, always in the same way."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SEED = 20261126
BITS = (b"\x00", b"\xff", b"\n", b"[", b"]", b"{", b"}", b":", b"*a", b"&a ", b"<<: ", b"'", b'"', b"\t", b"#", b"=")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**70, 1.5, float("nan"), "", " ", "x", "{{ x }}", "{{", "{% if %}", "{{ x | nosuch }}",
    "{{ lookup('nosuch') }}", "a" * 300, "é\u202e", [], {}, [None], [[]], {"": 1}, {1: 2}, {None: None}, [{"name": []}],
)  # fmt: skip


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut out, repeated and put in, at a few places."""
    found = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(found) + 1)
        end = at + chance.randrange(12)
        match chance.randrange(4):
            case 0 if at < len(found):
                found[at] ^= 1 << chance.randrange(8)
            case 1:
                del found[at:end]
            case 2:
                found[at:at] = found[at:end] * chance.randrange(1, 4)
            case _:
                found[at:at] = chance.choice(BITS)
    return bytes(found)


def disfigured(value: Any, chance: random.Random, words: list[str]) -> Any:
    """A document, sound as YAML, in which a value, a key or an item is another, is missing, or is there twice."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        return _other_mapping(value, chance, words)
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        match chance.randrange(6):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return [*value, value[at]]
            case _:
                return [*value[:at], disfigured(value[at], chance, words), *value[at + 1 :]]
    return chance.choice(VALUES)


def _other_mapping(value: dict[Any, Any], chance: random.Random, words: list[str]) -> dict[Any, Any]:
    key = chance.choice(list(value))
    match chance.randrange(8):
        case 0:
            return {name: one for name, one in value.items() if name != key}
        case 1:
            return {**value, chance.choice(words): chance.choice(VALUES)}
        case 2:
            return {(chance.choice(words) if name == key else name): one for name, one in value.items()}
        case _:
            return {**value, key: disfigured(value[key], chance, words)}


@contextmanager
def soon_done(seconds: int = 20) -> Iterator[None]:
    """What is done inside fails if it hangs."""

    def hangs(*_: object) -> None:
        raise AssertionError(f"it has not come to an end after {seconds} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
