"""Bare expressions of `when` and its like, as ansible-core 2.19 answers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from deployer.config import binding
from deployer.config.language import Language
from deployer.config.text import load_yaml
from deployer.errors import Place, PlaybookError
from deployer.model.playbook import Task


class HintedError(ValueError):
    """A refusal that knows what to do."""

    hint = "write yes"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A module whose arguments are bare expressions."""

    conditions: ClassVar[str] = "that"
    evaluates: ClassVar[str] = "var"

    that: tuple[str | bool, ...] | str | bool = True
    var: str | None = None
    results: tuple[bool, ...] | None = field(default=None, metadata={"internal": True})
    value: Any = field(default=None, metadata={"internal": True})

    def __post_init__(self) -> None:
        if self.that == "":
            raise HintedError("`that` is empty")


LANGUAGE = Language({"claim": Claim})
PLACE = Place("site.yml", 7, 3)


def holds(*conditions: str | bool, **variables: Any) -> bool:
    return LANGUAGE.test(conditions, variables, place=PLACE)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ((), True),
        ((True,), True),
        ((True, False), False),
        (("n == 5", "n is defined"), True),
        (("nosuch is defined and nosuch.x",), False),
        (("nosuch is not defined",), True),
        (("'web' in groups",), True),
        (("out is changed", "out is not failed", "out is succeeded"), True),
        (("out is skipped",), False),
        (("n | string is match('[0-9]')",), True),
        (("{{ n == 5 }}",), True),
        (("flag",), True),
        (("{'a': {'b': true}}['a']['b']",), True),
        (("'\\1' | length == 1",), True),
        ((False, "nosuch"), False),
    ],
)
def test_conditions_are_bare_expressions_and_all_must_hold(conditions: Any, expected: bool) -> None:
    out = {"changed": True, "failed": False}
    assert holds(*conditions, n=5, groups=["web"], out=out, flag="{{ n == 5 }}") is expected


@pytest.mark.parametrize(
    ("condition", "got"), [("n", "an integer"), ("s", "a string"), ("[1]", "a list"), ("none", "nothing")]
)
def test_a_condition_that_is_no_boolean_is_refused(condition: str, got: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        holds(condition, n=5, s="yes")
    assert caught.value.message == f"condition `{condition}` must be true or false, got {got}"
    assert caught.value.place == PLACE
    assert "| bool" in (caught.value.hint or "")


@pytest.mark.parametrize("condition", ["'{{ n }}' == '5'", "{{ n }}{{ n }}"])
def test_a_condition_that_mixes_text_and_templates_is_refused(condition: str) -> None:
    with pytest.raises(PlaybookError, match="must be one expression"):
        holds(condition, n=5)


def test_an_undefined_variable_in_a_condition_is_an_error() -> None:
    with pytest.raises(PlaybookError, match="`nosuch` is undefined"):
        holds("nosuch == 1")


def bind(args: dict[str, Any], **variables: Any) -> Claim:
    task = Task(name="t", module="claim", args=args, place=PLACE)
    bound: Claim = LANGUAGE.bind(task, variables)
    return bound


def refused(args: dict[str, Any], **variables: Any) -> PlaybookError:
    with pytest.raises(PlaybookError) as caught:
        bind(args, **variables)
    return caught.value


def test_bare_expressions_are_evaluated_into_their_fields() -> None:
    bound = bind({"that": ["n == 5", "'a' in names", True], "var": "names | length"}, n=5, names=["b"])
    assert (bound.that, bound.results) == (("n == 5", "'a' in names", True), (True, False, True))
    assert (bound.var, bound.value) == ("names | length", 1)
    assert bind({"that": "n == 4"}, n=5).results == (False,)


def test_an_expression_to_look_at_may_be_undefined_but_no_condition() -> None:
    assert bind({"var": "nosuch"}).value == "(undefined)"
    assert refused({"that": "nosuch"}).message == "`nosuch` is undefined"
    assert "must be true or false, got an integer" in refused({"that": "n"}, n=5).message


def test_what_is_filled_in_by_the_program_is_not_for_playbooks() -> None:
    found = binding.refusals(Claim, "claim", load_yaml("site.yml", "that: x\nvalue: 5\n"))
    assert [str(one) for one in found] == ["site.yml:2:1: claim: no argument is called `value`"]


def test_the_hint_of_a_refusal_is_kept() -> None:
    assert (refused({"that": ""}).message, refused({"that": ""}).hint) == (
        "claim: `that` is empty",
        "write yes",
    )
