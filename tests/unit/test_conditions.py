"""Bare expressions of `when` and its like, as ansible-core 2.19 answers them."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.config.language import Language
from deployer.errors import Place, PlaybookError

LANGUAGE = Language({})
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
