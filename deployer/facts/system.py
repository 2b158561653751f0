"""What a host is: distribution, architecture, init. Docker and files are asked for elsewhere."""

from __future__ import annotations

from typing import ClassVar

from deployer.frozen import dataclass

_SCRIPT = """\
ID= ID_LIKE= VERSION_ID= VERSION_CODENAME=
for f in /etc/os-release /usr/lib/os-release; do
  if [ -r "$f" ]; then . "$f"; break; fi
done
printf '%s\\n' "${ID:-}" "${ID_LIKE:-}" "${VERSION_ID:-}" "${VERSION_CODENAME:-}"
uname -m
if [ -d /run/systemd/system ]; then echo systemd
elif [ -d /run/openrc ]; then echo openrc
elif [ "$(cat /proc/1/comm 2>/dev/null)" = init ] && [ -d /etc/init.d ]; then echo sysvinit
else cat /proc/1/comm 2>/dev/null || echo; fi
for p in apt-get dnf yum apk; do
  if command -v "$p" >/dev/null 2>&1; then echo "${p%-get}"; exit 0; fi
done
echo
"""


@dataclass(frozen=True, kw_only=True)
class OsSeen:
    """The operating system in /etc/os-release's words; a value that a host does not say is empty."""

    id: str = ""  # debian, ubuntu, …
    like: tuple[str, ...] = ()  # the distributions that it derives from, nearest first
    version: str = ""  # 13, 24.04; empty on a rolling one
    codename: str = ""  # trixie, noble
    arch: str = ""  # as `uname -m` says: x86_64, aarch64
    init: str = ""  # systemd, openrc, sysvinit; else the name of process 1: sh, …
    packages: str = ""  # apt, dnf, yum, apk; empty: packages come another way

    @property
    def name(self) -> str:
        """The distribution as a person reads it."""
        return " ".join(part for part in (self.id.capitalize(), self.version or self.codename) if part) or "this host"


@dataclass(frozen=True)
class Os:
    """The host's operating system; always an answer."""

    constant: ClassVar[bool] = True

    def script(self) -> str:
        return _SCRIPT

    def parse(self, output: str, status: int) -> OsSeen:
        lines = [line.strip() for line in output.split("\n")] + [""] * 7
        name, like, version, codename, arch, init, packages = lines[:7]
        return OsSeen(
            id=name.lower(), like=tuple(like.lower().split()), version=version, codename=codename, arch=arch,
            init=init, packages=packages,
        )  # fmt: skip


@dataclass(frozen=True)
class Boot:
    """What a host prints that is another after a restart: by default the kernel's boot id (proc(5)); empty: nothing."""

    command: str = "cat /proc/sys/kernel/random/boot_id"

    constant: ClassVar[bool] = False

    def script(self) -> str:
        return self.command

    def parse(self, output: str, status: int) -> str:
        return output.strip() if status == 0 else ""


@dataclass(frozen=True, kw_only=True)
class HostNameSeen:
    """What a host calls itself."""

    now: str = ""
    saved: str = ""  # in /etc/hostname, for the next start


@dataclass(frozen=True)
class HostName:
    """The host's name; always an answer."""

    constant: ClassVar[bool] = False

    def script(self) -> str:
        return "uname -n\ngrep -v '^#' /etc/hostname | head -n 1"

    def parse(self, output: str, status: int) -> HostNameSeen:
        now, saved, *_ = [*output.split("\n"), "", ""]
        return HostNameSeen(now=now.strip(), saved=saved.strip())
