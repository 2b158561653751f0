"""What the shell of compose, prune and release does: a real `sh`, and a `docker` that keeps its images in a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_docker import Host

from deployer.facts.containers import ProjectContainers, ProjectImages
from deployer.facts.releases import InstalledReleases
from deployer.model.action import Action, Link, Run, Script
from deployer.model.release import Installed, Release
from deployer.model.release_json import to_json
from deployer.modules.compose import Compose
from deployer.modules.prune import Prune
from deployer.modules.release import ReleaseMark


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def built(host: Host, release: Release, installed: Installed | None = None, pull: Any = "missing") -> list[Action]:
    seen = {
        InstalledReleases(release.root): installed or Installed(root=release.root),
        ProjectContainers("shop"): (),
        ProjectImages("shop"): frozenset[str](),
    }
    return list(Compose(release=release, state="built", pull=pull).plan(seen))  # type: ignore[arg-type]


def pulled(host: Host, name: str, installed: Installed | None = None, pull: Any = "missing") -> str:
    release = host.release(name, services=("cache", "db"), images={"cache": "redis:8", "db": "postgres:17"})
    host.apply(*built(host, release, installed, pull))
    return Path(f"{release.path}/pins").read_text()


def checked_then_pulled(host: Host, release: Release) -> str:
    """The shell that reads the compose files and then pulls the release's only image."""
    check, pull = (one for one in built(host, release) if "pull and pin" in one.title or "config" in one.title)
    assert isinstance(check, Script)
    assert isinstance(pull, Script)
    return f"{check.text}\n{pull.text}"


def test_compose_reads_the_files_once_however_many_images_they_name(host: Host) -> None:
    pulled(host, "r1")
    assert [call.rpartition(" ")[2] for call in host.calls if call.startswith("compose ")] == ["config"]
    assert (host.root / "releases/r1/images").stat().st_mode & 0o777 == 0o600


def test_images_are_pulled_and_pinned(host: Host) -> None:
    assert pulled(host, "r1") == "cache\tshop-cache:r1\ndb\tshop-db:r1\n"
    assert host.tags == ["redis:8", "shop-cache:r1", "postgres:17", "shop-db:r1"]
    pins = (host.root / "releases/r1/compose.release.yaml").read_text()
    assert pins.split("\n", 1)[1] == ("services:\n  cache:\n    image: shop-cache:r1\n  db:\n    image: shop-db:r1\n")
    assert (host.root / "releases/r1/pins").stat().st_mode & 0o777 == 0o600


def test_pulled_and_built_images_stand_in_one_file(host: Host) -> None:
    release = host.release("r1", services=("db", "web"), built=("web",), images={"db": "postgres:17"})
    actions = built(host, release)
    host.apply(*(one for one in actions if not isinstance(one, Run)))
    assert Path(f"{release.path}/pins").read_text() == "web\tshop-web:r1\ndb\tshop-db:r1\n"
    (build,) = (one for one in actions if isinstance(one, Run))
    assert build.argv[-2:] == ("build", "web")


def test_compose_is_its_plugin_where_there_is_one_and_else_a_command_of_docker(host: Host) -> None:
    check = next(one for one in built(host, host.release("r1", services=("web",), built=("web",))))
    assert isinstance(check, Script)
    host.apply(check)
    assert [call.split()[0] for call in host.calls] == ["plugin", "compose"]
    (Path(host.env["DOCKER_CONFIG"]) / "cli-plugins" / "docker-compose").unlink()
    host.apply(replace(check, text=check.text.replace(" /usr/", " /nowhere/")))
    assert [call.split()[0] for call in host.calls] == ["plugin", "compose", "compose"]


def test_files_that_compose_refuses_are_told_with_its_version(host: Host) -> None:
    check = next(one for one in built(host, host.release("r1", services=("web",), built=("web",))))
    assert isinstance(check, Script)
    (host.state / "config.yaml").write_text("")
    refused = host.sh(check.text)
    assert (refused.returncode, refused.stdout) == (15, "docker compose is 2.26.1\n")
    assert refused.stderr == "yaml: no services\n"


def test_image_that_is_there_is_not_pulled(host: Host) -> None:
    host.images("redis:8 one", "postgres:17 two")
    pulled(host, "r1")
    assert [call for call in host.calls if call.startswith("pull")] == []


def test_image_that_is_there_is_pulled_where_that_is_asked_for(host: Host) -> None:
    host.images("redis:8 one", "postgres:17 two")
    pulled(host, "r1", pull="always")
    assert [call for call in host.calls if call.startswith("pull")] == [
        "pull --quiet redis:8",
        "pull --quiet postgres:17",
    ]


def test_pin_of_the_release_before_is_kept_where_the_image_is_the_same(host: Host) -> None:
    host.images("redis:8 same", "shop-cache:r1 same", "postgres:17 new", "shop-db:r1 old")
    now = Installed(root=str(host.root), current="r1", pins={"cache": "shop-cache:r1", "db": "shop-db:r1"})
    assert pulled(host, "r2", now) == "cache\tshop-cache:r1\ndb\tshop-db:r2\n"


def test_pin_whose_image_is_gone_is_made_anew(host: Host) -> None:
    host.images("redis:8 same", "postgres:17 same")
    now = Installed(root=str(host.root), current="r1", pins={"cache": "shop-cache:r1", "db": "shop-db:r1"})
    assert pulled(host, "r2", now) == "cache\tshop-cache:r2\ndb\tshop-db:r2\n"


def test_service_that_compose_knows_no_image_for_is_said(host: Host) -> None:
    release = host.release("r1", services=("web",), images={"web": ""})
    done = host.sh(checked_then_pulled(host, release))
    assert (done.returncode, done.stdout) == (1, "compose knows no image for web\n")


def test_image_that_cannot_be_pulled_fails_the_step(host: Host) -> None:
    release = host.release("r1", services=("db",), images={"db": "postgres:17"})
    done = host.sh('docker() { [ "$1" != pull ] && command docker "$@"; }\n' + checked_then_pulled(host, release))
    assert done.returncode != 0
    assert not Path(f"{release.path}/compose.release.yaml").exists()


def test_definitions_that_run_are_recorded_and_read_back(host: Host) -> None:
    release = host.release("r1", services=("db", "web"))
    Path(f"{release.path}/release.json").write_text(to_json(release))
    labels = [
        {
            "com.docker.compose.config-hash": config,
            "com.docker.compose.project": "shop",
            "com.docker.compose.service": name,
        }
        for name, config in (("web", "bbb"), ("db", "aaa"), ("web", "bbb"))
    ]
    listed = [{"Id": "1", "Names": ["/x"], "Labels": one, "State": "running"} for one in labels]
    (host.state / "containers").write_text(json.dumps(listed, separators=(",", ":")))
    seen: Any = {
        InstalledReleases(release.root): Installed(root=release.root),
        ProjectContainers("shop"): (),
        ProjectImages("shop"): frozenset(),
    }
    host.apply(*(one for one in Compose(release=release).plan(seen) if isinstance(one, Script)))
    host.apply(Link(path=f"{release.root}/current", target="releases/r1", because="test"))
    assert host.look().hashes == {"db": "aaa", "web": "bbb"}
    assert "com.docker.compose.project%3Dshop" in host.calls[-1]


# release --------------------------------------------------------------------------------------------------------


def marks(host: Host, release: Release, **args: Any) -> list[Action]:
    seen: Any = {InstalledReleases(release.root): host.look()}
    return list(ReleaseMark(release=release, **args).plan(seen))


def test_marks_are_read_back(host: Host) -> None:
    for name in ("r1", "r2"):
        release = host.release(name, by="ann@laptop")
        Path(f"{release.path}/release.json").write_text(to_json(release))
    host.apply(*marks(host, host.release("r1")))
    host.apply(*marks(host, host.release("r2"), state="failed", reason="it's $HOME `id` %s\nand more"))
    now = host.look()
    assert (now.current, now.healthy, now.failed) == ("r1", {"r1"}, {"r2"})
    assert marks(host, host.release("r1")) == []
    assert marks(host, host.release("r2"), state="failed") == []
    assert (host.root / "releases/r2/failed").read_text() == "it's $HOME `id` %s\nand more\n"


def test_release_that_passed_its_gate_and_was_put_back_is_failed_and_no_longer_healthy(host: Host) -> None:
    release = host.release("r1")
    Path(f"{release.path}/release.json").write_text(to_json(release))
    host.apply(*marks(host, release))
    host.apply(*marks(host, release, state="failed"))
    assert (host.look().healthy, host.look().failed) == (frozenset(), {"r1"})
    host.apply(*marks(host, release))
    assert (host.look().healthy, host.look().failed) == ({"r1"}, frozenset())


def test_every_mark_is_a_line_of_history(host: Host) -> None:
    host.apply(*marks(host, host.release("r1", by="ann@laptop")))
    host.apply(*marks(host, host.release("r2", by="ben@laptop"), state="failed", reason="one\ntwo"))
    lines = (host.root / ".deploy/history.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "r1 healthy by ann@laptop: it passed its gate",
        "r2 failed by ben@laptop: one two",
    ]


def test_release_that_never_came_is_marked_in_history_only(host: Host) -> None:
    gone = Release(id="r9", project="shop", root=str(host.root))
    host.apply(*marks(host, gone, state="failed"))
    assert not Path(gone.path).exists()
    assert "r9 failed" in (host.root / ".deploy/history.log").read_text()


# prune ----------------------------------------------------------------------------------------------------------


def prune(host: Host, keep: int, *names: str) -> None:
    releases = {name: host.release(name, services=("db", "web")) for name in names}
    now = Installed(root=str(host.root), current=names[-1], releases=releases, healthy=frozenset(names))
    seen: Any = {InstalledReleases(str(host.root)): now}
    host.apply(*Prune(release=releases[names[-1]], keep=keep).plan(seen))


def pins(host: Host, name: str, **tags: str) -> None:
    lines = "".join(f"{service}\t{tag}\n" for service, tag in tags.items())
    Path(host.release(name).path, "pins").write_text(lines)


def test_old_releases_go_with_their_tags(host: Host) -> None:
    for name in ("r1", "r2", "r3"):
        pins(host, name, db=f"shop-db:{name}", web=f"shop-web:{name}")
    host.images(*(f"shop-{service}:{name} x" for name in ("r1", "r2", "r3") for service in ("db", "web")))
    prune(host, 2, "r1", "r2", "r3")
    assert sorted(path.name for path in (host.root / "releases").iterdir()) == ["r0", "r2", "r3"]
    assert host.tags == ["shop-db:r2", "shop-web:r2", "shop-db:r3", "shop-web:r3"]


def test_tag_that_another_release_is_pinned_to_stays(host: Host) -> None:
    pins(host, "r1", db="shop-db:r1", web="shop-web:r1")
    pins(host, "r2", db="shop-db:r1", web="shop-web:r2")
    host.images("shop-db:r1 x", "shop-web:r1 y", "shop-web:r2 z")
    prune(host, 1, "r1", "r2", "r3")
    assert host.tags == ["shop-db:r1", "shop-web:r2"]


def test_tag_of_an_older_release_goes_with_the_last_one_that_is_pinned_to_it(host: Host) -> None:
    pins(host, "r1", db="shop-db:r0")
    pins(host, "r2", db="shop-db:r2")
    host.images("shop-db:r0 x", "shop-db:r2 y")
    prune(host, 1, "r1", "r2", "r3")
    assert host.tags == ["shop-db:r2"]


def test_images_of_others_stay(host: Host) -> None:
    pins(host, "r1", db="postgres:17", web="other-web:r1")
    host.images("postgres:17 x", "other-web:r1 y", "shop-admin-web:r1 z", "shop-web:r1 w")
    prune(host, 1, "r1", "r2", "r3")
    assert host.tags == ["postgres:17", "other-web:r1", "shop-admin-web:r1"]


def test_release_without_pins_goes_all_the_same(host: Host) -> None:
    prune(host, 1, "r1", "r2", "r3")
    assert sorted(path.name for path in (host.root / "releases").iterdir()) == ["r0", "r2", "r3"]
