"""Which files of this machine `include_vars` is to read."""

from __future__ import annotations

from deployer.frozen import dataclass

EXTENSIONS = ("yaml", "yml", "json")


@dataclass(frozen=True, kw_only=True)
class VarsSource:
    """One file, or the files of a folder and below, in the order of their names."""

    file: str | None = None
    folder: str | None = None
    depth: int = 0  # levels of the folder; 1: its own files alone, 0: all
    matching: str | None = None  # regular expression that a file's name must hold
    ignored: tuple[str, ...] = ()  # regular expressions; a name that ends with one is left out
    extensions: tuple[str, ...] = EXTENSIONS
    ignores_others: bool = False  # pass over files of other extensions, instead of refusing them
