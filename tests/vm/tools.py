"""What real virtual machines need on this machine, and how libvirt is had where no init has started it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deployer.lab.privilege import is_installed, missing_packages

TOOLS = {  # command or file -> Debian package
    "vagrant": "vagrant",
    "/usr/share/rubygems-integration/all/gems/vagrant-libvirt-0.11.2/lib/vagrant-libvirt.rb": "vagrant-libvirt",
    "/usr/sbin/libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
}


def why_not() -> str:
    """Why machines cannot be had here; empty if they can."""
    if os.geteuid() != 0:
        return "it makes disks and networks, and must be root"
    if missing := [one for one in missing_packages(TOOLS) if not _has_plugin(one)]:
        return f"missing here: apt-get install {' '.join(missing)}"
    return ""


def _has_plugin(package: str) -> bool:
    """Another version of the plugin than Debian 12's, or one that Vagrant itself has installed."""
    if package != "vagrant-libvirt" or not is_installed("vagrant"):
        return False
    done = subprocess.run(["vagrant", "plugin", "list"], capture_output=True, text=True, check=False)
    return "vagrant-libvirt" in done.stdout


@contextmanager
def libvirt() -> Iterator[None]:
    """A libvirtd that answers; one that was started here ends with it."""
    if _answers():
        yield
        return
    daemons = [
        subprocess.Popen(["nice", "-n", "19", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for path in ("/usr/sbin/virtlogd", "/usr/sbin/libvirtd")
    ]
    try:
        for _ in range(100):
            if _answers():
                break
            time.sleep(0.2)
        yield
    finally:
        for daemon in daemons:
            daemon.terminate()
            daemon.wait()


def _answers() -> bool:
    command = ["virsh", "--connect", "qemu:///system", "list"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
