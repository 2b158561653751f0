"""Running commands of this machine as root, and the Debian packages that bring them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

from deployer.errors import LabError
from deployer.lab.lock import alone

Say = Callable[[str], None]

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_UNATTENDED = ("env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")  # RUNLEVEL=1: packages start no services


def as_root(argv: Sequence[str]) -> list[str]:
    """Return `argv` as root would run it here; raise LabError where that needs a password."""
    if os.geteuid() == 0:
        return list(argv)
    if shutil.which("sudo") and not subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode:
        return ["sudo", "-n", *argv]
    raise LabError(f"{argv[0]} needs root", hint="run as root, or allow sudo without a password")


def run_as_root(argv: Sequence[str]) -> str:
    """Run a command as root and return its output; raise LabError with its last lines if it fails."""
    argv = as_root(argv)
    done = subprocess.run(argv, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-8:])
        raise LabError(f"{' '.join(argv[:4])} … failed with status {done.returncode}\n{last}")
    return done.stdout


def is_installed(name: str) -> bool:
    """Tell whether a command is in a user's path or in root's, or a file is there if `name` is a path."""
    if name.startswith("/"):
        return os.path.exists(name)
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SBIN}") is not None


def ensure_commands(packages: Mapping[str, str], say: Say) -> None:
    """Install what is missing of `packages` (command or file → Debian package); raise LabError where apt is not."""
    missing = missing_packages(packages)
    if not missing:
        return
    if not is_installed("apt-get"):
        raise LabError(f"{', '.join(missing)} is missing, and there is no apt-get", hint="install it by hand")
    say(f"installing {', '.join(missing)}")
    with alone("apt"):
        try:
            _apt_install(missing)
        except LabError:  # package lists are absent, or older than the mirror
            run_as_root(["apt-get", "update", "-q"])
            _apt_install(missing)


def missing_packages(packages: Mapping[str, str]) -> list[str]:
    """Return the packages, in order, that are not installed."""
    return sorted({package for name, package in packages.items() if not is_installed(name)})


def _apt_install(packages: Sequence[str]) -> None:
    options = ("-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")
    run_as_root([*_UNATTENDED, "apt-get", "install", *options, *packages])
