"""Waiting for a host: the connection is made anew until it answers, or is another boot than before."""

from __future__ import annotations

import time
from threading import Event as Flag

from deployer.errors import CommandError, CommandTimeoutError, DeployerError, HostKeyError
from deployer.model.action import Reconnect
from deployer.protocols import Remote


def reconnect(remote: Remote, action: Reconnect, *, become: str | None, stop: Flag) -> str:
    """Let the connection go and make it anew until the host answers as it must; its answer.

    Raises CommandError when the time is over or `stop` is set, HostKeyError for a host that shows another key.
    """
    deadline = time.monotonic() + action.timeout
    stop.wait(action.delay)
    why = "it was not asked"
    while time.monotonic() < deadline and not stop.is_set():
        try:
            return _asked(remote, action, become, left=deadline - time.monotonic())
        except HostKeyError:
            raise
        except DeployerError as error:
            why = error.message
        stop.wait(action.sleep)
    after = "interrupted" if stop.is_set() else f"not within {action.timeout:g} s"
    raise CommandError(f"{action.title}: {after}: {why}", status=None, host=remote.name)


def _asked(remote: Remote, action: Reconnect, become: str | None, *, left: float) -> str:
    """One try; whatever keeps the host from answering is raised."""
    remote.renew()
    remote.connect(patience=action.connect_timeout)
    result = remote.run(action.asks or ":", become=become, timeout=max(1.0, min(left, 60.0)))
    answer = result.stdout.strip()
    if result.status is None:
        raise CommandTimeoutError("the host ended the connection")
    if result.status != 0:
        raise CommandError(result.stderr.strip() or f"status {result.status}", status=result.status)
    if answer == action.unlike:
        raise CommandError("it has not been restarted yet", status=None)
    return answer
