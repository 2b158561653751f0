import copy

import pytest

from deployer.config.text import load_yaml
from deployer.config.values import kind_of, nearest, place_of
from deployer.errors import NOWHERE, InventoryError, Place


def load(text):
    return load_yaml("x.yml", text, InventoryError)


def test_every_key_and_item_knows_where_it_stands():
    top = load("all:\n  hosts: [a,\n    b]\n")
    assert top == {"all": {"hosts": ["a", "b"]}}
    assert place_of(top) == Place("x.yml", 1, 1)
    assert place_of(top["all"], "hosts") == Place("x.yml", 2, 3)
    assert place_of(top["all"]["hosts"], 1) == Place("x.yml", 3, 5)
    assert place_of(copy.deepcopy(top), "all") == Place("x.yml", 1, 1)


def test_a_place_is_unknown_for_what_was_not_loaded():
    assert place_of({"a": 1}, "a") == place_of("a") == NOWHERE


def test_an_unknown_key_has_the_place_of_its_mapping():
    assert place_of(load("a: 1"), "b") == Place("x.yml", 1, 1)


def test_merge_keys_and_anchors_work_and_may_be_overridden():
    top = load("base: &base {a: 1, b: 1}\nweb:\n  <<: *base\n  b: 2\n")
    assert top["web"] == {"a": 1, "b": 2}
    assert place_of(top["web"], "a").line == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("yes", True),
        ("0644", 420),
        ("0o14", "0o14"),
        ("2026-01-02", "2026-01-02"),
        ("'{{ a }}'", "{{ a }}"),
        ("{a: ~}", {"a": None}),
        ("=", "="),
    ],
)
def test_values_are_typed_as_yaml_1_1_does_and_dates_are_text(text, value):
    assert load(text) == value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yml:3:1", "key 'a' is given twice, first in line 1"),
        ("a:\n\t- b", "x.yml:2:1", "broken YAML: found character '\\t' that cannot start any token"),
        ("a: b: c", "x.yml:1:5", "broken YAML: mapping values are not allowed here"),
        ("a: 'x", "x.yml:1:6", "broken YAML: found unexpected end of stream"),
        ("a: {{ name }}", "x.yml:1:5", "a key must be a plain word"),
        ("a: !secret x", "x.yml:1:4", "tag !secret is not supported here"),
        ("a: !vault [x]", "x.yml:1:4", "tag !vault expects an encrypted text"),
        ("a: !!python/object:os.system x", "x.yml:1:4", "tag !!python/object:os.system is not supported here"),
        ("a: 1\n--- b", "x.yml:2:1", "broken YAML: expected a single document in the stream"),
        ("a: *b", "x.yml:1:4", "broken YAML: found undefined alias 'b'"),
        ("a: &a [*a]", "x.yml:1:4", "broken YAML: found unconstructable recursive node"),
        ("a: \x07", "x.yml:1:4", "broken YAML: character U+0007 is not allowed"),
        ("a: 2026-13-45", "x.yml:1:4", "not a possible timestamp"),
        ("a: !!timestamp x", "x.yml:1:4", "not a possible timestamp"),
        ("a: !!seq x", "x.yml:1:4", "tag tag:yaml.org,2002:seq expects a list"),
        ("a: !!int []", "x.yml:1:4", "tag tag:yaml.org,2002:int expects a plain value"),
        ("a: !!map x", "x.yml:1:4", "tag tag:yaml.org,2002:map expects a mapping"),
        ("[" * 5000, "x.yml", "broken YAML: nested too deeply"),
    ],
)
def test_broken_text_is_refused_in_one_line_with_its_place_and_what_to_do(text, place, message):
    with pytest.raises(InventoryError) as caught:
        load(text)
    assert str(caught.value.place) == place
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_refused_value_is_not_repeated_in_the_message():
    with pytest.raises(InventoryError) as caught:
        load("password: !!int hunter2")
    assert "hunter2" not in str(caught.value)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "latin.yml").write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(InventoryError, match=r"latin.yml:2: not UTF-8: byte 0xe9"):
        load_yaml(tmp_path / "latin.yml", error=InventoryError)
    with pytest.raises(InventoryError, match=r"no.yml: cannot be read: no such file"):
        load_yaml(tmp_path / "no.yml", error=InventoryError)
    with pytest.raises(InventoryError, match="cannot be read: is a directory"):
        load_yaml(tmp_path, error=InventoryError)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load_yaml(tmp_path / "a.yml") == {"a": 1}


def test_the_nearest_word_ignores_case_and_may_be_none():
    assert nearest("Hots", ["hosts", "vars"]) == "hosts"
    assert nearest("xyz", ["hosts", "vars"]) is None
    assert nearest(5, []) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        ({}, "a mapping"),
        ([], "a list"),
        ("x", "a string"),
        (True, "true or false"),
        (1.5, "a number"),
    ],
)
def test_a_value_is_described_by_its_kind(value, words):
    assert kind_of(value) == words
