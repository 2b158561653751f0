"""The shell of logins, of edited releases and of room on discs, run by a real shell in a folder of the test."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import script_of

from deployer.facts.edits import EditedFiles
from deployer.facts.space import Clock, Room, Space
from deployer.model.login import HUB, Login
from deployer.modules._logins import with_logins
from deployer.rollout.space import Need, lacks

PASSWORD = "it's $ecret"
LOGINS = (
    Login(server="r.example.com", username="ci", password=PASSWORD),
    Login(server="docker.io", username="me", password="x"),
)
SEEN = (
    'stat -c %a "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json"; cat "$DOCKER_CONFIG/config.json"; echo "$DOCKER_CONFIG"'
)


def sh(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f"( set -eu\n{text}\n)"], capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture
def name() -> str:
    return f"unit-{os.getpid()}"


def left(project: str) -> list[Path]:
    rooms = [Path("/run"), Path("/dev/shm"), Path("/tmp")]
    return [one for room in rooms for one in room.glob(f"deployer-login-{project}.*")]


def test_logins_are_there_for_the_command_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / ".docker" / "cli-plugins").mkdir(parents=True)
    done = sh(with_logins(LOGINS, name, f'{SEEN}; ls "$DOCKER_CONFIG"; echo "$BUILDX_CONFIG"'), HOME=str(tmp_path))
    folder_mode, file_mode, config, folder, *listed = done.stdout.splitlines()
    assert (folder_mode, file_mode) == ("700", "600")
    assert set(json.loads(config)["auths"]) == {"r.example.com", HUB}
    assert listed == ["cli-plugins", "config.json", f"{tmp_path}/.docker/buildx"]
    assert not Path(folder).exists()
    assert PASSWORD not in repr(LOGINS)


@pytest.mark.parametrize("server", ["docker.io", "https://index.docker.io/v1/", "hub.docker.com"])
def test_docker_hub_by_any_name(server: str) -> None:
    assert Login(server=server, username="me", password="x").key == HUB
    assert Login(server="https://r.example.com:5000/", username="me", password="x").key == "r.example.com:5000"


def test_a_login_without_a_password_is_none(name: str) -> None:
    assert with_logins((Login(server="r.example.com", username="ci", password=""),), name, "true") == "true"


def test_logins_are_gone_after_a_failure_and_after_a_signal(name: str) -> None:
    failed = sh(with_logins(LOGINS, name, f"{SEEN}; false"))
    assert failed.returncode == 1
    assert not Path(failed.stdout.splitlines()[-1]).exists()
    process = subprocess.Popen(
        ["sh", "-c", with_logins(LOGINS, name, 'touch "$DOCKER_CONFIG/.token_seed"; sleep 60')], start_new_session=True
    )
    _until(lambda: any((one / ".token_seed").exists() for one in left(name)))
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait() == 1
    assert left(name) == []


def test_what_a_killed_run_has_left_goes_with_the_next(name: str) -> None:
    process = subprocess.Popen(["sh", "-c", with_logins(LOGINS, name, "sleep 60")], start_new_session=True)
    _until(lambda: any((one / "config.json").exists() for one in left(name)))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    [old] = left(name)
    assert sh(with_logins(LOGINS, name, "true")).returncode == 0
    assert not old.exists()


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_so()


def test_without_logins_nothing_is_added() -> None:
    assert with_logins((), "shop", "docker pull x") == "docker pull x"


# edits ----------------------------------------------------------------------------------------------------------

FILES = {
    "project/compose.yaml": "services: {}\n",
    "project/www/a page": "one\n",
    "project/[x]": "two\n",
    ".env": "A=1\n",
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release's folder as a sync leaves it, the files older than the manifest."""
    for name, text in {**FILES, "release.json": "{}\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1_000_000_000, 1_000_000_000))
    lines = [
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n" for name in (*FILES, "release.json")
    ]
    (tmp_path / "manifest").write_text("".join(lines))
    os.utime(tmp_path / "manifest", (1_500_000_000, 1_500_000_000))
    return tmp_path


def edited(folder: Path) -> tuple[str, ...] | None:
    fact = EditedFiles(str(folder))
    done = sh(script_of(fact))
    return fact.parse(done.stdout, done.returncode)


def test_a_release_as_it_came(release: Path) -> None:
    (release / "healthy").write_text("yes\n")
    (release / "project" / "__pycache__").write_text("new files are no edit\n")
    assert edited(release) == ()
    os.utime(release / "project" / "compose.yaml")  # a later time alone is no edit either
    assert edited(release) == ()


def test_files_that_were_edited_or_removed(release: Path) -> None:
    (release / "project" / "www" / "a page").write_text("another\n")
    (release / "project" / "[x]").unlink()
    (release / ".env").write_text("A=2\n")
    assert edited(release) == (".env", "[x] (removed)", "www/a page")


def test_pins_that_were_edited(release: Path) -> None:
    for at, name in enumerate(("compose.release.yaml", "pins")):
        (release / name).write_text("services: {}\n")
        os.utime(release / name, (1_600_000_000 + at, 1_600_000_000 + at))
    assert edited(release) == ()
    (release / "compose.release.yaml").write_text("services: {web: {ports: [80]}}\n")
    assert edited(release) == ("compose.release.yaml",)


def test_no_release_and_one_of_an_older_tool(tmp_path: Path) -> None:
    assert edited(tmp_path / "nothing") is None
    assert edited(tmp_path) is None


# room -----------------------------------------------------------------------------------------------------------


def test_room_where_a_folder_will_be(tmp_path: Path) -> None:
    fact = Space(f"{tmp_path}/not/there yet")
    done = sh(script_of(fact), PATH="/usr/bin:/bin")
    seen = fact.parse(done.stdout, done.returncode)
    assert seen is not None
    room = seen[f"{tmp_path}/not/there yet"]
    assert room.free > 0
    assert room.state == "rw"
    assert Path(room.mount).is_mount()


def test_nothing_is_asked_where_the_release_serves(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "release.json").write_text('{"digest":"d2"}')
    for fact, answers in ((Space(str(tmp_path), "d2"), False), (Clock(str(tmp_path), "d1"), True)):
        done = sh(script_of(fact))
        assert (fact.parse(done.stdout, done.returncode) is not None) is answers


def test_a_file_system_without_inodes_and_a_device_with_a_long_name() -> None:
    output = (
        "releases /srv/shop\n/dev/mapper/a-very-long-name-of-a-volume 1000 400 600 40% /srv\n"
        "/dev/mapper/a-very-long-name-of-a-volume 0 0 0 - /srv\nrw\n"
    )
    assert Space("/srv/shop").parse(output, 0) == {"/srv/shop": Room(mount="/srv", free=614400)}


def test_needs_on_one_file_system_are_added_up() -> None:
    free = {"/srv/shop": ("/", 100, 50), "/var/lib/docker": ("/", 100, 50)}
    wanted = {"/srv/shop": Need(size=60, inodes=10), "/var/lib/docker": Need(size=60)}
    assert list(lacks(free, wanted, 0)) == ["/srv/shop and /var/lib/docker: 100.0 B are free on /, 120.0 B are needed"]
    assert list(lacks(free, {"/srv/shop": Need(inodes=51)}, 0)) == ["/srv/shop: 50 inodes are free on /, 51 are needed"]
