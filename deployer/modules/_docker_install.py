"""The shell that installs or upgrades Docker's packages, for each package manager. It never removes a package.

It waits for whoever holds the package manager's lock, as a fresh machine's first upgrade does, and says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from deployer.facts.dpkg import HOLDER, PackageWorkSeen
from deployer.facts.system import OsSeen
from deployer.model.action import Action, Script
from deployer.modules._docker_source import Chosen, source_file
from deployer.modules._refusals import HostRefusedError

LOCK_PATIENCE = 300  # seconds that another package manager, or cloud-init, may take
INSTALL_TIMEOUT = 2400.0  # seconds: two waits, and a slow mirror
ENV: Mapping[str, str] = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l", "LC_ALL": "C"}


def _wait(who: str) -> str:
    """Shell that waits as long as `who` prints anybody. A cloud-init that never ends keeps nobody from going on."""
    return f"""\
{HOLDER}left={LOCK_PATIENCE} said=
while who=$({who}) && [ -n "$who" ]; do
  [ "$who" = "$said" ] || echo "$who is at work on this host's packages; waiting for it"
  said=$who left=$((left - 1))
  if [ "$left" -le 0 ]; then
    echo "$who is still at work after {LOCK_PATIENCE} s" >&2
    [ "$who" = cloud-init ] && break
    exit 1
  fi
  sleep 1
done
"""


_HOLDER = "holder | head -n 1"
_WAIT = _wait(_HOLDER)
_WAIT_FOR_ALL = _wait(f"if cloud_init; then echo cloud-init; else {_HOLDER}; fi")

# DPkg::Lock::Timeout is about installing: apt-get update gives up at once if the lists are locked.
REFRESH = f"""\
refresh() {{
  left={LOCK_PATIENCE // 5}
  while :; do
    if out=$(apt-get -q "$@" update 2>&1); then return 0; fi
    case $out in *'Could not get lock'*) ;; *) printf '%s\\n' "$out" >&2; return 1 ;; esac
    left=$((left - 1))
    if [ "$left" -le 0 ]; then printf '%s\\n' "$out" >&2; return 1; fi
    echo 'another package manager is at work; waiting for it'
    sleep 5
  done
}}
"""
_APT = f"""\
{REFRESH}install() {{
  apt-get -q -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout={LOCK_PATIENCE} \\
    -o Dpkg::Options::=--force-confold install "$@"
}}
"""
_APK = f"apk add --wait {LOCK_PATIENCE} --no-progress"
_NO_APK = "{ echo 'Docker is in community: is that in /etc/apk/repositories?' >&2; exit 1; }"
_RESTART = """\
if pid=$(cat /var/run/docker.pid 2>/dev/null); then
  case $(readlink "/proc/$pid/exe") in *' (deleted)') {restart} ;; esac
fi
"""
FINISH = f"""\
dpkg --configure -a --force-confold || apt-get -q -y --no-remove -o DPkg::Lock::Timeout={LOCK_PATIENCE} \\
  -o Dpkg::Options::=--force-confold --fix-broken install
"""


def plan_readiness(work: PackageWorkSeen) -> Iterator[Action]:
    """Wait for whoever is at work on the host's packages; finish what an interruption has left behind."""
    who = "cloud-init" if work.cloud_init else work.holder
    if who:
        does = "is still setting this host up" if work.cloud_init else "holds the lock of the host's packages"
        yield Script(
            text=_WAIT_FOR_ALL, label=f"wait until {who.partition(' ')[0]} has ended", because=f"{who} {does}", env=ENV,
            changes=False,
        )  # fmt: skip
    elif work.unfinished:
        what = ", ".join(work.unfinished)
        yield Script(
            text=FINISH, label="dpkg --configure -a", because=f"an interrupted run has left unfinished: {what}",
            env=ENV, timeout=INSTALL_TIMEOUT,
        )  # fmt: skip


def plan_install(os: OsSeen, chosen: Chosen, reasons: Sequence[str], minima: Mapping[str, str]) -> Iterator[Script]:
    """Install what was chosen; raises HostRefusedError where no package manager is known."""
    if not os.packages:
        raise HostRefusedError(
            f"{reasons[0]}, and {os.name} has no package manager that is known here",
            hint="install it by hand: docs.docker.com/engine/install",
        )
    added = source_file(os) if chosen.add and not chosen.add.source else None
    yield Script(
        label=f"install {' '.join(chosen.packages)}", because="; ".join([*reasons, *filter(None, [chosen.why])]),
        env=ENV, text=install_script(os.packages, chosen.packages, minima, added=added), timeout=INSTALL_TIMEOUT,
    )  # fmt: skip


def install_script(
    manager: str, packages: Sequence[str], minima: Mapping[str, str], *, added: str | None = None
) -> str:
    """Shell that installs packages, and fails if what then answers is older than `minima` ("engine", "compose").

    `added` is a file with a source of packages that was written just before; where nothing in it can be believed, it
    is taken away again. Where Docker came from elsewhere and would have to be removed, the package manager refuses.
    """
    names = shlex.join(packages)
    if manager == "apt":
        return f"{_WAIT}{_APT}{_install_apt(names, added)}{_verify(minima)}"
    if manager == "apk":
        return f"{_APK} {names} || {_NO_APK}\n{_verify(minima)}"
    return f"{_WAIT}{manager} -y install {names}\n{_verify(minima)}"


def upgrade_script(
    manager: str, packages: Sequence[str], minima: Mapping[str, str], *, refresh: bool, restart: str
) -> str:
    """Shell that brings packages that are there to the newest version that the host's sources have.

    Some distributions leave the old engine running: it is then restarted, with the words of `restart`.
    """
    names, rest = shlex.join(packages), f"{_RESTART.format(restart=restart)}{_verify(minima)}"
    if manager == "apt":
        lists = "refresh\n" if refresh else ""
        return f"{_WAIT}{_APT}{lists}install --only-upgrade {names}\n{rest}"
    if manager == "apk":
        return f"{_APK} --upgrade {names}\n{rest}"
    return f"{_WAIT}{manager} -y upgrade {names}\n{rest}"


def _install_apt(names: str, added: str | None) -> str:
    fresh = "fresh=$(find /var/lib/apt/lists -name '*_Packages*' -mtime -1 2>/dev/null | head -n 1)\n"
    install = f'[ -n "$fresh" ] || refresh\ninstall {names} || {{ refresh; install {names}; }}\n'
    if added is None:
        return f"{fresh}{install}"
    source = shlex.quote(added)
    only = f"-o Dir::Etc::sourcelist={source} -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0"
    sorry = shlex.quote(f"apt does not believe what {added} names; that file is taken away again")
    return f"{fresh}if ! refresh {only}; then\n  rm -f -- {source}\n  echo {sorry} >&2\n  exit 1\nfi\n{install}"


def _verify(minima: Mapping[str, str]) -> str:
    engine, compose = shlex.quote(minima["engine"]), shlex.quote(minima["compose"])
    return f"""\
need() {{
  if [ "$(printf '%s\\n' "$3" "${{2:-0}}" | sort -V | head -n 1)" != "$3" ]; then
    echo "$1 is ${{2:-still missing}} after installing, and at least $3 is needed" >&2
    exit 1
  fi
}}
need 'Docker Engine' "$(dockerd --version | sed -n 's/^Docker version \\([^, ]*\\).*/\\1/p')" {engine}
need 'Docker Compose' "$(docker compose version --short | sed 's/^v//')" {compose}
docker buildx version >/dev/null
"""
