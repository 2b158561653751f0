"""Templates and the variables that they see, as ansible-core 2.19 answers them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from deployer.config.language import Language
from deployer.config.text import load_yaml
from deployer.errors import Place, PlaybookError
from deployer.model.release import Release

LANGUAGE = Language({})
PLACE = Place("site.yml", 7, 3)
RELEASE = Release(id="r1", project="shop", root="/srv/shop", services=("web", "db"))


def render(value: Any, **variables: Any) -> Any:
    return LANGUAGE.render(value, variables, place=PLACE)


def refused(value: Any, **variables: Any) -> PlaybookError:
    with pytest.raises(PlaybookError) as caught:
        render(value, **variables)
    return caught.value


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ vars['five'] }}", 5),
        ("{{ 5 }}", 5),
        ("{{ five }}", 5),
        ("{{ five }}\n", 5),  # a YAML block's last newline does not make it text
        (" {{ five }}", " 5"),
        ("{{ five }} ", "5 "),
        ("{{ five }}{{ five }}", "55"),
        ("x{{ none }}y", "xy"),
        ("x{{ true }}y", "xTruey"),
        ("{{ none }}", None),
        ("{{ [1, five] }}", [1, 5]),
        ("{{ {'a': five} }} x", "{'a': 5} x"),
        ("{{ '[1, 2]' }}", "[1, 2]"),
        ("a {# no #} b", "a  b"),
        ("plain\n", "plain\n"),
        ("{{ five }}x\n", "5x\n"),
        ("{% if five > 4 %}\nyes\n{% endif %}\nend", "yes\nend"),  # trim_blocks
        ("{{ [1, 2] | map('string') }}", ["1", "2"]),
        ("{{ {'a': 1}.items() }}", [["a", 1]]),
    ],
)
def test_a_lone_expression_keeps_its_type_and_all_else_is_text(template: str, expected: Any) -> None:
    assert render(template, five=5) == expected
    assert type(render(template, five=5)) is type(expected)


def test_objects_pass_through_untouched() -> None:
    assert render("{{ release }}", release=RELEASE) is RELEASE
    assert render("{{ release.tree_path }}/x", release=RELEASE) == "/srv/shop/releases/r1/project/x"
    assert render(RELEASE) is RELEASE


def test_mappings_and_lists_are_rendered_inside() -> None:
    assert render({"a": ["{{ n }}", {"b": "{{ n }}!"}], "c": 1}, n=2) == {"a": [2, {"b": "2!"}], "c": 1}


def test_variables_may_be_templates_of_variables() -> None:
    assert render("{{ a }}", a="{{ b }}x", b="{{ c }}", c=1) == "1x"
    assert render("{{ hosts }}", hosts=["{{ a }}", {"n": "{{ a }}"}], a=1) == [1, {"n": 1}]


def test_a_mapping_may_refer_to_itself_and_an_unused_key_may_be_undefined() -> None:
    paths = {"root": "/srv", "log": "{{ paths.root }}/log", "bad": "{{ nosuch }}"}
    assert render("{{ paths.log }}", paths=paths) == "/srv/log"
    assert render("{{ paths['log'] | upper }}", paths=paths) == "/SRV/LOG"
    assert render("{{ 'bad' in paths }} {{ paths | length }}", paths={"bad": 1}) == "True 1"


def test_lists_of_templates_behave_like_lists() -> None:
    names = ["{{ a }}", "y"]
    assert render("{{ names + ['z'] }}", names=names, a="x") == ["x", "y", "z"]
    assert render("{{ ['z'] + names }}", names=names, a="x") == ["z", "x", "y"]
    assert render("{{ names == ['x', 'y'] }}", names=names, a="x") is True
    assert render("{{ names[:1] }}", names=names, a="x") == ["x"]
    assert render("{{ names[-1] }} {{ names }}", names=names, a="x") == "y ['x', 'y']"
    assert render("{% for n in names %}{{ n }},{% endfor %}", names=names, a="x") == "x,y,"
    assert render("{{ ', '.join(names) }}", names=names, a="x") == "x, y"


@pytest.mark.parametrize(
    ("variables", "chain"),
    [
        ({"a": "{{ a }}"}, "`a` → `a`"),
        ({"a": "{{ b }}", "b": "{{ c }}", "c": "x{{ a }}"}, "`a` → `b` → `c` → `a`"),
        ({"a": {"x": "{{ a.y }}", "y": "{{ a.x }}"}}, "`a.x` → `a.y` → `a.x`"),
    ],
)
def test_circles_are_refused(variables: dict[str, Any], chain: str) -> None:
    assert refused("{{ a }}", **variables).message == f"a variable refers to itself: {chain}"


def test_an_undefined_variable_is_named_with_place_and_nearest_word() -> None:
    error = refused("{{ projct }}/x", project="shop")
    assert str(error) == "site.yml:7:3: `projct` is undefined"
    assert error.hint == "did you mean `project`?"
    assert refused("{{ zzz }}").hint == "define `zzz`, or write `zzz | default(…)`"


def test_an_undefined_variable_inside_another_names_both() -> None:
    assert refused("{{ url }}", url="http://{{ host }}/").message == "`host` is undefined (needed by `url`)"
    assert refused("x{{ a }}", a="{{ b }}", b="{{ host }}").message == "`host` is undefined (needed by `b`)"


def test_a_missing_key_is_named_with_the_nearest_one() -> None:
    error = refused("{{ db.pasword }}", db={"password": "s3cret"})
    assert (error.message, error.hint) == ("a mapping has no `pasword`", "did you mean `password`?")
    assert refused("{{ [x, 1] }}").message == "`x` is undefined"


def test_what_is_undefined_at_any_depth_may_have_a_default() -> None:
    assert render("{{ a.b.c | default('d') }}") == "d"
    assert render("{{ a.b.c | default('d') }}", a={}) == "d"
    assert render("{{ a | default('d') }}", a="{{ nosuch }}") == "d"
    assert render("{{ a is defined }}", a="{{ nosuch }}x") is False


def test_omit_leaves_out_what_has_it() -> None:
    assert render({"a": "{{ x | default(omit) }}", "b": ["{{ omit }}", 1]}) == {"b": [1]}
    assert render("{{ {'a': omit, 'b': [omit, 1]} }}") == {"b": [1]}
    assert render("x{{ omit }}") == "x"
    assert refused("{{ omit ~ 'x' }}").message == "`omit` must be the whole value"


def test_places_inside_a_loaded_file_win_over_the_callers() -> None:
    loaded = load_yaml("vars.yml", "a: 1\nb:\n  - ok\n  - '{{ nosuch }}'\n")
    assert refused(loaded).place == Place("vars.yml", 4, 5)


def test_what_a_template_gives_is_never_a_template_again() -> None:
    said = {"stdout": LANGUAGE.literal("{{ 6 * 7 }}")}
    assert render("{{ out.stdout }}", out=said) == "{{ 6 * 7 }}"
    fact = render("got {{ out.stdout }}", out=said)
    assert render("{{ fact }}!", fact=fact) == "got {{ 6 * 7 }}!"
    assert render("{{ upper }}", upper="{{ out.stdout | trim }}", out=said) == "{{ 6 * 7 }}"
    assert render("{{ '{{ 6 }}' }}") == "{{ 6 }}"


def test_a_template_changes_lists_and_mappings_for_itself_alone() -> None:
    names, paths = ["a", "{{ n }}"], {"x": "{{ n }}", "in": {"y": 1}}
    assert render("{% set _ = names.append('{{ n }}') %}{{ names }}", names=names, n="b") == ["a", "b", "{{ n }}"]
    assert render("{% set _ = paths.update({'z': n}) %}{{ paths }}", paths=paths, n=2) == {
        "x": 2,
        "in": {"y": 1},
        "z": 2,
    }
    assert render("{% set _ = paths['in'].pop('y') %}{{ paths['in'] }}", paths=paths, n=2) == {}
    assert (names, paths) == (["a", "{{ n }}"], {"x": "{{ n }}", "in": {"y": 1}})


def test_literal_protects_at_every_depth() -> None:
    said = LANGUAGE.literal({"lines": ["{{ 1 }}"], "n": 1, "deep": {"x": "{% raw %}"}})
    assert render("{{ said }}", said=said) == {"lines": ["{{ 1 }}"], "n": 1, "deep": {"x": "{% raw %}"}}
    assert render(said) == said


@pytest.mark.parametrize(
    ("template", "message", "hint"),
    [
        ("{{ x | defalt(1) }}", "there is no filter `defalt` in templates", "did you mean `default`?"),
        ("{{ x is defind }}", "there is no test `defind` in templates", "did you mean `defined`?"),
        ("{{ x", "broken template: unexpected end of template, expected 'end of print statement'.", "check the quotes"),
        ("{{ lookup('sequence', 'end=3') }}", "lookup `sequence` is not supported", "use `range(1, 4)`"),
        ("{{ lookup('fil', 'x') }}", "lookup `fil` is not supported", "did you mean `file`?"),
        ("{{ lookup('file', '{{ x }}/y') }}", "a template inside the words of a lookup", "leave out the inner `{{ }}`"),
        ("{{ x if true else (l | map('uper')) }}", "there is no filter `uper` in templates", "did you mean `upper`?"),
        ("{{ l | selectattr('a', 'equal') }}", "there is no test `equal` in templates", "did you mean `equalto`?"),
        ("{{ x | password_hash }}", "there is no filter `password_hash` in templates", "make the hash once"),
        ("{{ x | community.general.json_query('a') }}", "there is no filter `community.general.json_query`", "use `s"),
        ("{{ x is vault_encrypted }}", "there is no test `vault_encrypted` in templates", "a value is decrypted when"),
        ("{{ range(3) }}", "a `range` is no list", "write `range(…) | list`"),
        ("{{ l.index }}", "`index` is something to call", "write `.index()`"),
        ("{{ 'a' if false }}", "an `if` without `else` gave nothing", "say what it gives else"),
        ("{{ 1 + 'a' }}", "a template failed: unsupported operand type(s) for +: 'int' and 'str'", ""),
        ("{{ ''.__class__.__mro__ }}", "a template may not do this: access to attribute '__class__'", ""),
        ("{% include 'nosuch.j2' %}", "no template file `nosuch.j2`", "it is looked for beside the template"),
    ],
)
def test_broken_templates_are_refused_in_words(template: str, message: str, hint: str) -> None:
    error = refused(template, x=1, l=[])
    assert error.message.startswith(message)
    assert (error.hint or "").startswith(hint)
    assert error.place == PLACE


def test_messages_hold_no_values() -> None:
    for template in ("{{ s | from_json }}", "{{ s | from_yaml }}", "{{ s | bool }}", "{{ s | dict2items }}"):
        assert "s3cret" not in str(refused(template, s="s3cret: [")) + str(refused(template, s="s3cret: [").hint)


def test_a_template_file_says_its_own_line() -> None:
    place = Place("nginx.conf.j2")
    for text in ("a\nb\n{{ nosuch }}\n", "a\n{% if x %}\n{{ b | nofilter }}\n{% endif %}"):
        with pytest.raises(PlaybookError) as caught:
            LANGUAGE.render_file(text, {"x": 1, "b": 2}, place=place)
        assert caught.value.place == Place("nginx.conf.j2", 3)


def test_a_template_file_with_a_head_keeps_its_lines_numbers() -> None:
    head = "#jinja2: variable_start_string: '<<', variable_end_string: '>>'\n"
    assert LANGUAGE.render_file(head + "<< x >> {{ x }}\n", {"x": 1}) == "1 {{ x }}\n"
    for text in ("a\n<< nosuch >>\n", "a\n<< x | nofilter >>\n", "a\n<< x"):
        with pytest.raises(PlaybookError) as caught:
            LANGUAGE.render_file(head + text, {"x": 1}, place=Place("f.j2"))
        assert caught.value.place == Place("f.j2", 3)


def test_a_template_file_knows_itself_and_what_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    file = tmp_path / "templates" / "app.conf.j2"
    file.write_text("# {{ ansible_managed }}: {{ template_path }}\n{% include 'part.j2' %}\n")
    (tmp_path / "templates" / "part.j2").write_text("n={{ n }}\n")
    variables = {"playbook_dir": str(tmp_path), "n": 1}
    written = "# Ansible managed: templates/app.conf.j2\nn=1"
    assert LANGUAGE.render_file(file.read_text(), variables, place=Place(str(file))) == written + "\n"
    mine = LANGUAGE.render_file(file.read_text(), {**variables, "ansible_managed": "mine"}, place=Place(str(file)))
    assert mine.startswith("# mine: ")


def test_a_broken_file_that_is_included_is_named(tmp_path: Path) -> None:
    (tmp_path / "part.j2").write_text("ok\n{{ x\n")
    with pytest.raises(PlaybookError) as caught:
        LANGUAGE.render_file("a\n{% include 'part.j2' %}", {"playbook_dir": str(tmp_path)}, place=Place("f.j2"))
    assert caught.value.place == Place(str(tmp_path / "part.j2"), 2)


def test_a_template_file_keeps_its_newlines_and_backslashes() -> None:
    text = "{% for n in names %}\nserver {{ n }};\n{% endfor %}\n{{ 'a\\tb' }}\n"
    assert LANGUAGE.render_file(text, {"names": ["x", "{{ y }}"], "y": 2}) == "server x;\nserver 2;\na\tb\n"


def test_a_line_inside_a_variable_is_not_taken_for_one_of_the_file() -> None:
    with pytest.raises(PlaybookError) as caught:
        LANGUAGE.render_file("a\nb{{ v }}\n", {"v": "\n\n\n\n{{ nosuch }}"}, place=Place("f.j2"))
    assert str(caught.value) == "f.j2:2: `nosuch` is undefined (needed by `v`)"


def test_names_are_those_that_templates_ask_for() -> None:
    value = {"a": ["{{ x.y | default(z) }}"], "b": "{% set q = r %}{{ q }}{{ lookup('env', w) }}", "c": "plain"}
    assert LANGUAGE.names(value) == {"x", "z", "r", "w"}
    assert LANGUAGE.names(5) == frozenset()
    assert LANGUAGE.condition_names((True, "a is defined and b.c")) == {"a", "b"}


def test_hostvars_are_rendered_among_themselves() -> None:
    hosts = LANGUAGE.hostvars({"w.1": {"url": "http://{{ ip }}/", "ip": "10.0.0.1"}, "w.2": {"ip": "10.0.0.2"}})
    assert render("{{ hostvars['w.1'].url }} {{ ip }}", hostvars=hosts, ip="mine") == "http://10.0.0.1/ mine"
    assert render("{{ hostvars | list }}", hostvars=hosts) == ["w.1", "w.2"]
    assert refused("{{ hostvars['w.2'].url }}", hostvars=hosts).message == "a mapping has no `url`"


def test_one_language_serves_many_threads() -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            if render("{{ a }}", a="{{ b }}!", b=number) != f"{number}!":
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
