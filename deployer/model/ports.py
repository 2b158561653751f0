"""Ports of a host as nouns: who has which. Whether two of them clash is `rollout.ports`' decision."""

from __future__ import annotations

from deployer.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A port that something on the host listens on."""

    address: str  # empty or `*`: all
    number: int
    protocol: str  # tcp, udp
    by: str  # who has it, as a person reads it: "nginx (pid 812)"
