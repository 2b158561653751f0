"""The stream of a release: many gzip members, of which hosts that lack the same files are sent the same."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import pytest

from deployer.config.source_tree import load_tree
from deployer.engine.parcel import LONE, STRETCH, Parcel
from deployer.errors import TransferError
from deployer.model.tree import Tree


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Files for four stretches, and one that is too large to be shared."""
    chance = random.Random(1)
    for number in range(5):
        (tmp_path / f"a{number}").write_bytes(chance.randbytes(STRETCH // 2))
    (tmp_path / "b").write_bytes(chance.randbytes(LONE + 1))
    (tmp_path / "c").write_text("last\n")
    return tmp_path


def parcel(source: Path, tree: Tree, host: str) -> Parcel:
    return Parcel(host=host, source=str(source), tree=tree, beside={"release.json": (host.encode(), 0o600)})


def members(stream: bytes) -> int:
    return stream.count(b"\x1f\x8b\x08" + bytes(6) + b"\xff")


def test_stream_is_one_archive_with_all_of_the_tree(source: Path) -> None:
    heard: list[int] = []
    stream = b"".join(parcel(source, load_tree(source), "web1").stream(heard.append))
    assert members(stream) == 7  # the folder, three stretches of a, the large file, the last one, what lies beside
    with tarfile.open(fileobj=io.BytesIO(stream), mode="r:gz") as archive:
        for path in source.iterdir():
            told = archive.extractfile(f"project/{path.name}")
            assert told is not None
            assert told.read() == path.read_bytes()
        assert archive.getnames()[-1] == "release.json"
    assert heard == sorted(heard)
    assert heard[-1] == sum(path.stat().st_size for path in source.iterdir())


def test_files_are_read_once_for_all_hosts_but_for_large_ones(source: Path) -> None:
    tree = load_tree(source)
    first = b"".join(parcel(source, tree, "web1").stream())
    for path in source.glob("a*"):
        path.unlink()
    second = b"".join(parcel(source, tree, "web2").stream())
    assert len(first) == len(second) > 2 * STRETCH
    with tarfile.open(fileobj=io.BytesIO(second), mode="r:gz") as archive:
        assert [archive.getmember(f"project/a{number}").size for number in range(5)] == [STRETCH // 2] * 5
    (source / "b").unlink()
    with pytest.raises(TransferError, match="'b' changed while it was being sent"):
        list(parcel(source, tree, "web3").stream())


def test_a_stretch_of_folders_ends_too(tmp_path: Path) -> None:
    for number in range(1500):
        (tmp_path / f"{number}").mkdir()
    assert members(b"".join(parcel(tmp_path, load_tree(tmp_path), "web1").stream())) == 1 + 3 + 1


def test_file_that_changed_is_named_to_each_host(source: Path) -> None:
    tree = load_tree(source)
    (source / "c").write_text("other\n")
    for host in ("web1", "web2"):
        with pytest.raises(TransferError, match="'c' changed") as caught:
            list(parcel(source, tree, host).stream())
        assert caught.value.host == host
