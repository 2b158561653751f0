"""What is being rendered: the variables it sees and the folders that it finds files in, for lookups and includes.

Each thread has its own; a rendering inside another one sees its own and gives back to the outer one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.config.scope import Scope


@dataclass(frozen=True, slots=True)
class Rendering:
    """One rendering; `beside` are a template file's own folders, and empty if it is no file that is rendered."""

    scope: Scope
    beside: tuple[Path, ...]
    outer: Rendering | None

    @property
    def folder(self) -> Path:
        """The playbook's folder, which relative names start from."""
        folder = self.scope.variables.get("playbook_dir")
        return Path(folder) if isinstance(folder, str) else Path()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where `include` and `import` look: beside the innermost template file, else beside the playbook."""
        return self.beside or (self.outer.folders if self.outer else (self.folder,))

    @property
    def is_file(self) -> bool:
        return bool(self.beside)


_CURRENT: ContextVar[Rendering | None] = ContextVar("rendering", default=None)


def current() -> Rendering:
    """The innermost rendering; LookupError outside of any."""
    found = _CURRENT.get()
    if found is None:
        raise LookupError("nothing is being rendered")
    return found


@contextmanager
def rendering(scope: Scope, beside: tuple[Path, ...] = ()) -> Iterator[None]:
    """A rendering inside the one around it; `beside` are the folders of the template file that it is of."""
    token = _CURRENT.set(Rendering(scope, beside, _CURRENT.get()))
    try:
        yield
    finally:
        _CURRENT.reset(token)
