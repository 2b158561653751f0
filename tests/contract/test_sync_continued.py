"""A sync that was interrupted is continued: what has arrived is not sent again, and nothing is believed unseen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sshd import Sshd, can_wall
from sync_host import Host, inode, mode

from deployer.config.source_tree import load_tree
from deployer.engine.sync import apply_sync
from deployer.errors import ConnectError, TransferError
from deployer.model.connection import Endpoint
from deployer.transport.local import LocalRemote
from deployer.transport.ssh import SshRemote

MB = 1 << 20


@pytest.fixture(params=["local-dash", "ssh-busybox"])
def host(request: pytest.FixtureRequest, make_host: Callable[[str], Host]) -> Host:
    """A host with ten files of a megabyte each in its project's source."""
    made = make_host(request.param)
    (made.source / "compose.yaml").write_text("services: {}\n")
    for number in range(10):
        (made.source / f"file {number}").write_bytes(os.urandom(MB))
    return made


def interrupt(host: Host, after: float) -> None:
    """Begin a sync, and end it when so many megabytes have been sent."""

    def hang_up(done: int) -> None:
        if done >= after * MB:
            raise KeyboardInterrupt

    (action,) = host.plan()
    with pytest.raises(KeyboardInterrupt):
        apply_sync(host.remote, action, on_bytes=hang_up)
    assert not Path(action.release.path).exists()


def landed(host: Host, size: int) -> None:
    """Wait until so much has arrived: the host works on while the sender has ended."""
    until = time.monotonic() + 10
    while host_bytes(host) < size:
        assert time.monotonic() < until, host_bytes(host)
        time.sleep(0.05)


def host_bytes(host: Host) -> int:
    return sum(path.stat().st_size for path in (host.root / "releases").glob(".tmp-*/project/*"))


def beginning(host: Host, name: str) -> int:
    """How much of a file the host has, from its beginning on."""
    content = (host.source / name).read_bytes()
    found = [path.read_bytes() for path in (host.root / "releases").glob(f".tmp-*/project/{name}")]
    return max(len(part) for part in found if content.startswith(part))


def whole(host: Host) -> None:
    """The release is as the source, and nothing else is left on the host."""
    (found,) = host.look().releases
    tree = host.root / "releases" / found / "project"
    assert load_tree(tree).digest == load_tree(host.source).digest
    assert host.leftovers() == []


def test_whole_files_are_not_sent_again(host: Host) -> None:
    interrupt(host, 8)
    landed(host, 5 * MB)
    assert host.sent(host.deploy) < 5.2 * MB
    whole(host)


def test_of_one_large_file_the_rest_is_sent_and_that_twice(host: Host) -> None:
    for path in host.source.glob("file*"):
        path.unlink()
    (host.source / "one large file").write_bytes(os.urandom(24 * MB))
    (host.source / "one large file").chmod(0o751)
    interrupt(host, 10)
    landed(host, 5 * MB)
    first = beginning(host, "one large file")
    assert host.sent(lambda: interrupt(host, 10)) < 12 * MB
    second = beginning(host, "one large file")
    assert second >= first >= 5 * MB
    assert host.sent(host.deploy) < 24 * MB - second + MB
    whole(host)
    assert mode(host.root / "current/project/one large file") == "0o751"


def test_what_has_changed_meanwhile_is_sent(host: Host) -> None:
    interrupt(host, 9)
    landed(host, 5 * MB)
    (host.source / "file 0").write_bytes(os.urandom(MB))
    (host.source / "file 1").unlink()
    (host.source / "file 2").chmod(0o755)
    (host.source / "file 3").rename(host.source / "moved")
    host.deploy()
    whole(host)


def test_a_head_that_was_spoiled_is_not_believed(host: Host) -> None:
    (host.source / "a large file").write_bytes(os.urandom(24 * MB))
    interrupt(host, 12)
    landed(host, 5 * MB)
    (head,) = (host.root / "releases").glob(".tmp-*/project/a large file")
    with head.open("r+b") as file:
        file.seek(MB)
        file.write(b"spoiled")
    host.deploy()
    whole(host)


def test_what_is_spoiled_after_the_look_is_sent_in_full(host: Host) -> None:
    """The host's last look, when all is whole, is the one that counts."""
    interrupt(host, 8)
    landed(host, 5 * MB)
    (part,) = (host.root / "releases").glob(".tmp-*")
    (action,) = host.plan()

    def spoil(done: int) -> None:
        for name in ("file 0", "file 1"):
            (part / "project" / name).write_bytes(b"spoiled")

    apply_sync(host.remote, action, on_bytes=spoil)
    whole(host)


def test_a_part_that_is_gone_costs_a_full_transfer_only(host: Host) -> None:
    interrupt(host, 8)
    (action,) = host.plan()
    assert action.parts
    for part in action.parts:
        shutil.rmtree(host.root / "releases" / part)
    assert host.sent(lambda: apply_sync(host.remote, action)) > 10 * MB
    whole(host)


def test_parts_of_several_interruptions_add_up(host: Host) -> None:
    for megabytes in (3, 3, 3):
        interrupt(host, megabytes)
    landed(host, 4 * MB)
    assert host.sent(host.deploy) < 6.2 * MB
    whole(host)


ODD = [
    "-rf",
    "a b",
    " ",
    "x: FAILED",
    "\\",
    "line\nbreak",
    "back\\slash",
    "*",
    "tür",
    "'",
    "$(id)",
    os.fsdecode(b"\xff\xfe"),
    "icon\r",
    "#",
]


def test_odd_names_are_continued_or_sent_again(host: Host) -> None:
    for path in host.source.glob("file*"):
        path.unlink()
    for name in ODD:
        (host.source / name).mkdir()
        (host.source / name / name).write_bytes(os.urandom(MB))
    interrupt(host, 9)
    host.deploy()
    whole(host)


@pytest.fixture
def small_disk(host: Host, not_run: Callable[[str], None]) -> Iterator[Callable[[int], None]]:
    """Gives the host a disk of so many megabytes."""
    disk = host.root.parent

    def make(megabytes: int) -> None:
        disk.mkdir(parents=True)
        argv = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(disk)]
        if subprocess.run(argv, check=False).returncode:
            not_run("this machine lets us mount nothing")

    yield make
    subprocess.run(["umount", "--lazy", str(disk)], check=False)


@pytest.mark.parametrize("host", ["local-dash", "local-busybox"], indirect=True)
def test_without_room_nothing_is_kept(host: Host, small_disk: Callable[[int], None]) -> None:
    """A full disk is not made fuller by what could not be finished."""
    small_disk(4)
    (action,) = host.plan()
    with pytest.raises(TransferError, match="could not be brought"):
        apply_sync(host.remote, action)
    assert host.leftovers() == []
    assert host.look().releases == {}


@pytest.mark.parametrize("host", ["local-dash", "local-busybox"], indirect=True)
def test_without_room_for_both_halves_all_is_sent(host: Host, small_disk: Callable[[int], None]) -> None:
    """Where the rest does not fit beside the whole, the next transfer begins anew."""
    for path in host.source.glob("file*"):
        path.unlink()
    (host.source / "large").write_bytes(os.urandom(24 * MB))
    small_disk(28)
    interrupt(host, 8)
    landed(host, 4 * MB)
    (action,) = host.plan()
    with pytest.raises(TransferError, match="could not be brought"):
        apply_sync(host.remote, action)
    assert host.leftovers() == []
    host.deploy()
    whole(host)


@pytest.fixture
def own_server(make_sshd: Callable[..., Sshd], not_run: Callable[[str], None]) -> Sshd:
    """A server whose connections can be ended without harm to other tests."""
    if not can_wall():
        not_run("this machine allows us no mount namespace")
    return make_sshd("dash")


def test_a_connection_that_drops_is_an_interruption(own_server: Sshd, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "compose.yaml").write_text("services: {}\n")
    (source / "large").write_bytes(os.urandom(24 * MB))
    remote = SshRemote(own_server.endpoint(), options=own_server.options())
    host = Host(remote, tmp_path / "srv" / "shop", source)
    (action,) = host.plan()

    def cut(done: int) -> None:
        if done >= 12 * MB:
            own_server.cut()

    with pytest.raises(ConnectError):
        apply_sync(remote, action, on_bytes=cut)
    remote.close()
    host.remote = again = SshRemote(own_server.endpoint(), options=own_server.options())
    landed(host, 5 * MB)
    time.sleep(1)  # the host takes its time to see that nobody is there
    kept = host_bytes(host)
    assert host.sent(host.deploy) < 24 * MB - kept + MB
    whole(host)
    again.close()


RUN = """\
import sys
from pathlib import Path
from sync_host import Host
from deployer.engine.sync import apply_sync
from deployer.model.connection import Endpoint
from deployer.transport.local import LocalRemote
host = Host(LocalRemote(Endpoint(name="web1", address="localhost", local=True)), Path(sys.argv[1]), Path(sys.argv[2]))
(action,) = host.plan()
apply_sync(host.remote, action, on_bytes=lambda done: print(done, flush=True))
"""


def test_a_sender_that_is_killed_is_an_interruption(tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "srv" / "shop"
    source.mkdir()
    (source / "compose.yaml").write_text("services: {}\n")
    (source / "large").write_bytes(os.urandom(48 * MB))
    argv = [sys.executable, "-c", RUN, str(root), str(source)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parent, text=True) as sender:
        assert sender.stdout
        next(line for line in sender.stdout if int(line) >= 24 * MB)
        sender.kill()
    remote = LocalRemote(Endpoint(name="web1", address="localhost", local=True))
    host = Host(remote, root, source)
    landed(host, 16 * MB)
    time.sleep(1)
    kept = host_bytes(host)
    assert host.sent(host.deploy) < 48 * MB - kept + MB
    whole(host)
    assert inode(root / "current/project/large")
    remote.close()
