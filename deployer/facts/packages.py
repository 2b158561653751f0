"""Which packages a host has, and which it could have. Docker's own are asked for elsewhere."""

from __future__ import annotations

import shlex
from dataclasses import field
from typing import ClassVar

from deployer.frozen import dataclass

# apt-cache reads all its lists each time that it is asked: it is asked once.
_APT = """\
echo apt
policy=$(apt-cache policy {names} 2>/dev/null)
for p in {names}; do
  v=$(dpkg-query -W -f '${{db:Status-Status}} ${{Version}}\\n' "$p" 2>/dev/null | sed -n 's/^installed //p' | head -n 1)
  echo "$v"
  printf '%s\\n' "$policy" | sed -n "/^$p:\\$/,/^  Candidate/s/^  Candidate: //p" | head -n 1 | grep . || echo
done"""
_RPM = """\
for p in {names}; do
  rpm -q --qf '%{{VERSION}}-%{{RELEASE}}\\n' "$p" 2>/dev/null | grep -v ' ' | head -n 1 | grep . || echo
  echo
done"""
_APK = """\
echo apk
for p in {names}; do apk info -e "$p" 2>/dev/null | head -n 1 | grep . || echo; echo; done"""


@dataclass(frozen=True, kw_only=True)
class PackagesSeen:
    """The host's package manager, and packages by name."""

    manager: str = ""  # apt, dnf, yum, apk; empty: none that is known
    installed: dict[str, str] = field(default_factory=dict)  # name -> version
    candidates: dict[str, str] = field(default_factory=dict)  # name -> the version that apt would install


@dataclass(frozen=True)
class Packages:
    """The packages of these names; always an answer."""

    constant: ClassVar[bool] = False

    names: tuple[str, ...]

    def script(self) -> str:
        names = shlex.join(self.names)
        rpm = _RPM.format(names=names)
        return (
            f"if command -v apt-get >/dev/null; then\n{_APT.format(names=names)}\n"
            f"elif command -v dnf >/dev/null; then\necho dnf\n{rpm}\n"
            f"elif command -v yum >/dev/null; then\necho yum\n{rpm}\n"
            f"elif command -v apk >/dev/null; then\n{_APK.format(names=names)}\nfi"
        )

    def parse(self, output: str, status: int) -> PackagesSeen:
        manager, *lines = output.split("\n")
        pairs = dict(zip(self.names, zip(lines[::2], lines[1::2], strict=False), strict=False))
        return PackagesSeen(
            manager=manager,
            installed={name: version for name, (version, _) in pairs.items() if version},
            candidates={name: one for name, (_, one) in pairs.items() if one not in ("", "(none)")},
        )


@dataclass(frozen=True)
class AptCacheAge:
    """How many seconds ago the lists of packages were renewed; None if that cannot be told, or there are none."""

    constant: ClassVar[bool] = False

    def script(self) -> str:
        return (
            "set -- /var/lib/apt/lists/*_*\n"
            '[ -e "$1" ] || exit 1\n'
            "for f in /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists; do\n"
            '  if [ -e "$f" ]; then echo $(($(date +%s) - $(stat -c %Y "$f"))); exit; fi\ndone\nexit 1'
        )

    def parse(self, output: str, status: int) -> int | None:
        return int(output) if status == 0 else None
