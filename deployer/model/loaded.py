"""A file of this machine that a task brings to hosts."""

from __future__ import annotations

from dataclasses import field

from deployer.frozen import dataclass


@dataclass(frozen=True)
class Loaded:
    """One path of a folder: a file, or a folder in it."""

    path: str  # relative to the folder
    content: bytes | None = field(repr=False)  # None: it is a folder
    mode: int  # permission bits
