"""The words that Ansible takes for true and false."""

from __future__ import annotations

TRUE = frozenset({"true", "yes", "on", "y", "t", "1"})
FALSE = frozenset({"false", "no", "off", "n", "f", "0"})


def truth(value: object) -> bool | None:
    """What a word means, in upper case or lower; None if it is neither true nor false."""
    word = str(value).lower()
    return word in TRUE if word in TRUE | FALSE else None
