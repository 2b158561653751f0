"""A release folder on a real host: real sh, tar and sha256sum, in a folder that is thrown away."""

from __future__ import annotations

import gzip
import os
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from sync_host import Host, arrived, inode, mode

from deployer.config.source_tree import load_tree
from deployer.engine.manifest import parse_listing, unpack_listing, verifiable
from deployer.engine.sync import apply_sync, delta
from deployer.errors import TransferError
from deployer.model.release import Installed
from deployer.model.tree import Tree

EVERYWHERE = ["local-dash", "local-busybox", "ssh-dash", "ssh-busybox"]


@pytest.fixture
def host(request: pytest.FixtureRequest, make_host: Callable[[str], Host]) -> Host:
    """This machine, or what a test asks for, with three files in the project's source."""
    made = make_host(getattr(request, "param", "local-dash"))
    (made.source / "compose.yaml").write_text("services: {}\n")
    (made.source / "app.py").write_text("print('hello')\n" * 2000)
    (made.source / "noise.bin").write_bytes(os.urandom(300_000))
    return made


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
def test_a_first_release_is_whole(host: Host) -> None:
    release, _ = host.deploy()
    assert arrived(host, release)
    assert sorted(path.name for path in release.iterdir()) == [".env", "manifest", "modes", "project", "release.json"]
    private = {name: mode(release / name) for name in (".env", "manifest", "modes", "release.json")}
    assert private == dict.fromkeys(private, "0o600")
    assert (mode(release), mode(release / "project"), mode(host.root / ".deploy")) == ("0o755", "0o755", "0o700")
    assert (release / ".env").read_text() == f"DEPLOY_RELEASE='{release.name}'\nSECRET=\"it's $$ecret\"\n"
    assert host.look().serving is not None
    assert host.leftovers() == []


def test_an_unchanged_project_plans_nothing(host: Host) -> None:
    host.deploy()
    assert host.plan() == []


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
def test_one_changed_file_travels_alone(host: Host) -> None:
    old, _ = host.deploy()
    (host.source / "app.py").write_text("print('bye')\n")
    heard: list[int] = []
    cost = host.sent(lambda: host.deploy(on_bytes=heard.append))
    new = host.root / "current"
    assert cost < 6000
    assert heard == [len("print('bye')\n")]
    assert inode(new / "project/noise.bin") == inode(old / "project/noise.bin")
    assert (old / "project/app.py").read_text().startswith("print('hello')")
    assert (new / "project/app.py").read_text() == "print('bye')\n"


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
def test_modes_are_exact_whatever_the_umask(host: Host) -> None:
    (host.source / "open").mkdir()
    (host.source / "open/to-all").write_text("x")
    (host.source / "open/to-all").chmod(0o666)
    (host.source / "open").chmod(0o777)
    (host.source / "app.py").chmod(0o4755)
    host.remote.run("umask 077")
    release, _ = host.deploy()
    tree = release / "project"
    assert [mode(tree / name) for name in ("open", "open/to-all", "app.py")] == ["0o777", "0o666", "0o755"]


def test_a_mode_alone_makes_a_release_and_leaves_the_old_one_its_own(host: Host) -> None:
    old, _ = host.deploy()
    (host.source / "app.py").chmod(0o755)
    new, _ = host.deploy()
    assert (mode(old / "project/app.py"), mode(new / "project/app.py")) == ("0o644", "0o755")
    assert inode(old / "project/noise.bin") == inode(new / "project/noise.bin")


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
def test_a_deleted_file_is_gone_and_a_moved_one_does_not_travel(host: Host) -> None:
    old, _ = host.deploy()
    (host.source / "app.py").unlink()
    (host.source / "sub").mkdir()
    (host.source / "noise.bin").rename(host.source / "sub/renamed.bin")
    assert host.sent(host.deploy) < 6000
    assert arrived(host, host.root / "current")
    new = host.root / "current/project"
    assert inode(new / "sub/renamed.bin") == inode(old / "project/noise.bin")


def test_a_name_may_change_its_case_alone(host: Host) -> None:
    (host.source / "Readme").write_text("text")
    (host.source / "Assets").mkdir()
    (host.source / "Assets/Logo.svg").write_text("<svg/>")
    host.deploy()
    (host.source / "Readme").rename(host.source / "README")
    (host.source / "Assets").rename(host.source / "assets")
    new, _ = host.deploy()
    assert load_tree(new / "project").digest == load_tree(host.source).digest
    names = sorted(path.name for path in (new / "project").iterdir())
    assert names == ["README", "app.py", "assets", "compose.yaml", "noise.bin"]


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
def test_a_file_may_become_a_folder_or_a_link_and_back(host: Host) -> None:
    (host.source / "one").write_text("file")
    (host.source / "two").mkdir()
    (host.source / "two/file").write_text("file")
    (host.source / "three").symlink_to("/etc")
    host.deploy()
    shutil.rmtree(host.source / "two")
    for name in ("one", "three"):
        (host.source / name).unlink()
    (host.source / "one").mkdir()
    (host.source / "one/file").write_text("file")
    (host.source / "two").symlink_to("one")
    (host.source / "three").mkdir()
    (host.source / "three/passwd").write_text("mine")
    before = Path("/etc/passwd").read_bytes()
    new, _ = host.deploy()
    assert load_tree(new / "project").digest == load_tree(host.source).digest
    assert Path("/etc/passwd").read_bytes() == before


def test_what_others_left_in_the_old_release_is_not_taken_over(host: Host) -> None:
    old, _ = host.deploy()
    (old / "project/__pycache__").mkdir()
    (old / "project/__pycache__/x.pyc").write_text("stale")
    (host.source / "app.py").write_text("new")
    new, _ = host.deploy()
    assert load_tree(new / "project") == load_tree(host.source)


ODD = [
    "-rf", "a b", " ", "line\nbreak", "back\\slash", "back\\nslash", "*", "tür", "'", '"', "$(id)", "x: FAILED",
    "x: OK", os.fsdecode(b"\xff\xfe"), "icon\r", "deep/" + "very-long-name-" * 15 + "/" + "file-" * 45, "#", "\\", "\n",
    "{root}",
]  # fmt: skip


@pytest.mark.parametrize("host", EVERYWHERE, indirect=True)
def test_odd_names_links_and_empty_folders_survive_twice(host: Host) -> None:
    for name in ODD:
        (host.source / name).parent.mkdir(parents=True, exist_ok=True)
        (host.source / name).write_text(f"{name!a}\n")
    (host.source / "empty/nested").mkdir(parents=True)
    (host.source / "dangling").symlink_to("/no/such/place")
    (host.source / "up").symlink_to("../../outside")
    (host.source / "to folder").symlink_to("empty")
    (host.source / ("l" * 120)).symlink_to("t" * 150)
    first, _ = host.deploy()
    assert arrived(host, first)
    (host.source / "app.py").write_text("changed")
    second, result = host.deploy()
    assert arrived(host, second)
    shared = [name for name in ODD if inode(first / "project" / name) == inode(second / "project" / name)]
    assert shared == [name for name in ODD if verifiable(name)]
    assert len(shared) == len(ODD) - 6  # on the others sha256sums disagree
    assert result.stdout == ""


@pytest.mark.parametrize("name", ["noise.bin", "a: FAILED", os.fsdecode(b"\xff")])
@pytest.mark.parametrize("harm", ["changed", "deleted"])
def test_a_file_that_was_tampered_with_is_sent_in_full(host: Host, name: str, harm: str) -> None:
    (host.source / name).write_bytes(os.urandom(100_000))
    old, _ = host.deploy()
    spoiled = old / "project" / name
    if harm == "changed":
        spoiled.write_text("tampered")
    else:
        spoiled.unlink()
    (host.source / "app.py").write_text("new")
    new, result = host.deploy()
    assert load_tree(new / "project") == load_tree(host.source)
    assert f"changed on the host in release {old.name}, so sent in full: " in result.stdout
    assert spoiled.exists() == (harm == "changed")
    if harm == "changed":
        assert spoiled.read_text() == "tampered"
    assert inode(new / "project/compose.yaml") == inode(old / "project/compose.yaml")
    assert host.leftovers() == []


def test_without_a_readable_base_everything_is_sent(host: Host) -> None:
    old, _ = host.deploy()
    (old / "manifest").write_text("nonsense")
    (host.source / "app.py").write_text("new")
    new, _ = host.deploy()
    assert load_tree(new / "project") == load_tree(host.source)
    assert inode(new / "project/noise.bin") != inode(old / "project/noise.bin")


def test_a_stream_that_breaks_is_no_release(host: Host) -> None:
    host.deploy()
    (host.source / "app.py").write_text("new")
    (host.source / "zero").write_bytes(os.urandom(500_000))
    (action,) = host.plan()

    def hang_up(done: int) -> None:
        if done > 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_sync(host.remote, action, on_bytes=hang_up)
    assert not Path(action.release.path).exists()
    assert len(host.leftovers()) == 1  # for the next one
    (action,) = host.plan()
    apply_sync(host.remote, action)
    assert host.leftovers() == []
    assert host.look().releases.keys() == {"20260101T000000Z-abcdef0", action.release.id}


@pytest.mark.parametrize("harm", ["longer", "shorter", "other", "gone", "link"])
def test_a_source_that_changes_meanwhile_is_an_error_that_names_it(host: Host, harm: str) -> None:
    (action,) = host.plan()
    file = host.source / "app.py"
    content = file.read_text()
    file.unlink()
    if harm == "link":
        file.symlink_to("compose.yaml")
    elif harm != "gone":
        file.write_text({"longer": content + "x", "shorter": content[1:], "other": content[:-1] + "x"}[harm])
    with pytest.raises(TransferError, match=r"^web1: 'app.py' changed while it was being sent: ") as caught:
        apply_sync(host.remote, action)
    assert "run again" in str(caught.value.hint)
    assert host.look().releases == {}
    (action,) = host.plan()
    apply_sync(host.remote, action)
    assert host.leftovers() == []


def test_a_release_that_is_there_is_never_written(host: Host) -> None:
    release, _ = host.deploy()
    (host.source / "app.py").write_text("new")
    (action,) = host.plan(release.name)
    with pytest.raises(TransferError, match="it is there already, with other content"):
        apply_sync(host.remote, action)
    assert (release / "project/app.py").read_text() != "new"


def test_a_host_that_cannot_take_it_says_why(host: Host) -> None:
    (action,) = host.plan()
    host.root.parent.mkdir()
    host.root.write_text("a file where the folder should be")
    with pytest.raises(TransferError, match=r"^web1: release 2026\S+ could not be brought: mkdir: .*shop"):
        apply_sync(host.remote, action)


def test_leftovers_are_removed_however_old(host: Host) -> None:
    host.deploy()
    for name, age in ((".tmp-old", 3 * 86400), (".tmp-young", 3600)):
        (host.root / "releases" / name / "project").mkdir(parents=True)
        os.utime(host.root / "releases" / name, (0, os.stat(host.root).st_mtime - age))
    (host.source / "app.py").write_text("new")
    host.deploy()
    assert host.leftovers() == []
    assert len(host.look().releases) == 2


def test_memory_does_not_grow_with_the_file(host: Host) -> None:
    with open(host.source / "large.bin", "wb") as large:
        for _ in range(30):
            large.write(os.urandom(1 << 20))
    (action,) = host.plan()
    tracemalloc.start()
    try:
        apply_sync(host.remote, action)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
    assert (Path(action.release.tree_path) / "large.bin").stat().st_size == 30 << 20


def test_the_look_finds_marks_pins_and_hashes(host: Host) -> None:
    first, _ = host.deploy()
    (host.source / "app.py").write_text("new")
    second, _ = host.deploy()
    (first / "healthy").touch()
    (second / "failed").touch()
    (second / "pins").write_text("web\tshop-web:2\ndb\tpostgres@sha256:00\n")
    (second / "hashes").write_text("web 11\ndb 22\n")
    (host.root / "releases/broken").mkdir()
    (host.root / "releases/broken/release.json").write_text("{")
    (host.root / "releases/.tmp-x").mkdir()
    (host.root / "releases/.tmp-x/release.json").write_text((first / "release.json").read_text())
    seen = host.look()
    assert (seen.current, list(seen.releases)) == (second.name, [first.name, second.name])
    assert (seen.healthy, seen.failed) == ({first.name}, {second.name})
    assert seen.pins == {"web": "shop-web:2", "db": "postgres@sha256:00"}
    assert seen.hashes == {"web": "11", "db": "22"}


def test_the_look_at_nothing_is_an_answer(host: Host) -> None:
    assert host.look() == Installed(root=str(host.root))
    host.root.mkdir(parents=True)
    assert host.look() == Installed(root=str(host.root))
    (host.root / "current").symlink_to("releases/gone")
    assert host.look() == Installed(root=str(host.root), current="gone")


def test_delta_sends_what_the_host_has_not(host: Host) -> None:
    tree = load_tree(host.source)
    files = ("app.py", "compose.yaml", "noise.bin")
    assert delta(tree, {"old": tree}) == ((), {path: f"old/project/{path}" for path in files})
    assert delta(tree, {"old": Tree()}) == (tree.entries, {})
    assert delta(tree, {"": Tree(), ".tmp-1": tree}) == ((), {path: f".tmp-1/project/{path}" for path in files})


@pytest.mark.parametrize("encoded", ["", "nonsense", "####", gzip.compress(b"644\n", mtime=0).hex()])
def test_a_list_that_makes_no_sense_is_no_base(encoded: str) -> None:
    assert parse_listing(unpack_listing(encoded)) == Tree()
