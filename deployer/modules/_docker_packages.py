"""Docker from a distribution's packages: which they are called, and the shell that installs them.

Whether anything is missing is `docker_engine`'s decision.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from deployer.facts.system import OsSeen
from deployer.modules._refusals import HostRefusedError

LOCK_PATIENCE = 300  # seconds that another package manager, or cloud-init, may take
INSTALL_TIMEOUT = 2400.0  # seconds: two waits, and a slow mirror
ENV: Mapping[str, str] = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l", "LC_ALL": "C"}

_OWN_REPOSITORY = (
    "add Docker's own package repository to the host (docs.docker.com/engine/install) and say "
    "packages: [docker-ce, docker-ce-cli, containerd.io, docker-buildx-plugin, docker-compose-plugin]"
)


def distribution_packages(os: OsSeen, parts: tuple[str, ...]) -> tuple[str, ...]:
    """The distribution's packages of these parts ("engine", "compose", "buildx").

    Raises HostRefusedError where it has none, or none that is new enough for anybody.
    """
    table = _debian(os) if os.id in ("debian", "raspbian") else _ubuntu(os) if os.id == "ubuntu" else {}
    missing = [part for part in parts if part not in table]
    if missing:
        what = {"engine": "Docker Engine", "compose": "Compose 2", "buildx": "buildx"}
        raise HostRefusedError(
            f"{os.name} has no packages of {' and '.join(what[part] for part in missing)} that this tool knows",
            hint=_OWN_REPOSITORY,
        )
    return tuple(package for part in parts for package in table[part])


def _debian(os: OsSeen) -> dict[str, tuple[str, ...]]:
    """Before Debian 13, docker-compose is Compose 1 and there is no buildx; a rolling one says no version."""
    if _major(os) < 13:
        return {"engine": ("docker.io",)}
    return {"engine": ("docker.io", "docker-cli"), "compose": ("docker-compose",), "buildx": ("docker-buildx",)}


def _ubuntu(os: OsSeen) -> dict[str, tuple[str, ...]]:
    if _major(os) < 22:
        return {"engine": ("docker.io",)}
    return {"engine": ("docker.io",), "compose": ("docker-compose-v2",), "buildx": ("docker-buildx",)}


def _major(os: OsSeen) -> int:
    found = re.match(r"\d+", os.version)
    return int(found.group()) if found else 999


def install_script(packages: tuple[str, ...], minima: Mapping[str, str]) -> str:
    """Shell that installs packages, and fails if what then answers is older than `minima` ("engine", "compose").

    It waits for whoever holds apt's locks, as a fresh machine's first upgrade does, and removes no package: where
    Docker came from elsewhere, apt refuses instead.
    """
    names = shlex.join(packages)
    return f"{_WAIT}{_APT}{_install(names)}{_verify(minima)}"


_WAIT = f"""\
if command -v cloud-init >/dev/null 2>&1; then
  case $(cloud-init status 2>/dev/null) in
    *running*)
      echo 'cloud-init is still setting this host up; waiting for it'
      timeout {LOCK_PATIENCE} cloud-init status --wait >/dev/null 2>&1 || :
      ;;
  esac
fi
"""

# DPkg::Lock::Timeout is about installing: apt-get update gives up at once if the lists are locked.
REFRESH = f"""\
refresh() {{
  left={LOCK_PATIENCE // 5}
  while :; do
    if out=$(apt-get -q update 2>&1); then return 0; fi
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


def _install(names: str) -> str:
    return f"""\
if [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -mtime -1 2>/dev/null | head -n 1)" ]; then
  install {names} || {{ refresh; install {names}; }}
else
  refresh
  install {names}
fi
"""


def _verify(minima: Mapping[str, str]) -> str:
    engine, compose = shlex.quote(minima["engine"]), shlex.quote(minima["compose"])
    return f"""\
need() {{
  if ! dpkg --compare-versions "${{2:-0}}" ge "$3"; then
    echo "$1 is ${{2:-still missing}} after installing, and at least $3 is needed" >&2
    exit 1
  fi
}}
need 'Docker Engine' "$(dockerd --version | sed -n 's/^Docker version \\([^, ]*\\).*/\\1/p')" {engine}
need 'Docker Compose' "$(docker compose version --short | sed 's/^v//')" {compose}
docker buildx version >/dev/null
"""
