"""The page's plots. Runs in the environment that has pygal, with the figures as JSON: see `draw`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.results import Results

COLOURS = ("#2a78d6", "#1baf7a", "#c98500", "#e34948")  # one for each tool; they stand out on white and on dark
GREY = "#808890"


@dataclass(frozen=True)
class Chart:
    """Bars for some cases, a colour for each tool."""

    name: str
    title: str
    cases: tuple[tuple[str, str], ...]  # case, label
    what: str = "seconds"
    unit: float = 1.0

    def is_drawn(self, results: Results) -> bool:
        """Whether there are figures for it."""
        return any(case in results.samples for case, _ in self.cases)


CHARTS = (
    Chart(
        "three-hosts", "Three hosts, seconds (less is better)",
        (("unchanged-3", "unchanged"), ("changed", "one changed file"), ("first-sync", "first sync"),
         ("large-file", "large file"), ("back", "roll back"), ("install", "install Docker")),
    ),
    Chart(
        "distance", "Unchanged, three hosts at a distance, seconds (less is better)",
        (("unchanged-3", "near"), ("unchanged-50ms", "50 ms"), ("unchanged-200ms", "200 ms")),
    ),
    Chart(
        "many-hosts", "Many hosts, seconds (less is better)",
        (("unchanged-32", "unchanged, 32"), ("status", "status, 32"), ("command-200", "a command, 200")),
    ),
    Chart(
        "memory", "Peak memory of the tool, MB (less is better)",
        (("command-3", "3 endpoints"), ("command-32", "32"), ("command-200", "200")), what="peak", unit=1e6,
    ),
)  # fmt: skip


def draw(results: Results, tools: dict[str, str], python: Path, folder: Path) -> None:
    """Write an SVG for each chart that has figures."""
    folder.mkdir(parents=True, exist_ok=True)
    data = [
        {
            "path": str(folder / f"{chart.name}.svg"),
            "title": chart.title,
            "labels": [label for _, label in chart.cases],
            "series": {
                title: [_figure(results, case, tool, chart) for case, _ in chart.cases] for tool, title in tools.items()
            },
        }
        for chart in CHARTS
        if chart.is_drawn(results)
    ]
    subprocess.run([str(python), __file__], input=json.dumps(data), text=True, check=True)


def _figure(results: Results, case: str, tool: str, chart: Chart) -> float | None:
    value = results.median(case, tool, chart.what)
    return None if value is None else round(value / chart.unit, 3)


def main() -> None:
    """Draw what stands on standard input."""
    import pygal
    from pygal.style import Style

    style = Style(
        background="transparent", plot_background="transparent", foreground=GREY, foreground_strong=GREY,
        foreground_subtle=GREY, guide_stroke_color=GREY, major_guide_stroke_color=GREY, colors=COLOURS,
        font_family="sans-serif", value_colors=(GREY,) * len(COLOURS), opacity="1", opacity_hover="0.8",
        value_font_size=11, label_font_size=13, title_font_size=17,
    )  # fmt: skip
    charts: list[dict[str, Any]] = json.load(sys.stdin)
    for one in charts:
        chart = pygal.Bar(
            style=style, js=[], width=900, height=420, title=one["title"], no_prefix=True, disable_xml_declaration=True,
            legend_at_bottom=True, legend_at_bottom_columns=4, show_y_guides=False, zero=0, include_x_axis=True,
            print_values=True, print_values_position="top", truncate_label=-1,
            value_formatter=lambda value: f"{value:.3g}",
        )  # fmt: skip
        chart.x_labels = one["labels"]
        for title, values in one["series"].items():
            chart.add(title, values)
        chart.render_to_file(one["path"])


if __name__ == "__main__":
    main()
