"""A service of a host, as its init knows it: systemd, OpenRC or scripts in /etc/init.d."""

from __future__ import annotations

import shlex
from typing import ClassVar

from deployer.frozen import dataclass

_SCRIPT = """\
if [ -d /run/systemd/system ]; then
  echo systemd
  systemctl show --property=LoadState --property=ActiveState --property=UnitFileState -- "$s"
  echo "enabled=$(systemctl is-enabled -- "$s" 2>/dev/null)"
elif command -v rc-service >/dev/null; then
  echo openrc
  rc-service --exists "$s" && echo LoadState=loaded
  rc-service "$s" status >/dev/null && echo ActiveState=active
  rc-update show 2>/dev/null | grep -q "^ *$s |" && echo enabled=enabled
else
  echo sysvinit
  [ -x "/etc/init.d/$s" ] && echo LoadState=loaded
  [ -x "/etc/init.d/$s" ] && "/etc/init.d/$s" status >/dev/null && echo ActiveState=active
  ls /etc/rc[2345].d/S[0-9][0-9]"$s" >/dev/null && echo enabled=enabled
fi
true"""


@dataclass(frozen=True, kw_only=True)
class ServiceSeen:
    """One service."""

    init: str  # systemd, openrc, sysvinit
    load: str = ""  # loaded, not-found, masked …; empty: there is none of this name
    active: str = ""  # active, inactive, failed …
    enabled: str = ""  # enabled, disabled, static, alias …; empty: not

    @property
    def exists(self) -> bool:
        return self.load in ("loaded", "masked")

    @property
    def runs(self) -> bool:
        return self.active in ("active", "activating", "reloading")

    @property
    def at_boot(self) -> bool:
        return self.enabled in ("enabled", "enabled-runtime", "alias", "generated", "indirect", "static")


@dataclass(frozen=True)
class Service:
    """The service of a name; always an answer."""

    constant: ClassVar[bool] = False

    name: str

    def script(self) -> str:
        return f"s={shlex.quote(self.name)}\n{_SCRIPT}"

    def parse(self, output: str, status: int) -> ServiceSeen:
        init, *lines = output.splitlines() or [""]
        said = dict(line.split("=", 1) for line in lines if "=" in line)
        return ServiceSeen(
            init=init, load=said.get("LoadState", ""), active=said.get("ActiveState", ""),
            enabled=said.get("enabled", ""),
        )  # fmt: skip
