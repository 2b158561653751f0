"""What a linter has to say about one place in a file."""

from __future__ import annotations

from typing import Literal

from deployer.errors import NOWHERE, Place
from deployer.frozen import dataclass

Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong or odd; what it says never holds a secret."""

    rule: str  # a short name, such as `undefined-variable`
    message: str
    place: Place = NOWHERE
    severity: Severity = "error"
    hint: str | None = None
    where: tuple[str, ...] = ()  # on which hosts of which inventories, if it is not everywhere

    @property
    def words(self) -> str:
        """The whole message."""
        return f"{self.message} ({'; '.join(self.where)})" if self.where else self.message
