"""Findings of several inventories and playbooks as one list: each thing once, in the order of files and lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace

from deployer.errors import NOWHERE, Place
from deployer.model.finding import Finding, Severity


def gathered(findings: Iterable[Finding], *, inventories: int, secret: Callable[[str], str]) -> list[Finding]:
    """The findings, those that say the same of one place as one; `secret` takes out of a text what nobody may see.

    A play that matches no host of one inventory is meant for another one: it is found only if it matches none of any.
    """
    found: dict[object, Finding] = {}
    for finding in findings:
        one = replace(finding, place=_near(finding.place))
        known = found.setdefault((one.place, one.message), one)
        severity: Severity = "error" if "error" in (known.severity, one.severity) else "warning"
        where = tuple(dict.fromkeys((*known.where, *one.where)))
        found[one.place, one.message] = replace(known, where=where, severity=severity)
    meant = (one for one in found.values() if one.rule != "no-hosts" or len(one.where) == inventories)
    hushed = (replace(one, message=secret(one.message), hint=one.hint and secret(one.hint)) for one in meant)
    return sorted(hushed, key=lambda one: (one.place.path, one.place.line, one.place.column, one.rule, one.message))


def _near(place: Place) -> Place:
    """The place with its path from here, if the file is below."""
    path = os.path.relpath(place.path) if os.path.isabs(place.path) else os.path.normpath(place.path)
    return place if place == NOWHERE or path.startswith("..") else replace(place, path=path)
