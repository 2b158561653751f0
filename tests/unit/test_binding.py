"""Tasks bound to module dataclasses: types as Ansible reads them, everything else refused at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, Literal

import pytest

from deployer.config.language import Language
from deployer.config.text import load_yaml
from deployer.errors import Place, PlaybookError
from deployer.model.action import HttpCheck
from deployer.model.playbook import Task
from deployer.model.release import Release

RELEASE = Release(id="r1", project="shop", root="/srv/shop")


class Speed(StrEnum):
    SLOW = "slow"
    FAST = "fast"


@dataclass(frozen=True, kw_only=True)
class Everything:
    """A module with an argument of every kind."""

    name: str = "x"
    count: int = 0
    ratio: float = 0.0
    on: bool = False
    maybe: str | None = None
    mode: int | str = 0
    files: tuple[str, ...] = ()
    ports: list[int] = field(default_factory=list)
    services: Sequence[str] = ()
    unique: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    daemon: dict[str, Any] = field(default_factory=dict)
    checks: tuple[HttpCheck, ...] = ()
    http: HttpCheck | None = None
    release: Release | None = None
    state: Literal["present", "absent"] = "present"
    speed: Speed = Speed.SLOW
    path: PurePosixPath | None = None
    argv: str | tuple[str, ...] = ()
    anything: Any = None


@dataclass(frozen=True, kw_only=True)
class Picky:
    """A module with a requirement and an opinion."""

    path: str
    size: int = 1
    made: str = field(default="here", init=False)

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError("`path` must be absolute")


LANGUAGE = Language({"everything": Everything, "picky": Picky})


def bind(args: Mapping[str, Any], module: str = "everything", **variables: Any) -> Any:
    task = Task(name="t", module=module, args=args, place=Place("site.yml", 3))
    return LANGUAGE.bind(task, variables)


def refused(args: Mapping[str, Any], module: str = "everything", **variables: Any) -> PlaybookError:
    with pytest.raises(PlaybookError) as caught:
        bind(args, module, **variables)
    return caught.value


@pytest.mark.parametrize(
    ("argument", "given", "bound"),
    [
        ("name", 5, "5"),
        ("name", "{{ five }}", "5"),
        ("name", "{{ said }}", "{{ five }}"),
        ("count", "5", 5),
        ("count", " {{ five }}", 5),
        ("count", 5.0, 5),
        ("ratio", "1.5", 1.5),
        ("ratio", 2, 2.0),
        ("on", "yes", True),
        ("on", "off", False),
        ("on", "{{ 'True' }}", True),
        ("on", 1, True),
        ("maybe", None, None),
        ("maybe", "{{ none }}", None),
        ("maybe", "s", "s"),
        ("mode", 0o644, 0o644),
        ("mode", "0644", "0644"),
        ("files", ["a", "{{ five }}"], ("a", "5")),
        ("files", "a, b", ("a", "b")),
        ("files", "{{ names }}", ("a", "b")),
        ("ports", ["80", 443], [80, 443]),
        ("services", ["web"], ("web",)),
        ("unique", ["a", "a"], frozenset({"a"})),
        ("env", {"A": 1, "B": "{{ five }}"}, {"A": "1", "B": "5"}),
        ("daemon", {"log": {"max": 3}}, {"log": {"max": 3}}),
        ("http", {"url": "http://x/", "status": "204"}, HttpCheck(url="http://x/", status=204)),
        ("checks", [{"url": "http://{{ five }}/"}], (HttpCheck(url="http://5/"),)),
        ("state", "absent", "absent"),
        ("speed", "fast", Speed.FAST),
        ("path", "/a/b", PurePosixPath("/a/b")),
        ("argv", "ls -l", "ls -l"),
        ("argv", ["ls", "{{ five }}"], ("ls", "5")),
        ("anything", {"a": ["{{ five }}"]}, {"a": [5]}),
    ],
)
def test_arguments_become_what_the_module_takes(argument: str, given: Any, bound: Any) -> None:
    variables = {"five": 5, "names": ["a", "b"], "said": LANGUAGE.literal("{{ five }}")}
    value = getattr(bind({argument: given}, **variables), argument)
    assert value == bound
    assert type(value) is type(bound)


def test_an_object_of_the_fields_type_passes_through_untouched() -> None:
    assert bind({"release": "{{ release }}"}, release=RELEASE).release is RELEASE
    assert (
        bind({"release": "{{ here }}"}, here="{{ hosts[0].release }}", hosts=[{"release": RELEASE}]).release is RELEASE
    )


def test_an_omitted_argument_keeps_its_default() -> None:
    assert bind({"name": "{{ n | default(omit) }}", "count": 2}) == Everything(count=2)


def test_other_arguments_may_be_given_in_place_of_the_tasks() -> None:
    task = Task(name="t", module="picky", args={"path": "/a"})
    assert LANGUAGE.bind(task, {"b": "/b"}, args={"path": "{{ b }}", "size": 2}) == Picky(path="/b", size=2)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"daemon": "s3cret"}, "`daemon` must be a mapping, got a string"),
        ({"daemon": ["s3cret"]}, "`daemon` must be a mapping, got a list"),
        ({"count": "s3cret"}, "`count` must be an integer, got a string"),
        ({"count": 1.5}, "`count` must be an integer, got a number"),
        ({"count": True}, "`count` must be an integer, got a boolean"),
        ({"count": None}, "`count` must be an integer, got nothing"),
        ({"on": "s3cret"}, "`on` must be true or false, got a string"),
        ({"on": 2}, "`on` must be true or false, got an integer"),
        ({"name": ["s3cret"]}, "`name` must be a string, got a list"),
        ({"name": None}, "`name` must be a string, got nothing"),
        ({"maybe": {}}, "`maybe` must be a string, got a mapping"),
        ({"mode": []}, "`mode` must be an integer or a string, got a list"),
        ({"argv": {}}, "`argv` must be a string or a list, got a mapping"),
        ({"files": {"a": 1}}, "`files` must be a list, got a mapping"),
        ({"ports": [80, "x"]}, "`ports[1]` must be an integer, got a string"),
        ({"env": {"A": [1]}}, "`env.A` must be a string, got a list"),
        ({"http": "http://x/"}, "`http` must be a mapping, got a string"),
        ({"http": {"url": "x", "status": "ok"}}, "`http.status` must be an integer, got a string"),
        ({"http": {"status": 200}}, "`http`: argument `url` is missing"),
        ({"checks": [{"url": "x"}, {}]}, "`checks[1]`: argument `url` is missing"),
        ({"release": "r1"}, "`release` must be a mapping, got a string"),
        ({"state": "s3cret"}, "`state` must be one of `present`, `absent`, got a string"),
        ({"speed": "s3cret"}, "`speed` must be one of `slow`, `fast`, got a string"),
        ({"path": 5}, "`path` must be a path, got an integer"),
    ],
)
def test_a_wrong_type_is_refused_without_its_value(args: Mapping[str, Any], message: str) -> None:
    error = refused(args)
    assert error.message == f"everything: {message}"
    assert error.place == Place("site.yml", 3)
    assert "s3cret" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        ({"deamon": {}}, "no argument is called `deamon`", "did you mean `daemon`?"),
        (
            {"http": {"url": "x", "contians": "y"}},
            "`http`: no argument is called `contians`",
            "did you mean `contains`?",
        ),
        ({"state": "presnt"}, "`state` must be one of `present`, `absent`, got a string", "did you mean `present`?"),
        ({"name": True}, "`name` must be a string, got a boolean", "put it into quotes"),
    ],
)
def test_the_hint_is_what_was_meant(args: Mapping[str, Any], message: str, hint: str) -> None:
    error = refused(args)
    assert (error.message, error.hint) == (f"everything: {message}", hint)


def test_what_a_class_refuses_is_an_error_of_the_playbook() -> None:
    error = refused({"path": "{{ p }}"}, "picky", p="relative")
    assert str(error) == "site.yml:3: picky: `path` must be absolute"


def test_missing_arguments_are_named_also_when_omitted() -> None:
    assert refused({}, "picky").message == "picky: argument `path` is missing"
    assert refused({"path": "{{ omit }}"}, "picky").message == "picky: argument `path` is missing"
    assert refused({"path": "/", "made": "x"}, "picky").hint == "it takes path, size"


def test_errors_of_rendered_values_point_at_their_line() -> None:
    args = load_yaml("site.yml", "name: x\nhttp:\n  url: y\n  status: '{{ s }}'\nfiles:\n  - a\n  - '{{ nosuch }}'\n")
    assert refused(args, nosuch={}).message == "`s` is undefined"
    assert refused(args, s="ok", nosuch="b").place == Place("site.yml", 4, 3)
    assert refused(args, s=200, nosuch={}).place == Place("site.yml", 7, 5)
    assert refused(args, s=200).place == Place("site.yml", 7, 5)
