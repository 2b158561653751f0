"""What this machine keeps of what it sent: a host whose release is still that names a digest, and lists no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sync_host import Host, arrived

from deployer import cache
from deployer.engine.sync import LISTED

EVERYWHERE = ["local-dash", "ssh-dash", "ssh-busybox"]
FILES = 300


@pytest.fixture
def kept_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "deployer" / "releases"


@pytest.fixture
def host(request: pytest.FixtureRequest, make_host: Callable[[str], Host], kept_here: Path) -> Host:
    """A host with a release of some hundred files."""
    made = make_host(getattr(request, "param", "ssh-dash"))
    for number in range(FILES):
        (made.source / f"file-{number}.txt").write_text(f"{number}\n")
    made.deploy()
    return made


def received(host: Host) -> int:
    """The bytes that come back with one more file."""
    (host.source / f"fresh-{host.deploys}.txt").write_text(f"fresh {host.deploys}\n")
    before = host.remote.traffic().bytes_in
    release, _ = host.deploy()
    assert arrived(host, release)
    return host.remote.traffic().bytes_in - before


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
def test_release_that_was_sent_from_here_is_not_listed_again(host: Host) -> None:
    (base,) = os.listdir(host.root / "releases")
    kept = cache.read(LISTED, base)
    assert (kept or b"").count(b"\n") > FILES
    (host.source / "file-0.txt").write_text("new\n")
    assert arrived(host, host.deploy()[0])
    (host.source / "file-1.txt").unlink()  # lines are dropped from the middle of the list, too
    assert arrived(host, host.deploy()[0])


def test_digest_costs_fewer_bytes_than_the_list(host: Host, kept_here: Path) -> None:
    with_it = received(host)
    for path in kept_here.iterdir():
        path.unlink()
    assert received(host) > with_it + FILES * 4


@pytest.mark.parametrize("kept", [b"", b"644\n", b"nonsense", b"644 644\n00000000  project/a\n11111111  project/b\n"])
def test_cache_that_was_spoiled_costs_bytes_and_nothing_else(host: Host, kept_here: Path, kept: bytes) -> None:
    (path,) = kept_here.iterdir()
    path.write_bytes(kept)
    assert received(host) > FILES * 4


def test_release_that_somebody_changed_on_the_host_is_listed(host: Host) -> None:
    (base,) = (host.root / "releases").iterdir()
    (base / "modes").write_text((base / "modes").read_text().replace("644", "600", 1))
    assert received(host) > FILES * 4


def test_nothing_is_kept_where_there_is_no_room(
    make_host: Callable[[str], Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    host = make_host("local-dash")
    host.deploy()
    received(host)
    assert cache.read(LISTED, os.listdir(host.root / "releases")[0]) is None
