"""Hosts that tasks are delegated to: those of the run over their own connections, others once they are needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.engine.host import HostRun
from deployer.engine.ports import Session, Target
from deployer.errors import AuthError, ConnectError, HostKeyError, PlaybookError


@dataclass
class Delegates:
    """The hosts of a run, and those outside it that its tasks have named so far."""

    session: Session
    hosts: Mapping[str, HostRun]
    others: dict[str, Target] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)  # hosts of the run, of which something may have changed
    _finding: threading.Lock = field(default_factory=threading.Lock)

    def at(self, name: str) -> HostRun:
        """Notes of its own on a host, over its connection, for one task; raises PlaybookError or ConnectError."""
        with self._finding:
            target = self._target(name)
        try:
            target.remote.connect()
        except (AuthError, HostKeyError) as error:
            raise ConnectError(error.message, host=name, hint=error.hint) from error
        mine = self.hosts.get(name)
        return HostRun(target=target, guard=mine.guard if mine else None)

    def forget(self, hosts: Mapping[str, HostRun]) -> None:
        """Let the hosts that others have worked on be looked at anew."""
        for name in self.used & set(hosts):
            hosts[name].forget()
        self.used.clear()

    def close(self) -> None:
        """End the connections that only delegated tasks have needed."""
        for target in self.others.values():
            target.remote.close()

    def _target(self, name: str) -> Target:
        if name in self.hosts:
            self.used.add(name)
            return self.hosts[name].target
        if name not in self.others:
            if self.session.delegate is None:
                raise PlaybookError(f"delegate_to: {name} is no host of this run")
            self.others[name] = self.session.delegate(name)
        return self.others[name]
