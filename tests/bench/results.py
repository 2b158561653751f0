"""The figures, kept as they come: a benchmark that was stopped goes on with the cases that it has not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.measuring import Sample
from bench.stats import Spread, spread

CHANGED = "+changes"  # ends the name of a commit that is not all that was measured


@dataclass
class Results:
    """All figures of one benchmark of one commit."""

    path: Path
    commit: str = ""
    complete: bool = False
    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    samples: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)  # case -> tool -> runs
    counts: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)  # case -> tool -> Cost
    extras: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0  # that all of it took

    @classmethod
    def load(cls, path: Path) -> Results:
        """Those that were saved."""
        return cls(path=path, **json.loads(path.read_text()))

    @classmethod
    def begin(cls, path: Path, commit: str, *, fresh: bool = False) -> Results:
        """Those of a benchmark of this commit that was stopped; else empty ones, as where files are not committed."""
        if not (fresh or commit.endswith(CHANGED)) and path.exists():
            found = cls.load(path)
            if found.commit == commit and not found.complete:
                return found
        return cls(path=path, commit=commit)

    def save(self) -> None:
        kept = {name: value for name, value in self.__dict__.items() if name != "path"}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(kept, indent=1))
        draft.replace(self.path)

    def keep(self, case: str, tool: str, samples: Sequence[Sample]) -> None:
        rows = [{"seconds": one.seconds, "cpu": one.cpu, "peak": one.peak} for one in samples]
        self.samples.setdefault(case, {})[tool] = rows

    def of(self, case: str, tool: str, what: str = "seconds") -> Spread | None:
        """The spread of a tool's runs of a case; None if there are none."""
        values = [row[what] for row in self.samples.get(case, {}).get(tool, []) if row[what] is not None]
        return spread(values) if values else None

    def median(self, case: str, tool: str, what: str = "seconds") -> float | None:
        found = self.of(case, tool, what)
        return found.median if found else None

    def count(self, case: str, tool: str, what: str) -> float | None:
        return self.counts.get(case, {}).get(tool, {}).get(what)
