"""The figures of chaos: a line for each case, kept in docs/reliability.md; of cases not run again, the one before."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ALL = os.environ.get("CHAOS") == "all"
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: make test-chaos -->", "<!-- end of figures -->"


class Table:
    """Cases with what came of them; written once, at the end of a run of all of them."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def add(self, story: str, number: int, *cells: str) -> None:
        with self._lock:
            self._rows[story, number] = cells

    def write(self) -> None:
        if not self._rows:
            return
        text = self.render()
        print(f"\n{text}")
        if ALL and PAGE.exists():
            before, _, rest = PAGE.read_text().partition(BEGIN)
            old, _, after = rest.partition(END)
            PAGE.write_text(f"{before}{BEGIN}\n{self.render(read(old))}\n{END}{after}")

    def render(self, before: Mapping[tuple[str, int], tuple[str, ...]] = MappingProxyType({})) -> str:
        head = [
            "| case | what happened | in the end | whole again after | requests failed |",
            "|---|---|---|---:|---:|",
        ]
        rows = [
            f"| {story} {number} | {' | '.join(cells)} |"
            for (story, number), cells in sorted({**before, **self._rows}.items())
        ]
        return "\n".join([*head, *rows])


def read(text: str) -> dict[tuple[str, int], tuple[str, ...]]:
    """The rows of a table that was rendered before."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        story, _, number = cells[0].rpartition(" ")
        if line.startswith("| ") and number.lstrip("-").isdigit():
            found[story, int(number)] = tuple(cells[1:])
    return found


TABLE = Table()
