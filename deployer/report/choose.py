"""Which reporter a run gets, from its options and streams."""

from __future__ import annotations

import os
from typing import TextIO

from deployer.protocols import Reporter
from deployer.report.json_lines import JsonReporter
from deployer.report.plain import PlainReporter


def reporter_for(*, json: bool, verbosity: int, stdout: TextIO, stderr: TextIO) -> Reporter:
    """JSON lines if asked for; a live view if stderr is a terminal that can move its cursor; else plain lines."""
    if json:
        return JsonReporter(stdout)
    if not stderr.isatty() or os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return PlainReporter(stderr, stdout, verbosity=verbosity)
    from deployer.report.live import LiveReporter

    return LiveReporter(stderr, stdout, verbosity=verbosity)
