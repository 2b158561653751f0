"""Why a release could not be brought to a host: the statuses of the host's script, and the words for each."""

from __future__ import annotations

from collections.abc import Iterable

from deployer.errors import TransferError
from deployer.model.action import Sync
from deployer.model.connection import Result
from deployer.rollout.space import told_size

SPOILED = 65  # the host's status when files are not what the manifest says
EXISTS = 66  # … and when the release is there already
FULL = 67  # … and when there is no room for it
PLENTY = 10**9  # kilobytes or inodes, where a file system does not count them


def some(paths: Iterable[str], limit: int = 3) -> str:
    known = sorted(repr(path)[1:-1] for path in paths)
    return ", ".join(known[:limit]) + (f" and {len(known) - limit} more" if len(known) > limit else "")


def _no_room(action: Sync, told: str) -> str:
    kilobytes, inodes = map(int, told.split())
    left = f"{told_size(kilobytes * 1024)} and {'enough' if inodes == PLENTY else inodes} inodes are left"
    return f"no space for it: {left} in {action.release.root}/releases, and its new files need more"


def failure(host: str, action: Sync, result: Result) -> TransferError:
    release = action.release
    if result.status == EXISTS:
        found, hint = "it is there already, with other content", "run again: a new run makes a new release"
    elif result.status == FULL:
        found, hint = (
            _no_room(action, result.stdout),
            f"on the host: df -h {release.root}; df -i {release.root}; make room",
        )
    elif result.status == SPOILED:
        wrong = [line.rpartition(": FAILED")[0] for line in result.stdout.splitlines()]
        found, hint = f"files did not arrive as they were sent: {some(wrong)}", "check the host's disk and run again"
    else:
        lines = [line for line in result.stderr.splitlines() if "time stamp" not in line]
        found = "; ".join(lines[-3:]) or f"the host's script ended with status {result.status}"
        hint = f"on the host: df -h {release.root}; then run again"
    return TransferError(f"release {release.id} could not be brought: {found}", host=host, hint=hint)
