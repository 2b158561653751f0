"""Text that is no template, whatever it holds."""

from __future__ import annotations

UNSAFE_IN_JSON = "__ansible_unsafe"  # the only key of the object that stands for one


class Literal(str):
    """What a host said, what a template gave, or what a file marks as `!unsafe`: never a template."""

    __slots__ = ()
