"""The forms in which a secret shows up in output: quoted, escaped, encoded, line by line."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 3  # characters: shorter values would blot out ordinary text
WRAPPED = (76, 64)  # columns at which base64 and openssl break lines
SHORTEST_INNER = 8  # characters of a base64 form that is a part of a longer one

_SAFE = ("", "/", "!*'()", "!~*'()", "$&+,;=", "$&+,/:;=@")  # what URL encoders of other languages leave as it is
_LETTER = re.compile(r"\w", re.ASCII)
_LETTERS = 4  # in a secret that is looked for loosely
_QUOTES = r"""[\\'"]*"""
_ANY_QUOTE = r"""(?:[\\'"]|&#39;|&#x27;|&quot;|&#34;|\\+u002[27]|\\+u005[cC]|%2[27]|%5[cC])+"""
_PERCENT = re.compile("%[0-9A-F]{2}")
_GO = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&"})  # as Go writes JSON


def forms_of(secret: str) -> Iterator[str]:
    """The texts that a secret may be, none for one of less than three characters."""
    for part in _parts(secret):
        yield from _forms(part)


def loosely(secret: str) -> Iterator[str]:
    """Regular expressions for the secret quoted and escaped by one program after the other, however often."""
    for part in _parts(secret):
        letters = len(_LETTER.findall(part))
        if letters >= _LETTERS and letters < len(part):
            yield _QUOTES.join(_loose(piece) for piece in re.findall(r"[\\'\"]+|\w+|.|\n", part, re.ASCII))


def _loose(piece: str) -> str:
    """A regular expression for a word, a sign, or quotes and backslashes in a row."""
    if _LETTER.match(piece):
        return re.escape(piece)
    if piece[0] in "\\'\"":
        return _ANY_QUOTE
    escaped = json.dumps(piece)[1:-1]
    raw, units = piece.encode("utf-8", "surrogateescape"), piece.encode("utf-16-be", "surrogatepass").hex()
    forms = {re.escape(piece), re.escape(html.escape(piece)), re.escape(quote(raw))}
    forms.add("".join(rf"\\+u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)))
    forms.add("".join(rf"\\+x{byte:02x}" for byte in raw))
    if len(escaped) == 2:  # a letter for a control character
        forms.add(rf"\\+{escaped[1]}")
    return "(?:" + "|".join(sorted(forms)) + ")" + ("+" if piece == "$" else "")


def _parts(secret: str) -> Iterator[str]:
    """The whole value and each of its lines, as far as they are long enough: output comes line by line."""
    for part in (secret, secret.strip(), *(line.strip() for line in secret.splitlines())):
        if len(part.strip()) >= SHORTEST:
            yield part


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from _quoted(secret)
    yield repr(secret)[1:-1]
    for text in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield text
        yield json.dumps(text)[1:-1]  # JSON in JSON
        yield text.translate(_GO)
    raw = secret.encode("utf-8", "surrogateescape")
    for safe in _SAFE:
        encoded = quote(raw, safe=safe)
        yield from (encoded, _PERCENT.sub(lambda code: code[0].lower(), encoded))
    yield quote_plus(raw)
    yield from (html.escape(secret), html.escape(secret, quote=False), raw.hex(), raw.hex().upper())
    yield from _base64(raw)


def _quoted(secret: str) -> Iterator[str]:
    """As shells and compose files quote it; without the outer quotes."""
    yield secret.replace("'", "'\"'\"'")  # inside shlex.quote's quotes
    yield secret.replace("'", "'\\''")  # as bash prints what it runs
    yield re.sub(r'([$`"\\])', r"\\\1", secret)  # between double quotes
    yield re.sub(r"([^\w@%+=:,./\-])", r"\\\1", secret)  # word by word, as printf %q
    yield secret.replace("$", "$$")  # in a compose file


def _base64(raw: bytes) -> Iterator[str]:
    """Encoded alone, with a newline at its end, or somewhere inside of a longer text (`user:password`)."""
    for whole in (raw, raw + b"\n"):
        for encoded in (base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode()):
            yield from (encoded, encoded.rstrip("="))
            yield from (line for width in WRAPPED for line in _wrapped(encoded, width))
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw).decode()
        inner = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        if len(inner) >= SHORTEST_INNER:
            yield from (inner, inner.replace("+", "-").replace("/", "_"))


def _wrapped(encoded: str, width: int) -> Iterator[str]:
    """The lines of a longer text; a last one of few characters could be anything."""
    if len(encoded) > width:
        lines = (encoded[at : at + width] for at in range(0, len(encoded), width))
        yield from (line for line in lines if len(line) >= SHORTEST_INNER)
