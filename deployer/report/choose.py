"""Which reporter a run gets, from its options and streams."""

from __future__ import annotations

import os
from typing import TextIO

from deployer.protocols import Reporter
from deployer.report.ansible import AnsibleReporter
from deployer.report.json_lines import JsonReporter
from deployer.report.plain import PlainReporter
from deployer.report.stream import unread


def reporter_for(output: str | None, *, verbosity: int, stdout: TextIO, stderr: TextIO) -> Reporter:
    """The reporter of that name; without one, live if stderr is a terminal that can move its cursor, else plain."""
    match output or _fitting(stderr):
        case "json":
            return JsonReporter(stdout, gone=unread(stderr))
        case "ansible":
            return AnsibleReporter(stdout, stderr, verbosity=verbosity)
        case "plain":
            return PlainReporter(stderr, stdout, verbosity=verbosity)
        case _:
            from deployer.report.live import LiveReporter

            return LiveReporter(stderr, stdout, verbosity=verbosity)


def _fitting(stderr: TextIO) -> str:
    moves = stderr.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")
    return "live" if moves else "plain"
