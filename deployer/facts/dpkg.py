"""What a host's package manager is busy with, or has left unfinished."""

from __future__ import annotations

from typing import ClassVar

from deployer.frozen import dataclass

# Who holds apt's or dpkg's lock is in /proc/locks, by inode; that the process really has the file open is asked of it,
# for inodes of other file systems have the same numbers. dnf and yum write their process number into a file.
HOLDER = """\
holder() {
  stat -c '%i %n' /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock 2>/dev/null |
    while read -r i f; do
      while read -r _ kind _ _ p at _; do
        case $kind/$at in POSIX/*:"$i") ;; *) continue ;; esac
        ls -l "/proc/$p/fd" 2>/dev/null | grep -q " $f\\$" || continue
        echo "$(cat "/proc/$p/comm") (process $p)"
        return
      done </proc/locks
    done
  for f in /var/cache/dnf/*_lock.pid /var/lib/dnf/*_lock.pid /var/run/yum.pid; do
    [ -s "$f" ] || continue
    p=$(cat "$f")
    if [ -r "/proc/$p/comm" ]; then echo "$(cat "/proc/$p/comm") (process $p)"; fi
  done
}
cloud_init() { [ -e /run/cloud-init/enabled ] && [ ! -e /run/cloud-init/result.json ]; }
"""
_SCRIPT = f"""\
{HOLDER}if cloud_init; then echo yes; else echo; fi
holder | head -n 1 | grep . || echo
s=/var/lib/dpkg/status
[ -e "$s" ] || exit 0
for u in /var/lib/dpkg/updates/[0-9]*; do if [ -e "$u" ]; then echo dpkg; fi; done | head -n 1
states='^Status: [a-z]* [a-z]* \\(half-installed\\|unpacked\\|half-configured\\)$'
grep -q "$states" "$s" || exit 0
grep -e '^Package: ' -e "$states" "$s" | grep -B 1 '^Status' | sed -n 's/^Package: //p'
"""


@dataclass(frozen=True, kw_only=True)
class PackageWorkSeen:
    """What is under way, and what an interruption has left behind."""

    cloud_init: bool = False  # it is still setting the machine up
    holder: str = ""  # who holds the lock of apt, dpkg, dnf or yum: unattended-upgr (process 812)
    unfinished: tuple[str, ...] = ()  # packages that are neither installed nor not; `dpkg`: its own journal


@dataclass(frozen=True)
class PackageWork:
    """Whether packages can be installed now; always an answer."""

    constant: ClassVar[bool] = False

    def script(self) -> str:
        return _SCRIPT

    def parse(self, output: str, status: int) -> PackageWorkSeen:
        cloud_init, holder, *names = [*output.split("\n"), ""]
        return PackageWorkSeen(
            cloud_init=cloud_init == "yes", holder=holder, unfinished=tuple(name for name in names if name)
        )
