"""Which tasks run for `--tags` and `--skip-tags`, as in Ansible."""

from __future__ import annotations


def is_selected(own: frozenset[str], wanted: frozenset[str], skipped: frozenset[str]) -> bool:
    """True if a task with these tags runs: `always` unless it is skipped, `never` only if it is named."""
    if _names(own, skipped) or ("all" in skipped and "always" not in own):
        return False
    if "always" in own:
        return True
    if "never" in own:
        return bool(own & wanted)
    return not wanted or "all" in wanted or _names(own, wanted)


def _names(own: frozenset[str], named: frozenset[str]) -> bool:
    return bool(own & named) or ("tagged" in named and bool(own)) or ("untagged" in named and not own)
