"""What `deploy schema` prints: whatever the loaders read it takes, and what they refuse for its form it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from jsonschema import Draft7Validator

from deployer.cli.schema import KINDS, made
from deployer.config import binding, conversion, keywords, schema_types, schema_words
from deployer.config.inventory import load_inventory
from deployer.config.playbook import load_playbook
from deployer.config.settings import SETTINGS
from deployer.config.text import load_yaml
from deployer.errors import ConfigError, DeployerError, PlaybookError
from deployer.model.encrypted import Encrypted
from deployer.modules.all import MODULES

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "tests" / "oracle"
SCHEMAS = {kind: Draft7Validator(made(kind)) for kind in KINDS}


def plain(value: Any) -> Any:
    """What an editor sees of a value: keys are text, what is encrypted is its own text."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Encrypted):
        return "$ANSIBLE_VAULT;1.1;AES256\n00"
    return [plain(one) for one in value] if isinstance(value, list) else value


def wrong(kind: str, value: Any) -> list[str]:
    """What the schema says against a value."""
    found = SCHEMAS[kind].iter_errors(plain(value))
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message[:300]}" for one in found]


def read(path: Path) -> Any:
    return load_yaml(path, error=PlaybookError)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_one(kind: str) -> None:
    schema = made(kind)
    Draft7Validator.check_schema(schema)
    assert {name.removeprefix("#/definitions/") for name in _refs(schema)} <= {*schema["definitions"]}


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        for one in value.values():
            yield from _refs(one)
    elif isinstance(value, list):
        for one in value:
            yield from _refs(one)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_printed_as_json(kind: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("deploy"), "schema", kind], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == made(kind)


PLAYBOOKS = [*(ROOT / "playbooks").glob("*.yml"), *(ORACLE / "plays").glob("*.yml")]


@pytest.mark.parametrize("path", sorted(PLAYBOOKS), ids=lambda path: path.stem)
def test_playbook_that_is_loaded_fits(path: Path) -> None:
    load_playbook(path, MODULES)
    assert wrong("playbook", read(path)) == []


TASKS = [path for path in (ORACLE / "plays" / "tasks").glob("**/*.yml") if path.stem != "book"]  # that is a playbook


@pytest.mark.parametrize("path", sorted(TASKS), ids=lambda path: path.stem)
def test_file_of_tasks_fits(path: Path) -> None:
    assert wrong("tasks", read(path)) == []
    assert wrong("tasks", [{"hosts": "all", "tasks": read(path)}])


# inventories ----------------------------------------------------------------------------------------------------

INVENTORIES = [
    *(ROOT / "inventories").glob("*.yml"),
    *(path for path in (ORACLE / "inventories").glob("*/hosts*") if path.suffix in (".yml", ".yaml", ".json")),
]
NOT_YAML = ("ini_suffix_yml",)  # is read as INI
PLACED = ("refused_yaml_cycle", "refused_yaml_self", "refused_yaml_recursive")  # no schema sees who holds whom
NAMES = ("refused_yaml_int_group", "refused_yaml_int_host")  # to an editor, keys are text
BROKEN = ("refused_yaml_syntax", "refused_yaml_tab", "refused_yaml_tag", "yaml_surrogate")  # is no YAML


@pytest.mark.parametrize("path", sorted(INVENTORIES), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_inventory_fits_if_all_of_it_is_read(path: Path) -> None:
    if path.parent.name in (*NOT_YAML, *PLACED, *NAMES, *BROKEN):
        return
    try:
        is_read = not any("skipped" in one for one in load_inventory(path, may_be_empty=True).warnings)
    except DeployerError:
        is_read = False
    found = wrong("inventory", yaml.load(path.read_text(), Tags))
    assert (found == []) == is_read, found


class Tags(yaml.SafeLoader):
    """Reads what is encrypted as its text, and what is no template as what it is."""


def untagged(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


for _tag in ("!vault", "!vault-encrypted", "!unsafe"):
    Tags.add_constructor(_tag, untagged)


def test_files_of_variables_fit() -> None:
    paths = [path for path in ORACLE.glob("**/*_vars/**/*.y*ml") if path.is_file()]
    assert paths
    for path in paths:
        if "refused_" in str(path):
            continue
        assert wrong("vars", yaml.load(path.read_text(), Tags)) == [], path


@pytest.mark.parametrize(
    "text",
    [
        "all: {hosts: [a]}",
        "all: {vars: [a]}",
        "all: {children: {web: text}}",
        "all: {host: {a: }}",
        "web: [a]",
        "hosts: {a: }",
        "plugin: aws_ec2",
        "all: {hosts: {a: text}}",
        "all: {hosts: {a: {ansible_port: 70000}}}",
        "all: {hosts: {a: {ansible_port: ssh}}}",
        "all: {hosts: {a: {ansible_host: 10}}}",
        "all: {vars: {ansible_connection: docker}}",
        "all: {vars: {ansible_become: perhaps}}",
        "all: {vars: {deploy_services: {web: }}}",
        "all: {vars: {deploy_pull: never}}",
        "all: {vars: {gate_bake: long}}",
        "all: {vars: {gate_http: {status: 200}}}",
        "all: {vars: {gate_http: {url: x, stauts: 200}}}",
        "all: {vars: {rollout_on_failure: stop}}",
        "all: {vars: {keep_releases: all}}",
    ],
)
def test_what_is_wrong_in_an_inventory_is_marked(text: str) -> None:
    assert wrong("inventory", yaml.safe_load(text))


def test_every_setting_has_a_type_that_takes_its_default() -> None:
    for one in SETTINGS:
        assert one.takes is not Any, one.name
        assert wrong("vars", {one.name: one.default}) == [] or one.default is None
        assert wrong("vars", {one.name: "{{ other }}"}) == []


# words and arguments --------------------------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (
    None, True, False, "yes", "OFF", "perhaps", 0, 1, -1, 5, 1.5, 101, "5", "5%", "", " ", "word", "two words", "a.b",
    "{{ x }}", "{% if x %}a{% endif %}", [], ["a"], [1, "50%"], [True], [None], ["{{ x }}"], [["a", "b"]], [{}], {},
    {"a": 1}, {"a b": 1}, {"a": "{{ x }}"}, [{"debug": None}], [{"debug": {"msg": "x"}}], "rollout", "sorted", "all",
)  # fmt: skip
HARMLESS: dict[str, Any] = {"hosts": "all"}


def loads(tmp_path: Path, plays: Any) -> str | None:
    """What the loader says against plays; None if it takes them."""
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump(plays, sort_keys=False))
    try:
        load_playbook(path, MODULES)
    except ConfigError as error:
        return str(error)
    return None


def in_play(word: str, value: Any) -> Any:
    return [{**HARMLESS, word: value}]


def in_block(word: str, value: Any) -> Any:
    return [{**HARMLESS, "tasks": [{"block": [{"debug": None}], word: value}]}]


def in_task(word: str, value: Any) -> Any:
    return [{**HARMLESS, "tasks": [{"debug": None, word: value}]}]


def in_handler(word: str, value: Any) -> Any:
    return [{**HARMLESS, "handlers": [{"name": "x", "debug": None, word: value}]}]


def in_loop_control(word: str, value: Any) -> Any:
    return in_task("loop_control", {word: value})


PLACES = [
    *((in_play, word) for word in keywords.PLAY),
    *((in_block, word) for word in keywords.BLOCK),
    *((in_task, word) for word in keywords.TASK),
    (in_handler, "listen"),
    *((in_loop_control, word) for word in keywords.LOOP_CONTROL),
]
MEANING = (  # what the loader refuses for its meaning: no handler of this name, an expression that is none …
    "no handler is called", "broken template", "condition", "no argument is called", "is empty", "mixes",
    "a task without a module", "there is no module", "must be a mapping, got a list", "loop_control has no",
    "a play without hosts",
)  # fmt: skip


@pytest.mark.parametrize(("place", "word"), PLACES, ids=lambda one: getattr(one, "__name__", one))
def test_a_word_takes_what_the_loader_takes(tmp_path: Path, place: Any, word: str) -> None:
    for value in VALUES:
        said = loads(tmp_path, place(word, value))
        found = wrong("playbook", place(word, value))
        if said is None:
            assert found == [], f"{word}: {value!r}"
        elif not any(part in said for part in MEANING):
            assert found, f"{word}: {value!r}: {said}"


def test_every_word_is_known_to_the_schema() -> None:
    assert {*schema_words.WORDS} == {*keywords.PLAY, *keywords.BLOCK, *keywords.TASK}
    assert {*schema_words.LOOP_CONTROL} == {*keywords.LOOP_CONTROL}


LATER = "{{ later }}"


def call(name: str, argument: str, value: Any) -> Any:
    """A module with one argument as given, and what it needs beside that left to templates."""
    cls = MODULES[name]
    args = dict.fromkeys(schema_types.required(cls), LATER)
    args |= {getattr(cls, "one_of", (argument,))[0]: LATER} if argument not in getattr(cls, "one_of", ()) else {}
    return {**args, argument: value}


def arguments_by_type() -> dict[str, tuple[str, str]]:
    """Of every type that arguments have, one argument with its module."""
    found: dict[str, tuple[str, str]] = {}
    for name, cls in MODULES.items():
        for argument in conversion.public(conversion.arguments(cls)):
            found.setdefault(str(get_type_hints(cls)[argument]), (name, argument))
    return found


@pytest.mark.parametrize(("name", "argument"), arguments_by_type().values())
def test_an_argument_takes_what_its_module_takes(name: str, argument: str) -> None:
    for value in VALUES:
        args = call(name, argument, value)
        said = refusal(name, args)
        found = wrong("playbook", [{"hosts": "all", "tasks": [{name: args}]}])
        if said is None:
            assert found == [], f"{name}: {args}"
        elif " must be " in said:
            assert found, f"{name}: {args}: {said}"


def refusal(name: str, args: Any) -> str | None:
    """What is said against the arguments of a module."""
    return next((str(error) for error in binding.refusals(MODULES[name], name, args)), None)


# what is wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "hosts: all",
        "- nonsense",
        "- {name: x, tasks: []}",
        "- {hosts: all, hosst: x}",
        "- {hosts: all, when: x}",
        "- {hosts: all, roles: [x]}",
        "- {hosts: all, tasks: {}}",
        "- {hosts: all, tasks: [ls]}",
        "- {hosts: all, vars: {a-b: 1}}",
        "- {import_playbook: '{{ x }}'}",
        "- {import_playbook: x.yml, hosts: all}",
        "- {ansible.builtin.import_playbook: [x.yml]}",
    ],
)
def test_what_is_wrong_in_a_play_is_marked(tmp_path: Path, text: str) -> None:
    plays = yaml.safe_load(text)
    assert loads(tmp_path, plays)
    assert wrong("playbook", plays)


@pytest.mark.parametrize(
    "text",
    [
        "name: x",
        "comand: ls",
        "{ansible.builtin.comand: ls}",
        "{command: ls, regster: x}",
        "{command: ls, hosts: x}",
        "{command: ls, async: 5}",
        "{command: ls, with_items: [a]}",
        "{command: ls, shell: ls}",
        "{command: ls, ansible.builtin.command: ls}",
        "{command: [ls]}",
        "{command: {}}",
        "{command: }",
        "{command: {cmd: ls, argv: [ls]}}",
        "{command: {cmd: ls, chidr: /}}",
        "{ansible.builtin.command: {cmd: ls, chidr: /}}",
        "{command: ls, args: {chidr: /}}",
        "{command: ls, args: x}",
        "{command: ls, listen: x}",
        "{command: ls, loop: x}",
        "{command: ls, loop: }",
        "{command: ls, loop: [a], loop_control: {lable: x}}",
        "{copy: x=1}",
        "{copy: {content: x}}",
        "{copy: {dest: /x}}",
        "{copy: {dest: /x, src: a, content: b}}",
        "{copy: {dest: /x, src: a, backup: perhaps}}",
        "{copy: {dest: [/x], src: a}}",
        "{file: {path: /x, state: directory, mode: [7]}}",
        "{lineinfile: {path: /x, line: a, insertbefore: a, insertafter: b}}",
        "{authorized_key: {user: x, key: y, state: gone}}",
        "{wait_for: {port: ssh}}",
        "{debug: {msg: a, var: b}}",
        "{meta: clear_everything}",
        "{meta: {action: clear_everything}}",
        "{meta: noop, loop: [1]}",
        "{include_tasks: }",
        "{include_tasks: {fiel: x.yml}}",
        "{include_tasks: x.yml, become: true}",
        "{import_tasks: x.yml, loop: [a]}",
        "{import_tasks: {apply: {}}}",
        "{block: []}",
        "{block: [{debug: }], register: x}",
        "{block: [{debug: }], loop: [a]}",
        "{block: [{debug: }], rescue: {debug: }}",
        "{block: [{debug: {mgs: x}}]}",
        "{rescue: [{debug: }], debug: }",
        "{gate: {bake: 5}}",
        "{gate: {release: '{{ release }}', http: {url: x, stauts: 200}}}",
        "{gate: {release: '{{ release }}', http: {status: 200}}}",
        "{compose: {release: '{{ release }}', state: down}}",
        "{docker_engine: {daemon: x}}",
    ],
)
def test_what_is_wrong_in_a_task_is_marked(tmp_path: Path, text: str) -> None:
    plays = [{"hosts": "all", "tasks": [yaml.safe_load(text)]}]
    assert loads(tmp_path, plays)
    assert wrong("playbook", plays)


@pytest.mark.parametrize(
    "text",
    [
        "{command: ls}",
        "{ansible.builtin.command: ls, args: {chdir: /}}",
        "{ansible.legacy.command: , args: {argv: [ls]}}",
        "{copy: {dest: /x}, args: {content: y}}",
        "{copy: {dest: /x, src: '{{ a | default(omit) }}', content: '{{ b | default(omit) }}'}}",
        "{lineinfile: {dest: /x, line: y}}",
        "{get_url: {url: https://example.org/x, dest: /x, timeout: '{{ t }}', validate_certs: no}}",
        "{uri: {url: https://example.org, status_code: '200, 204'}}",
        "{set_fact: {colour: blue, size: 3}}",
        "{debug: '{{ x }}', when: [x is defined, true]}",
        "{debug: , loop: '{{ names }}', loop_control: {label: '{{ item }}'}}",
        "{meta: {action: noop}}",
        "{import_tasks: tasks/one.yml}",
        "{include_tasks: {file: '{{ x }}', apply: {become: true}}, loop: [a]}",
        "{ansible.builtin.include_tasks: , args: {file: tasks/one.yml}}",
        "{gate: {release: '{{ release }}', http: '{{ gate_http }}'}}",
        "{shell: 'true', become: yes, until: x is succeeded, retries: '{{ n }}', delay: 1}",
    ],
)
def test_what_is_right_in_a_task_is_not(tmp_path: Path, text: str) -> None:
    plays = [{"hosts": "all", "tasks": [yaml.safe_load(text)]}]
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "one.yml").write_text("")
    assert loads(tmp_path, plays) is None
    assert wrong("playbook", plays) == []
