"""The figures of chaos: a line for each case, kept in docs/reliability.md where all of them were run."""

from __future__ import annotations

import os
import threading
from pathlib import Path

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
            after = rest.partition(END)[2]
            PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")

    def render(self) -> str:
        head = [
            "| case | what happened | in the end | whole again after | requests failed |",
            "|---|---|---|---:|---:|",
        ]
        rows = [f"| {story} {number} | {' | '.join(cells)} |" for (story, number), cells in sorted(self._rows.items())]
        return "\n".join([*head, *rows])


TABLE = Table()
