"""When a release is brought to a host, from what it is built, and how its environment is written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from deployer.facts.releases import InstalledReleases
from deployer.model.action import Action, Sync
from deployer.model.release import Installed, Release
from deployer.model.release_json import from_json, release_digest, to_json
from deployer.model.tree import Entry, Tree
from deployer.modules.project_sync import ProjectSync, render_env

ROOT = "/srv/shop"


def release(name: str = "20260102T000000Z-bbbbbbb", **rest: Any) -> Release:
    return Release(id=name, project="shop", root=ROOT, **{"digest": "two", **rest})


OLD = release("20260101T000000Z-aaaaaaa", digest="one")
NEW = release()


def planned(installed: Installed, wanted: Release = NEW, **env: str) -> list[Action]:
    module = ProjectSync(source="/code", tree=Tree(), release=wanted, env=env)
    return list(module.plan(dict.fromkeys(module.facts(), installed)))  # type: ignore[arg-type]


def on_host(*releases: Release, current: str | None = None) -> Installed:
    return Installed(root=ROOT, current=current, releases={release.id: release for release in releases})


class TestPlan:
    def test_unchanged_when_the_release_is_there(self) -> None:
        assert planned(on_host(NEW, current=NEW.id)) == []

    def test_unchanged_when_it_is_there_and_another_serves(self) -> None:
        assert planned(on_host(OLD, NEW, current=OLD.id)) == []

    @pytest.mark.parametrize(
        ("installed", "base", "because"),
        [
            (on_host(), None, "no release on the host yet"),
            (on_host(OLD, current=OLD.id), OLD.id, f"content differs from current {OLD.id}"),
            (on_host(OLD), OLD.id, f"release {NEW.id} is not on the host"),
            (on_host(OLD, current="gone"), OLD.id, f"release {NEW.id} is not on the host"),
            (on_host(replace(OLD, digest="two"), current=OLD.id), OLD.id, f"release {NEW.id} is not on the host"),
            (on_host(OLD, replace(NEW, digest="x")), NEW.id, f"release {NEW.id} on the host has other content"),
        ],
    )
    def test_says_why_and_builds_on_what_is_there(self, installed: Installed, base: str | None, because: str) -> None:
        (action,) = planned(installed)
        assert isinstance(action, Sync)
        assert (action.base, action.because, action.serves) == (base, because, False)

    def test_the_environment_is_the_owners_alone_and_names_the_release(self) -> None:
        (action,) = planned(on_host(), KEY="se cret")
        assert isinstance(action, Sync)
        assert action.files == {".env": (f"DEPLOY_RELEASE='{NEW.id}'\nKEY='se cret'\n".encode(), 0o600)}

    def test_a_secret_is_in_no_repr(self) -> None:
        assert "se cret" not in repr(ProjectSync(source="/code", tree=Tree(), release=NEW, env={"KEY": "se cret"}))


def compose_reads(text: str) -> dict[str, str]:
    """A dotenv file as compose-go reads it: quotes, escapes and `$$`, as far as they can be written."""
    read = {}
    for name, single, double in re.findall(r"""^(\w+)=(?:'([^']*)'|"([^"]*)")$""", text, re.MULTILINE):
        octal = re.sub(r"\\0(\d{3})", lambda found: chr(int(found[1], 8)), double)
        read[name] = single or octal.replace("$$", "$")
    return read


VALUES = [
    "", "plain", " spaces around ", "a # no comment", "$HOME ${HOME} $$ $", 'say "hi"', "it's", "it's $5 \"each\"",
    "back\\slash", "ends in \\", "\\", "\\'", '\\"', "\\n is no newline", "two\nlines\n", "it's\ntwo", "cr\r\n",
    "tür ☃", "=", "'", '"', "`id`", "C:\\new'\\0134", "\t", "${X:-'}",
]  # fmt: skip


class TestEnv:
    @pytest.mark.parametrize("value", VALUES)
    def test_a_value_comes_back_as_it_was(self, value: str) -> None:
        assert compose_reads(render_env({"BEFORE": "1", "NAME": value, "Z": "after"})) == {
            "BEFORE": "1", "NAME": value, "Z": "after"
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "A\n", "Ä"])
    def test_a_name_that_no_shell_knows_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="no name of a variable"):
            render_env({name: "x"})

    def test_a_nul_is_refused_without_telling_the_value(self) -> None:
        with pytest.raises(ValueError, match=r"^the value of KEY holds a NUL, which no environment can$"):
            render_env({"KEY": "se\0cret"})


class TestReleaseJson:
    def test_comes_back_as_it_was(self) -> None:
        told = release(services=("web", "db"), images={"db": "postgres:16"}, whole=False, commit="3f9a", by="me@here")
        assert from_json(to_json(told)) == told

    def test_is_short_and_one_line(self) -> None:
        assert "\n" not in to_json(NEW)
        assert set(json.loads(to_json(NEW))) == {"format", "id", "project", "root", "digest"}

    def test_takes_what_it_knows_from_a_newer_tool(self) -> None:
        text = json.dumps({"format": 9, "id": "x", "project": "p", "root": "/r", "shiny": {"new": 1}})
        assert from_json(text) == Release(id="x", project="p", root="/r")

    @pytest.mark.parametrize(
        "text", ["", "[]", "{", '{"id":"x"}', '{"id":1,"project":"p","root":"/r"}',
                 '{"id":"x","project":"p","root":"/r","services":"web"}',
                 '{"id":"x","project":"p","root":"/r","images":["a"]}']
    )  # fmt: skip
    def test_refuses_what_is_no_release(self, text: str) -> None:
        with pytest.raises(ValueError):  # noqa: PT011
            from_json(text)


class TestDigest:
    same = staticmethod(lambda **rest: release_digest("tree", release(**rest), {"A": "1"}))

    def test_does_not_depend_on_who_when_and_whence(self) -> None:
        other = release("other", commit="c", by="me", created="now", branch="b", dirty=True, digest="x")
        assert release_digest("tree", other, {"A": "1", "DEPLOY_RELEASE": "other"}) == self.same()

    @pytest.mark.parametrize(
        "rest", [{"services": ("web",)}, {"profiles": ("p",)}, {"compose_files": ("c.yaml",)}, {"networks": ("n",)},
                 {"volumes": ("v",)}, {"images": {"web": "nginx:2"}}]
    )  # fmt: skip
    def test_depends_on_what_compose_is_told(self, rest: dict[str, Any]) -> None:
        assert self.same(**rest) != self.same()

    def test_depends_on_tree_and_environment(self) -> None:
        digests = {release_digest(tree, NEW, {"A": value}) for tree in ("tree", "other") for value in ("1", "2")}
        assert len(digests) == 4

    def test_is_the_same_in_every_version_of_this_format(self) -> None:
        tree = Tree((Entry(path="a", kind="file", sha256="00"),)).digest
        assert release_digest(tree, release(services=("web",)), {"A": "ä"})[:16] == "d6253314bbd84e7d"


class TestInstalledReleases:
    def parse(self, output: str) -> Installed:
        return InstalledReleases(ROOT).parse(output, 0)

    def test_nothing_is_an_answer(self) -> None:
        assert self.parse("") == Installed(root=ROOT)

    def test_reads_what_the_script_prints(self) -> None:
        output = f"""\
current:{NEW.id}
{OLD.id}/healthy:
{NEW.id}/failed:
lost/healthy:
{NEW.id}/release.json:{to_json(replace(NEW, root="/elsewhere"))}
{OLD.id}/release.json:{to_json(OLD)}
broken/release.json:{{"id":
{OLD.id}/pins:web\tshop-web:0
{NEW.id}/pins:web\tshop-web:1
./{NEW.id}/hashes:web 0a1b
"""
        assert self.parse(output) == Installed(
            root=ROOT, current=NEW.id, releases={OLD.id: OLD, NEW.id: NEW}, healthy=frozenset({OLD.id}),
            failed=frozenset({NEW.id}), pins={"web": "shop-web:1"}, hashes={"web": "0a1b"},
            pinned={OLD.id: {"web": "shop-web:0"}, NEW.id: {"web": "shop-web:1"}},
        )  # fmt: skip
        assert list(self.parse(output).releases) == [OLD.id, NEW.id]
