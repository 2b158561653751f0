"""Of a large file that has changed here and there the changed blocks travel; the host makes the new file of both."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sync_host import Host, OnPath, arrived, inode, mode

from deployer.engine.sync import apply_sync
from deployer.model.action import Sync

MB = 1 << 20
NAME = "data of it's own/-model.bin"
EVERYWHERE = ["local-dash", "ssh-busybox"]


@pytest.fixture
def host(request: pytest.FixtureRequest, make_host: Callable[[str], Host]) -> Host:
    """A host with a release whose large file ends in the middle of a block."""
    made = make_host(getattr(request, "param", "local-dash"))
    (made.source / "compose.yaml").write_text("services: {}\n")
    (made.source / NAME).parent.mkdir()
    (made.source / NAME).write_bytes(os.urandom(10 * MB + 1234))
    (made.source / NAME).chmod(0o640)
    made.deploy()
    return made


def overwrite(path: Path, offset: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(os.urandom(size))


def in_the_middle(path: Path) -> None:
    overwrite(path, 3 * MB + MB // 2, MB)
    overwrite(path, 7 * MB, 5)


def at_both_ends(path: Path) -> None:
    overwrite(path, 0, 1)
    overwrite(path, 10 * MB + 1000, 100)


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(os.urandom(2 * MB))


def shorter_within_a_block(path: Path) -> None:
    os.truncate(path, 8 * MB + 77)


def shorter_by_whole_blocks(path: Path) -> None:
    os.truncate(path, 8 * MB)


CHANGES = {  # what happens to the file -> megabytes that then travel
    in_the_middle: 3, at_both_ends: 1 + 1234 / MB, longer: 2 + 1234 / MB, shorter_within_a_block: 77 / MB,
    shorter_by_whole_blocks: 0,
}  # fmt: skip


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changed_blocks_alone_travel(host: Host, change: Callable[[Path], None]) -> None:
    old = host.root / "current" / "project"
    was, number = (old / NAME).read_bytes(), inode(old / NAME)
    old = old.resolve()
    change(host.source / NAME)
    heard: list[int] = []
    sent = host.sent(lambda: host.deploy(on_bytes=heard.append))
    assert max(heard, default=0) == round(CHANGES[change] * MB)
    assert sent < CHANGES[change] * MB * 1.01 + 10_000
    new = host.root / "current"
    assert arrived(host, new)
    assert mode(new / "project" / NAME) == "0o640"
    assert sorted(path.name for path in new.iterdir()) == [".env", "manifest", "modes", "project", "release.json"]
    assert ((old / NAME).read_bytes(), inode(old / NAME)) == (was, number), "the old release is as it was"
    assert inode(new / "project" / NAME) != number
    assert host.leftovers() == []


def test_host_starts_few_programs_for_a_file_that_has_hardly_changed(host: Host, tmp_path: Path) -> None:
    with (host.source / NAME).open("ab") as file:
        file.write(os.urandom(54 * MB))
    host.deploy()
    spy = tmp_path / "spied"
    (spy / "bin").mkdir(parents=True)
    (spy / "bin" / "dd").write_text(f'#!/bin/sh\necho >>"{spy}/started"\nexec /bin/dd "$@"\n')
    (spy / "bin" / "dd").chmod(0o755)
    overwrite(host.source / NAME, 33 * MB, 1)
    host.remote = OnPath(host.remote, f"{spy}/bin:{os.environ['PATH']}")  # type: ignore[assignment, arg-type]
    host.deploy()
    assert arrived(host, host.root / "current")
    assert len((spy / "started").read_text().splitlines()) < 9 + 8 + 6, "nine stretches, eight blocks, and what mends"


def test_several_files_and_another_mode(host: Host) -> None:
    (host.source / "second.bin").write_bytes(os.urandom(9 * MB))
    (host.source / "third.bin").write_bytes(os.urandom(9 * MB))
    host.deploy()
    for name in (NAME, "second.bin"):
        overwrite(host.source / name, 4 * MB, 10)
        (host.source / name).chmod(0o755)
    assert host.sent(host.deploy) < 2.1 * MB
    assert arrived(host, host.root / "current")


def test_more_than_half_of_it_is_sent_whole(host: Host) -> None:
    overwrite(host.source / NAME, 0, 6 * MB)
    assert host.sent(host.deploy) > 10 * MB
    assert arrived(host, host.root / "current")


def test_a_file_that_somebody_changed_on_the_host_is_not_believed(host: Host) -> None:
    """Between the host's answer and its script, so that the blocks are other ones than it said."""
    (action,) = _changed(host)
    (base,) = (host.root / "releases").glob("2*")

    def spoil(done: int) -> None:
        overwrite(base / "project" / NAME, 8 * MB, 1)

    result = apply_sync(host.remote, action, on_bytes=spoil)
    assert "changed on the host" in result.stdout
    host.switch(action.release.id)
    assert arrived(host, host.root / "current")
    assert host.leftovers() == []


def test_one_that_was_changed_before_costs_its_blocks(host: Host) -> None:
    (base,) = (host.root / "releases").glob("2*")
    overwrite(base / "project" / NAME, 8 * MB, 1)
    overwrite(host.source / NAME, 4 * MB, 1)
    assert host.sent(host.deploy) < 2.1 * MB
    assert arrived(host, host.root / "current")


def _changed(host: Host) -> list[Sync]:
    overwrite(host.source / NAME, 4 * MB, 1)
    return host.plan()
