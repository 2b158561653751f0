"""Ansible's filters and lookups, as ansible-core 2.19 answers them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from deployer.config.filters import FILTERS
from deployer.config.language import Language
from deployer.config.lookups import LOOKUPS
from deployer.config.template_tests import TESTS
from deployer.errors import Place, PlaybookError

LANGUAGE = Language({})
PLACE = Place("site.yml", 7, 3)


def render(value: Any, **variables: Any) -> Any:
    return LANGUAGE.render(value, variables, place=PLACE)


def refused(value: Any, **variables: Any) -> PlaybookError:
    with pytest.raises(PlaybookError) as caught:
        render(value, **variables)
    return caught.value


def test_lookups_read_the_environment_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("TOKEN_FOR_TEST", "{{ t }}")
    monkeypatch.delenv("NOT_SET", raising=False)
    (tmp_path / "motd").write_text("hello\n\n")
    assert render("{{ lookup('env', 'TOKEN_FOR_TEST') }}") == "{{ t }}"
    assert render("{{ lookup('env', 'NOT_SET') }}") == ""
    assert render("{{ lookup('env', 'NOT_SET', default='d') }}") == "d"
    assert render("{{ lookup('file', 'motd') }}", playbook_dir=str(tmp_path)) == "hello"
    assert "no file" in refused("{{ lookup('file', 'nosuch') }}", playbook_dir=str(tmp_path)).message


DATA = {"z": 1, "a": [1, {"b": "x: y"}], "u": "é"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ 'yes' | bool }}", True),
        ("{{ 'off' | bool }}", False),
        ("{{ {'a': {'x': 1, 'l': [1]}} | combine({'a': {'y': 2, 'l': [2]}}, recursive=true) }}",
         {"a": {"x": 1, "l": [2], "y": 2}}),
        ("{{ {'a': {'x': 1}} | combine({'a': {'y': 2}}, {'c': 3}) }}", {"a": {"y": 2}, "c": 3}),
        ("{{ d | to_json }}", '{"z": 1, "a": [1, {"b": "x: y"}], "u": "\\u00e9"}'),
        ("{{ [1] | to_nice_json }}", "[\n    1\n]"),
        ("{{ d | to_yaml }}", "a:\n- 1\n- {b: 'x: y'}\nu: é\nz: 1\n"),
        ("{{ d | to_nice_yaml }}", "a:\n- 1\n-   b: 'x: y'\nu: é\nz: 1\n"),
        ("{{ '{\"a\": [1]}' | from_json }}", {"a": [1]}),
        ("{{ 'a: [1]' | from_yaml }}", {"a": [1]}),
        (r"{{ 'v1.2' | regex_replace('^v(\d)\.(\d)$', '\2-\1') }}", "2-1"),
        ("{{ 'abc' | regex_search('z') }}", None),
        (r"{{ 'abc123' | regex_search('([a-z]+)(?P<n>\d+)', '\1', '\g<n>') }}", ["abc", "123"]),
        ("{{ 'a' | b64encode }}{{ 'YQ==' | b64decode }}", "YQ==a"),
        ("{{ 'a b' | quote }} {{ none | quote }}", "'a b' ''"),
        ("{{ {'a': 1} | dict2items }}", [{"key": "a", "value": 1}]),
        ("{{ [{'key': 'a', 'value': 1}] | items2dict }}", {"a": 1}),
        ("{{ [true | ternary(1, 2), 0 | ternary(1, 2), none | ternary(1, 2, 3), none | ternary(1, 2)] }}",
         [1, 2, 3, 2]),
        ("{{ '/a/b' | basename }} {{ '/a/b' | dirname }}", "b /a"),
        ("{{ 'x' | hash }}", "11f6ad8ec52a2984abaafd7c3b516503785c2072"),
        ("{{ ['\\1' | length, 'a\\nb' | length] }}", [2, 4]),  # backslashes are themselves inside {{ }}
    ],
)  # fmt: skip
def test_filters_answer_as_ansibles_do(template: str, expected: Any) -> None:
    assert render(template, d=DATA) == expected


def test_what_is_read_is_bounded() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9))
    assert refused("{{ t | from_yaml }}", t=bomb).message.startswith(
        "`from_yaml` got YAML whose aliases stand for more"
    )
    assert refused("{{ t | from_yaml }}", t="&a [*a]").message.startswith(
        "`from_yaml` got YAML that is nested too deep"
    )
    assert refused("{{ t | from_yaml }}", t="[" * 100_000).message.startswith("`from_yaml` got YAML that is nested too")
    assert refused("{{ t | from_json }}", t="[" * 100_000).message == "`from_json` got JSON that is nested too deeply"


def test_chance_is_new_in_each_rendering_unless_a_seed_is_given() -> None:
    assert len({render("{{ 1000000 | random }}") for _ in range(20)}) > 1
    assert len({render("{{ 1000000 | random(seed='web1') }}") for _ in range(5)}) == 1


def test_filters_see_rendered_values() -> None:
    assert render("{{ l | join(',') }}", l=["{{ a }}", "b"], a=1) == "1,b"
    assert render("{{ m | to_json }}", m={"x": "{{ a }}"}, a=1) == '{"x": 1}'
    assert render("{{ m | combine({'y': 2}) | dict2items | map(attribute='key') }}", m={"x": "{{ a }}"}, a=1) == [
        "x",
        "y",
    ]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ nosuch | mandatory }}", "mandatory variable `nosuch` is not defined"),
        ("{{ nosuch | mandatory('give it with -e') }}", "give it with -e"),
        ("{{ nosuch | to_json }}", "`nosuch` is undefined"),
        ("{{ 1 | combine({}) }}", "`combine` needs a mapping, got an integer"),
        ("{{ 'x' | hash('md55') }}", "`hash`: there is no algorithm `md55`"),
        ("{{ 'x' | regex_search('(') }}", "not a regular expression: missing ), unterminated subpattern at position 0"),
        ("{{ 'x' is failed }}", "`is failed` needs a mapping, got a string"),
        ("{{ 'a' | b64decode }}", "`b64decode` got no base64 of utf-8 text"),
        ("{{ 'ture' | bool }}", "`bool` got a string that is neither true nor false"),
        ("{{ {} | combine({}, list_merge='apend') }}", "`combine`: no `list_merge` is called `apend`"),
        ("{{ '1.0' is version('1.1', '=<') }}", "`is version` has no operator `=<`"),
        ("{{ '1.0' is version('a', '<') }}", "`is version` cannot compare a number with a word"),
        ("{{ '10Mb' | human_to_bytes }}", "`human_to_bytes` got no size"),
        ("{{ 5 | basename }}", "`basename` needs a string, got an integer"),
        (
            "{{ 's3cret' | indent(width=[]) }}",
            "the filter `indent` failed: can't multiply sequence by non-int of type 'list'",
        ),
        ("{{ lookup('file', 'x', nosuch=1) }}", "lookup `file` takes no option `nosuch`"),
        ("{{ lookup('pipe', 'echo s3cret; exit 3') }}", "lookup `pipe`: the command ended with exit status 3"),
        ("{{ lookup('first_found', ['nosuch']) }}", "lookup `first_found`: none of the files is there"),
        ("{{ lookup('vars', 'nosuch') }}", "`nosuch` is undefined"),
        ("{{ lookup('env', 'NOT_SET', default=undef()) }}", "the environment variable `NOT_SET` is not set"),
    ],
)
def test_filters_refuse_in_words(template: str, message: str) -> None:
    assert refused(template).message == message


def test_every_filter_test_and_lookup_is_named_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ansible.md").read_text().partition("## Templates")[2]
    for what, there in (("filters: ", FILTERS), ("tests: ", TESTS), ("`errors`: ", LOOKUPS)):
        listed = page.partition(what)[2].partition("\n- ")[0].partition(";")[0]
        assert set(re.findall(r"`(\w+)`", listed)) == set(there)
