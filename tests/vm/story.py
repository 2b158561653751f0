"""`make test-vm`: the machines of the Vagrantfile for real: a deployment, a reboot, a broken release, a rollback.

Slow where QEMU has to emulate: half an hour and more. Where that cannot be, it says why and ends well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from box import NAME, ensure_box
from tools import libvirt, why_not

from deployer.errors import ExitCode
from deployer.lab.engine import ensure_engine
from deployer.lab.fleet import Lab
from deployer.lab.network import free_subnet

ROOT = Path(__file__).parents[2]
ROOM = ROOT / ".cache" / "vm"  # a copy of the project's half: Vagrant keeps its state beside its Vagrantfile
MACHINES = ("db1", "web1", "web2")
PAGES = {"web1": "http://192.168.56.11:8000", "web2": "http://192.168.56.12:8000"}
SLOW = ("-e", "confirm_timeout=1800", "-e", "ansible_ssh_timeout=120", "-e", "@registry.json")
PATIENT = (  # what an emulated core can do in time: file of the example, what it says, what it shall say
    ("compose.yaml", "timeout: 5s", "timeout: 60s"), ("compose.yaml", "timeout=4", "timeout=50"),
    ("compose.yaml", "start_period: 20s", "start_period: 600s"),
    ("compose.yaml", "start_period: 30s", "start_period: 600s"),
    ("guestbook/settings.py", '"connect_timeout": 3', '"connect_timeout": 60'),
)  # fmt: skip
AROUND = {
    **os.environ, "VAGRANT_HOME": str(ROOM / "vagrant"), "VAGRANT_CHECKPOINT_DISABLE": "1",
    "VAGRANT_DEFAULT_PROVIDER": "libvirt", "DEPLOY_VAGRANT_BOX": NAME,
}  # fmt: skip


def main() -> None:
    os.environ.update(AROUND)
    if reason := why_not():
        print(f"test-vm WAS NOT RUN: {reason}")
        return
    ROOM.mkdir(parents=True, exist_ok=True)
    for name in ("inventories", "examples"):
        shutil.rmtree(ROOM / name, ignore_errors=True)
        shutil.copytree(ROOT / name, ROOM / name)
    shutil.copy(ROOT / "Vagrantfile", ROOM)
    for name, quick, patient in PATIENT:
        path = ROOM / "examples/django" / name
        text = path.read_text()
        assert quick in text, f"{name} does not say {quick}"
        path.write_text(text.replace(quick, patient))
    with libvirt():
        ensure_box(ROOM / "box")
        lab = Lab(f"vm-{os.getpid()}", free_subnet(ensure_engine(say)), ROOM / "lab", say=say)
        try:
            tell(lab)
        finally:
            said("vagrant", "destroy", "--force")
            lab.down()


def tell(lab: Lab) -> None:
    lab.up([])  # no hosts: the registry alone, in place of Docker Hub
    mirror = lab.registry_mirror
    registries = {"registry-mirrors": [mirror], "insecure-registries": [mirror.removeprefix("http://")]}
    (ROOM / "registry.json").write_text(json.dumps({"docker_daemon": registries}))
    for machine in MACHINES:  # one after the other: each takes a core for itself while it boots
        assert said("vagrant", "up", machine) == 0
    assert deploy() == ExitCode.OK
    assert deploy() == ExitCode.OK  # unchanged
    first = versions()
    views = ROOM / "examples/django/entries/views.py"
    sound = views.read_text()

    assert said("vagrant", "reload", "web1") == 0
    assert versions() == first, "the release is there again after a reboot"

    views.write_text(sound.replace('HttpResponse("ok\\n", ', 'HttpResponse("broken\\n", status=503, '))
    assert views.read_text() != sound
    assert deploy(gate_patience=120) == ExitCode.ROLLED_BACK
    assert versions() == first
    views.write_text(f"{sound}\n")
    assert deploy() == ExitCode.OK
    assert versions() != first
    assert deploy(verb="rollback") == ExitCode.OK
    assert versions() == first
    say("all is as it should be")


def deploy(*, verb: str = "run", gate_patience: int = 900) -> int:
    program = Path(sys.executable).parent / "deploy"
    return said(str(program), verb, "vagrant", *SLOW, "-e", f"gate_patience={gate_patience}")


def versions() -> dict[str, str]:
    """The release that each web machine's own page names."""
    return {name: page(f"{url}/version") for name, url in PAGES.items()}


def page(url: str, patience: float = 300) -> str:
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return str(answer.read().decode().strip())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(2)


def said(*argv: str) -> int:
    """The exit status of a command, which is shown with all that it prints."""
    start = time.monotonic()
    print(f"\n$ {' '.join([Path(argv[0]).name, *argv[1:]])}", flush=True)
    code = subprocess.run(argv, cwd=ROOM, stdin=subprocess.DEVNULL, check=False).returncode
    print(f"# ended with {code} after {time.monotonic() - start:.0f} s", flush=True)
    return code


def say(line: str) -> None:
    print(f"# {line}", flush=True)


if __name__ == "__main__":
    main()
