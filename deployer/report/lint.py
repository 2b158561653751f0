"""What linting has found, for people as other linters write it, and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from deployer.errors import NOWHERE
from deployer.model.finding import Finding


def render_findings(findings: Sequence[Finding]) -> Iterator[str]:
    """`file:line:column: rule message`, and the hint below; a warning says that it is one."""
    for one in findings:
        where = "" if one.place == NOWHERE else f"{one.place}: "
        warning = "warning: " if one.severity == "warning" else ""
        yield f"{where}{one.rule} {warning}{one.words}"
        if one.hint:
            yield f"  hint: {one.hint}"


def render_count(findings: Sequence[Finding], inventories: int, playbooks: int) -> str:
    """The closing line: how much was found, in how much that was read."""
    errors = sum(one.severity == "error" for one in findings)
    warnings = len(findings) - errors
    words = [_count(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    read = f"{_count(inventories, 'inventory')} and {_count(playbooks, 'playbook')}"
    return f"{' and '.join(words) or 'nothing wrong'} in {read}"


def render_json(findings: Sequence[Finding]) -> str:
    """A list with an object for each finding; line and column are null where they are not known."""
    return json.dumps(
        [
            {
                "file": None if one.place == NOWHERE else one.place.path,
                "line": one.place.line or None,
                "column": one.place.column or None,
                "severity": one.severity,
                "rule": one.rule,
                "message": one.words,
                "hint": one.hint,
            }
            for one in findings
        ],
        indent=2,
        ensure_ascii=False,
    )


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
