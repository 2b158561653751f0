"""Traces that the deployer leaves on a host whether it wants to or not: log-ins, sudo, bytes on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from host_state import ask

from deployer.engine.transaction import BEATS
from deployer.lab.host import LabHost

FIRST_BEAT = 60 / BEATS  # seconds of a run, with a lease of the usual length: renewals have a session of their own

_COUNT = "journalctl --no-pager --quiet --boot --output cat {match} | grep -cF -- {text} || true"


@dataclass(frozen=True)
class Traces:
    """Counts on one host since it was booted."""

    logins: int
    sudos: int
    received: int  # bytes on its network card

    def __sub__(self, before: Traces) -> Traces:
        return Traces(self.logins - before.logins, self.sudos - before.sudos, self.received - before.received)


def traces(host: LabHost) -> Traces:
    """What sshd, sudo and the kernel of a host have counted so far."""
    return Traces(
        logins=_count(host, "_COMM=sshd-session _COMM=sshd", "'Accepted publickey'"),
        sudos=_count(host, "_COMM=sudo", "'COMMAND='"),
        received=int(ask(host, "cat /sys/class/net/eth0/statistics/rx_bytes")),
    )


def traces_of(hosts: Iterable[LabHost]) -> dict[str, Traces]:
    return {host.name: traces(host) for host in hosts}


def _count(host: LabHost, match: str, text: str) -> int:
    return int(ask(host, _COUNT.format(match=match, text=text)))
