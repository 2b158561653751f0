"""The texts of the room: what a host with systemd is told, and what holds for all of them."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from deployer.engine import room


def scripts() -> dict[str, str]:
    rollout = {"run": "a1", "release": "new", "previous": None}
    return {
        "opening": room.opening(rollout, again=False, timeout=60),
        "taking up": room.opening(rollout, again=True, timeout=60),
        "arming": room.arming("shop", "/srv/shop", "true\n", 60),
        "prolonging": room.prolonging("/srv/shop", 60),
        "readying": room.readying(60),
        "confirming": room.confirming("shop"),
        "closing": room.closing("shop", "it's over"),
        "pausing": room.pausing("shop", "batch 1 of 3"),
    }


@pytest.mark.parametrize("name", scripts())
def test_every_script_is_one(name: str) -> None:
    text = room.enter("/srv/it's a shop") + scripts()[name]
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_watchdog_is_a_script(tmp_path: Path) -> None:
    text = room.WATCHDOG.format(
        room="/srv/shop/.deploy", path="/u", link="/l", functions=room.FUNCTIONS, journal=room.JOURNAL, tries=room.TRIES
    )
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("name", ["confirming", "closing", "pausing", "readying"])
def test_what_comes_after_the_watchdog_has_begun_fails(name: str, tmp_path: Path) -> None:
    (tmp_path / ".deploy").mkdir()
    (tmp_path / ".deploy/fired").touch()
    (tmp_path / ".deploy/phase").write_text("switching\n")
    text = room.enter(str(tmp_path)) + scripts()[name]
    assert subprocess.run(["sh", "-c", text], check=False).returncode == room.GONE_BACK
    assert (tmp_path / ".deploy/fired").exists()


def test_confirming_twice_is_as_once(tmp_path: Path) -> None:
    (tmp_path / ".deploy").mkdir()
    for name, text in (("armed", ""), ("phase", "switching\n")):
        (tmp_path / ".deploy" / name).write_text(text)
    script = room.enter(str(tmp_path)) + room.confirming("shop")
    assert [subprocess.run(["sh", "-c", script], check=False).returncode for _ in range(2)] == [0, 0]
    assert (tmp_path / ".deploy/phase").read_text() == "switched\n"


@pytest.mark.parametrize("phase", ["undone", "broken", "switching", "prepared"])
def test_what_is_not_armed_cannot_be_confirmed(phase: str, tmp_path: Path) -> None:
    (tmp_path / ".deploy").mkdir()
    (tmp_path / ".deploy/phase").write_text(f"{phase}\n")
    script = room.enter(str(tmp_path)) + room.confirming("shop")
    assert subprocess.run(["sh", "-c", script], check=False).returncode == room.GONE_BACK
    assert (tmp_path / ".deploy/phase").read_text() == f"{phase}\n"


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that says that systemd runs there; what `systemctl` was told stands in a file."""
    told = tmp_path / "told"
    tool = tmp_path / "bin/systemctl"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" >>{shlex.quote(str(told))}\n')
    tool.chmod(0o755)
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(room, "SYSTEMD", str(tmp_path / "bin"))
    monkeypatch.setattr(room, "UNITS", str(tmp_path / "units"))
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    return told


def test_service_is_made_for_every_boot_and_goes_with_the_rollout(systemd: Path, tmp_path: Path) -> None:
    root = tmp_path / "100% shop"
    (root / ".deploy").mkdir(parents=True)
    arming = room.enter(str(root)) + room.arming("shop", str(root), "true\n", 60)
    subprocess.run(["sh", "-c", arming], check=True)
    unit = tmp_path / "units/deployer-watchdog-shop.service"
    assert f'ExecStart=/bin/sh "{tmp_path}/100%% shop/.deploy/watchdog"' in unit.read_text()
    assert "After=docker.service" in unit.read_text()
    assert "WantedBy=multi-user.target" in unit.read_text()
    assert unit.stat().st_mode & 0o777 == 0o644
    name = "deployer-watchdog-shop"
    link = tmp_path / "units/multi-user.target.wants/deployer-watchdog-shop.service"
    assert link.readlink() == unit
    asked = f"show --property=NeedDaemonReload --value {name}"
    assert systemd.read_text().splitlines() == [asked, f"restart {name}"]

    closing = room.enter(str(root)) + room.closing("shop", "rollout ended")
    subprocess.run(["sh", "-c", closing], check=True)
    assert systemd.read_text().splitlines()[-1] == f"stop {name}"
    assert not unit.exists()
    assert not link.is_symlink()


def test_service_that_systemd_still_knows_from_an_earlier_place_is_read_anew(systemd: Path, tmp_path: Path) -> None:
    """As after a reboot in the middle of a rollout: the target that wanted it at boot keeps it in memory."""
    (tmp_path / ".deploy").mkdir()
    with (tmp_path / "bin/systemctl").open("a") as tool:
        tool.write('[ "$1" != show ] || echo yes\n')
    arming = room.enter(str(tmp_path)) + room.arming("shop", str(tmp_path), "true\n", 60)
    subprocess.run(["sh", "-c", arming], check=True)
    assert systemd.read_text().splitlines()[1:] == ["daemon-reload", "restart deployer-watchdog-shop"]


def test_watchdog_takes_its_own_service_away(systemd: Path, tmp_path: Path) -> None:
    (tmp_path / ".deploy").mkdir()
    script = room.enter(str(tmp_path)) + room.arming("shop", str(tmp_path), "true\n", 60)
    subprocess.run(["sh", "-c", script], check=True)
    (tmp_path / ".deploy/deadline").write_text("0\n")
    subprocess.run(["sh", str(tmp_path / ".deploy/watchdog")], check=True)
    assert (tmp_path / ".deploy/phase").read_text() == "undone\n"
    assert not [path for path in (tmp_path / "units").rglob("*") if not path.is_dir()]
    assert not (tmp_path / ".deploy/watchdog.pid").exists()
