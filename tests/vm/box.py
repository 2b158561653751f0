"""A Vagrant box made of Debian's packages, for machines that QEMU emulates where no hardware helps it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from deployer.lab.apt import SUITE, read_options
from deployer.lab.control import debian_sources

NAME = "deployer/debian-13-emulated"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "ca-certificates", "ifupdown", "isc-dhcp-client",
    "iproute2", "iputils-ping", "procps", "curl", "cron", "iptables", "kmod", "initramfs-tools",
    "linux-image-cloud-amd64",
)  # fmt: skip
KEYS = (  # where Vagrant keeps the public key that everybody knows: it replaces it at the first boot
    "/usr/share/rubygems-integration/all/gems/vagrant-*/keys/vagrant.pub",
    "/opt/vagrant/embedded/gems/*/gems/vagrant-*/keys/vagrant.pub",
)
FILES = {
    "etc/sudoers.d/vagrant": "vagrant ALL=(ALL) NOPASSWD:ALL\n",
    "etc/network/interfaces": "auto lo\niface lo inet loopback\nallow-hotplug eth0\niface eth0 inet dhcp\n",
    "etc/fstab": "/dev/vda / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "debian\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/ssh/sshd_config.d/vagrant.conf": "UseDNS no\n",
    "etc/systemd/system/ssh.service.d/keys.conf": (
        "[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n"
    ),
}
SETTINGS = """\
Vagrant.configure("2") do |config|
  config.vm.boot_timeout = 1800
  config.vm.provider :libvirt do |libvirt|
    libvirt.driver = "qemu"
    libvirt.cpu_mode = "custom"
    libvirt.cpu_model = "qemu64"
    libvirt.cpu_fallback = "allow"
    %w[cx16 svm vmx].each { |feature| libvirt.cpu_feature name: feature, policy: "disable" }
    libvirt.kernel = File.expand_path("vmlinuz", __dir__)
    libvirt.initrd = File.expand_path("initrd", __dir__)
    libvirt.cmd_line = "root=/dev/vda rw console=ttyS0 net.ifnames=0"
    libvirt.graphics_type = "none"
    libvirt.video_type = "none"
    libvirt.random model: "random"
  end
end
"""


def ensure_box(folder: Path) -> None:
    """The box under its name in Vagrant's own folder; made in `folder`, which takes some minutes the first time."""
    listed = subprocess.run(["vagrant", "box", "list"], capture_output=True, text=True, check=True).stdout
    if f"{NAME} " in listed:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as room:
        box = _make(Path(room))
        _run("vagrant", "box", "add", "--force", "--name", NAME, str(box))


def _make(room: Path) -> Path:
    root = room / "root"
    _bootstrap(root)
    _furnish(root)
    for wanted, found in (("vmlinuz", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        shutil.copy(next((root / "boot").glob(found)), room / wanted)
    raw = room / "disk.raw"
    with raw.open("wb") as disk:
        disk.truncate(12 * 2**30)
    _run("mkfs.ext4", "-q", "-F", "-d", str(root), "-E", "lazy_itable_init=1", str(raw))
    _run("qemu-img", "convert", "-O", "qcow2", str(raw), str(room / "box.img"))
    (room / "metadata.json").write_text(json.dumps({"provider": "libvirt", "format": "qcow2", "virtual_size": 12}))
    (room / "Vagrantfile").write_text(SETTINGS)
    box = room / "debian.box"
    with tarfile.open(box, "w") as archive:
        for name in ("metadata.json", "Vagrantfile", "vmlinuz", "initrd", "box.img"):
            archive.add(room / name, name)
    return box


def _bootstrap(root: Path) -> None:
    options = [
        "--variant=minbase",
        "--quiet",
        "--mode=root",
        "--dpkgopt=force-unsafe-io",
        f"--include={','.join(PACKAGES)}",
    ]
    options += [f"--aptopt={line.rstrip(';')}" for line in read_options()]
    _run("mmdebstrap", *options, SUITE, str(root), *(source.line for source in debian_sources()))


def _furnish(root: Path) -> None:
    """A user with a key and sudo; host keys and the machine's id are made at the first boot."""
    _run("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", "vagrant")
    key = next(path for pattern in KEYS for path in sorted(Path("/").glob(pattern[1:]))).read_text()
    for name, text in {**FILES, "home/vagrant/.ssh/authorized_keys": key}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "etc/sudoers.d/vagrant").chmod(0o440)
    _run("chroot", str(root), "chown", "-R", "vagrant:vagrant", "/home/vagrant")
    (root / "home/vagrant/.ssh").chmod(0o700)
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("")
    _run("chroot", str(root), "systemctl", "mask", "--quiet", "systemd-timesyncd")


def _run(*argv: str) -> None:
    subprocess.run(["nice", "-n", "19", *argv], check=True)
