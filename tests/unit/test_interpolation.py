"""`${NAME}` as Compose reads it."""

from __future__ import annotations

import pytest

from deployer.config.interpolation import filled_names, interpolate, needed_names


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("$A-${A}", "1-1"),
        ("$$A ${{", "$A ${{"),
        ("${B:-x}${B-x}${E:-x}[${E-x}]", "xxx[]"),
        ("${A:+y}${E+y}[${E:+y}][${B+y}]", "yy[][]"),
        ("${B:-a:${C:-${A}}:z}", "a:1:z"),
        ("${B:?say so}:$B", "${B}:${B}"),
        ("${A", "1"),
    ],
)
def test_interpolation_is_composes(text: str, becomes: str) -> None:
    assert interpolate(text, {"A": "1", "E": ""}) == becomes


def test_names_that_must_not_be_empty() -> None:
    assert list(filled_names("${A:?} ${B?} ${C:-x} $D ${E:?why}")) == ["A", "E"]


def test_needed_names_come_in_order_and_from_inside_defaults() -> None:
    assert list(needed_names("${B?x} $A ${C-${D}} ${E+${F}} $$G $1")) == ["B", "A", "D"]
