"""The operating system, asked of this machine, and read from what others print."""

from __future__ import annotations

import platform
import subprocess

import pytest

from deployer.facts.system import Os, OsSeen


def test_this_machine_says_what_it_is() -> None:
    script = Os().script()
    done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True)
    seen = Os().parse(done.stdout, done.returncode)
    expected = platform.freedesktop_os_release()
    assert seen.id == expected["ID"]
    assert seen.version == expected.get("VERSION_ID", "")
    assert seen.arch == platform.machine()
    assert seen.init


def test_environment_does_not_leak_into_the_answer() -> None:
    env = {"PATH": "/usr/bin:/bin", "ID": "evil", "VARIANT_ID": "x", "ID_LIKE": "evil"}
    done = subprocess.run(["sh", "-c", Os().script()], capture_output=True, text=True, check=True, env=env)
    assert "evil" not in done.stdout


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "ubuntu\ndebian\n24.04\nnoble\naarch64\nsystemd\napt\n",
            OsSeen(
                id="ubuntu", like=("debian",), version="24.04", codename="noble", arch="aarch64", init="systemd",
                packages="apt",
            ),
        ),
        (
            "fedora\n\n42\n\nx86_64\nsystemd\n\n",
            OsSeen(id="fedora", version="42", arch="x86_64", init="systemd"),
        ),
        (
            "alpine\n\n3.21.0\n\naarch64\nopenrc\napk\n",
            OsSeen(id="alpine", version="3.21.0", arch="aarch64", init="openrc", packages="apk"),
        ),
        ("", OsSeen()),
    ],
)  # fmt: skip
def test_answers(output: str, expected: OsSeen) -> None:
    assert Os().parse(output, 0) == expected


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        (OsSeen(id="debian", version="13"), "Debian 13"),
        (OsSeen(id="debian", codename="sid"), "Debian sid"),
        (OsSeen(), "this host"),
    ],
)
def test_name(seen: OsSeen, name: str) -> None:
    assert seen.name == name
