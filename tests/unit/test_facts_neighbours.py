"""Which projects stand beside one: asked of real folders with a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deployer.facts.neighbours import OtherProjects
from deployer.model.release import Release
from deployer.model.release_json import to_json


def install(parent: Path, name: str, *, current: bool = True) -> None:
    folder = parent / name / "releases" / "r1"
    folder.mkdir(parents=True)
    release = Release(id="r1", project=name, root="/elsewhere", mounts={"web": ("x:/x",), "db": ()})
    (folder / "release.json").write_text(to_json(release))
    if current:
        (parent / name / "current").symlink_to("releases/r1")


def ask(fact: OtherProjects) -> dict[str, Release]:
    done = subprocess.run(["sh", "-eu"], input=fact.script(), capture_output=True, text=True, check=False)
    assert not done.stderr
    return dict(fact.parse(done.stdout, done.returncode))


def test_projects_that_serve_are_found_by_their_folders(tmp_path: Path) -> None:
    for name in ("shop", "-odd", "with space"):
        install(tmp_path, name)
    install(tmp_path, "never", current=False)
    (tmp_path / "broken" / "current").mkdir(parents=True)
    (tmp_path / "broken" / "current" / "release.json").write_text("{")
    found = ask(OtherProjects(f"{tmp_path}/store"))
    assert sorted(found) == ["-odd", "shop", "with space"]
    shop = found["shop"]
    assert (shop.project, shop.root, shop.mounts) == ("shop", f"{tmp_path}/shop", {"web": ("x:/x",), "db": ()})


def test_nobody_is_asked_where_the_project_serves(tmp_path: Path) -> None:
    install(tmp_path, "shop")
    install(tmp_path, "store")
    assert ask(OtherProjects(f"{tmp_path}/store")) == {}


def test_no_folder_is_no_project(tmp_path: Path) -> None:
    assert ask(OtherProjects(f"{tmp_path}/none/store")) == {}
