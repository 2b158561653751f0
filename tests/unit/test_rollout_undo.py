"""The undo of a switch, known before it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from deployer.engine.guard import render_undo
from deployer.model.action import Link, Run, Script
from deployer.model.release import Release
from deployer.rollout.undo import plan_undo

OLD = Release(id="r1", project="shop", root="/srv/shop", services=("web", "db"), compose_files=("compose.yaml",))
NEW = replace(OLD, id="r2")


def argv(release: Release | None, coming: Release = NEW) -> list[tuple[str, ...]]:
    """What it runs, without the options that name the release."""
    runs = [one.argv for one in plan_undo(release, coming) if isinstance(one, Run)]
    return [words[words.index("up") :] if "up" in words else words[-3:] for words in runs]


def test_host_goes_back_with_the_files_and_images_of_the_release_before() -> None:
    up, link, mark = plan_undo(OLD, NEW)
    assert isinstance(up, Run)
    assert up.title == "docker compose up --detach --no-build --pull never --remove-orphans"
    assert "/srv/shop/releases/r1/project/compose.yaml" in up.argv
    assert "/srv/shop/releases/r1/compose.release.yaml" in up.argv
    assert not any("r2" in word for word in up.argv)
    assert up.argv[-6:] == ("up", "--detach", "--no-build", "--pull", "never", "--remove-orphans")
    assert isinstance(link, Link)
    assert (link.path, link.target) == ("/srv/shop/current", "releases/r1")
    assert isinstance(mark, Script)
    assert {one.because for one in (up, link, mark)} == {"release r2 was not confirmed in time"}


def test_host_with_a_part_of_the_services_loses_only_what_came() -> None:
    part = replace(OLD, services=("web",), whole=False)
    coming = replace(part, id="r2", services=("web", "cache"))
    remove, up = argv(part, coming)
    assert remove[-3:] == ("--stop", "--force", "cache")
    assert up == ("up", "--detach", "--no-build", "--pull", "never", "--no-deps", "web")


def test_first_release_is_stopped_and_its_volumes_stay() -> None:
    stop, mark = plan_undo(None, NEW)
    assert isinstance(stop, Run)
    assert stop.argv[-1] == "stop"
    assert isinstance(mark, Script)


def test_nothing_is_ever_removed_that_holds_data() -> None:
    for before in (OLD, replace(OLD, services=("web",), whole=False), None):
        words = [word for one in plan_undo(before, NEW) if isinstance(one, Run) for word in one.argv]
        assert not {"down", "--volumes", "-v", "prune", "--renew-anon-volumes"} & set(words)


def test_host_whose_release_before_had_no_services() -> None:
    link, _ = plan_undo(replace(OLD, services=(), whole=False), replace(NEW, services=(), whole=False))
    assert isinstance(link, Link)


def rendered(tmp_path: Path, docker: str) -> subprocess.CompletedProcess[str]:
    """Run the undo for real, with a `docker` of these words."""
    tool = tmp_path / "bin/docker"
    if not tool.parent.exists():
        tool.parent.mkdir()
        (tmp_path / "shop/releases/r1").mkdir(parents=True)
        (tmp_path / "shop/releases/r2").mkdir(parents=True)
        (tmp_path / "shop/releases/r2/healthy").touch()
        (tmp_path / "shop/current").symlink_to("releases/r2")
    tool.write_text(f"#!/bin/sh\n{docker}\n")
    tool.chmod(0o755)
    root = str(tmp_path / "shop")
    text = render_undo(plan_undo(replace(OLD, root=root), replace(NEW, root=root)))
    environment = {"PATH": f"{tool.parent}:/usr/bin:/bin"}
    return subprocess.run(["sh", "-c", text], env=environment, capture_output=True, text=True, check=False)


def test_as_a_script_it_can_be_run_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert rendered(tmp_path, "exit 0").returncode == 0
        assert (tmp_path / "shop/current").readlink() == Path("releases/r1")
        assert "was not confirmed in time" in (tmp_path / "shop/releases/r2/failed").read_text()
        assert not (tmp_path / "shop/releases/r2/healthy").exists()


def test_link_stays_where_the_containers_could_not_be_put_back(tmp_path: Path) -> None:
    assert rendered(tmp_path, "echo no such image >&2; exit 1").returncode == 1
    assert (tmp_path / "shop/current").readlink() == Path("releases/r2")
    assert rendered(tmp_path, "exit 0").returncode == 0
    assert (tmp_path / "shop/current").readlink() == Path("releases/r1")
