"""What a stream prints that cannot print a sign: the next best one of ASCII, or its escape. Never an error."""

from __future__ import annotations

import codecs

PLAINER = "plainer"  # the name of the error handler, for `encode` and for streams
ASCII = "plain-ascii"
INSTEAD = {
    "…": "...", "→": "->", "←": "<-", "—": "-", "–": "-", "·": "-", "•": "*", "×": "x", "✓": "+", "✗": "x", "≤": "<=",
    "≥": ">=", "“": '"', "”": '"', "„": '"', "«": "<<", "»": ">>", "’": "'", "‘": "'", "\u00a0": " ",
    "│": "|", "─": "-", "━": "-", "├": "|-", "└": "`-", "┌": "+", "┐": "+", "┘": "+", "┤": "|", "┼": "+",
}  # fmt: skip


def plainer(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs; raises what it cannot answer."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(INSTEAD.get(sign) or _escape(sign) for sign in signs), error.end


def _escape(sign: str) -> str:
    return sign.encode("ascii", "backslashreplace").decode("ascii")


def _ascii_of_ours(name: str) -> codecs.CodecInfo | None:
    """ASCII under another name: click takes a stream that says it is ASCII for a mistake, and writes UTF-8."""
    if name.replace("_", "-") != ASCII:
        return None
    real = codecs.lookup("ascii")
    return codecs.CodecInfo(
        real.encode, real.decode, name=ASCII,
        incrementalencoder=real.incrementalencoder, incrementaldecoder=real.incrementaldecoder,
    )  # fmt: skip


codecs.register_error(PLAINER, plainer)
codecs.register(_ascii_of_ours)
