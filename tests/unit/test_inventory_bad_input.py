"""Inventories that nobody would write: an error that names the file, in bounded time and memory, never a traceback."""

from __future__ import annotations

import os
import random
import resource
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutation import SEED, mutated, soon_done

from deployer.config import inventory_script, yaml_loader
from deployer.config.inventory import load_inventory
from deployer.errors import ConfigError, InventoryError
from deployer.rollout.patterns import Patterns

INVENTORIES = Path(__file__).parents[1] / "oracle" / "inventories"
TERMS = ("web", "*", "~", "[", "]", "!", "&", ":", ",", "0", "1:3", "-1", "@", "a", " ", "(", "\x00", "é", "all")


def refused(path: Path) -> InventoryError:
    with pytest.raises(InventoryError) as caught:
        load_inventory(path)
    assert caught.value.hint
    return caught.value


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Whatever takes more than a gigabyte above what tests take fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 1_000_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def error_of(path: Path) -> ConfigError | None:
    try:
        with soon_done():
            load_inventory(path)
    except ConfigError as error:
        return error
    return None


def test_mutated_inventories_are_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    texts = [path for path in sorted(INVENTORIES.glob("[!r]*/hosts*")) if not os.access(path, os.X_OK)]
    outcomes = {True: 0, False: 0}
    for number in range(3000):
        model = texts[number % len(texts)]
        path = tmp_path / f"{number}{model.suffix if model.suffix in ('.yml', '.ini', '.json') else ''}"
        path.write_bytes(mutated(model.read_bytes(), chance))
        error = error_of(path)
        assert error is None or str(path) in str(error), model
        outcomes[error is None] += 1
    assert min(outcomes.values()) > 500, outcomes


def test_mutated_variables_are_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    (tmp_path / "hosts").write_text("[web]\nh\n")
    (tmp_path / "group_vars").mkdir()
    model = b"a: 1\nb: &x [1, {c: d}]\ne: *x\nf: {<<: {g: 1}, h: '2'}\ni: |\n  text\nj: 2024-01-01\n"
    for _ in range(1000):
        path = tmp_path / "group_vars" / "web.yml"
        path.write_bytes(mutated(model, chance))
        error = error_of(tmp_path / "hosts")
        assert error is None or str(path) in str(error)


def test_patterns_of_any_signs_mean_hosts_or_are_refused() -> None:
    chance = random.Random(SEED)
    fleet = load_inventory(INVENTORIES / "fleet" / "hosts")
    for _ in range(2000):
        pattern = "".join(chance.choice(TERMS) for _ in range(chance.randrange(1, 8)))
        try:
            meant = Patterns(fleet).evaluate(pattern)
        except InventoryError:
            continue
        assert set(meant) <= {*fleet.hosts, "localhost", "127.0.0.1", "::1"}


def test_a_pipe_is_no_inventory(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "prod.yml")
    assert refused(tmp_path / "prod.yml").message == "cannot be read: a pipe, not a file"
    assert refused(tmp_path).place.path == str(tmp_path / "prod.yml")


def test_a_socket_and_a_device_are_no_inventories(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "prod"))
        assert "cannot be read" in refused(tmp_path / "prod").message
    assert refused(Path("/dev/zero")).message == "cannot be read: a device, not a file"
    assert refused(Path(os.devnull)).message == "no hosts"


@pytest.mark.parametrize("name", ["prod", "prod.yml", "prod.ini"])
def test_fifty_megabytes_are_refused(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(50_000_000)
    assert refused(tmp_path / name).message == "cannot be read: larger than 16 MB"


def test_too_many_values_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_loader, "MOST_VALUES", 5000)
    (tmp_path / "prod.yml").write_text("all:\n  vars:\n    x: [" + "1," * 5000 + "]\n")
    error = refused(tmp_path / "prod.yml")
    assert error.message == "more than 5000 values"
    assert error.place.line == 3


def test_aliases_that_stand_for_billions_are_refused(tmp_path: Path) -> None:
    lines = ["all:", "  vars:", "    a0: &a0 [lol]"]
    lines += [f"    a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (tmp_path / "prod.yml").write_text("\n".join(lines) + "\n")
    assert refused(tmp_path / "prod.yml").message == "its aliases stand for more than 500000 values"


@pytest.mark.parametrize("value", ["x: &a [*a]", "x: &a {b: *a}", "x: &a {b: [{c: *a}]}"])
def test_values_inside_themselves_are_refused(tmp_path: Path, value: str) -> None:
    (tmp_path / "prod.yml").write_text(f"all:\n  hosts:\n    h:\n  vars:\n    {value}\n")
    assert refused(tmp_path / "prod.yml").place.path == str(tmp_path / "prod.yml")


@pytest.mark.parametrize("deep", ["[" * 100_000, "{a: " * 20_000, "- " * 50_000, "? " * 20_000, "a:\n" + " b: [" * 999])
def test_deep_nesting_is_refused(tmp_path: Path, deep: str) -> None:
    (tmp_path / "prod.yml").write_text(deep)
    assert refused(tmp_path / "prod.yml").place.path == str(tmp_path / "prod.yml")


@pytest.mark.parametrize("value", ["[" * 50_000, "(" * 50_000 + ")" * 50_000, "-" * 100_000 + "1", "9" * 100_000])
def test_a_deep_value_of_an_ini_file_stays_text(tmp_path: Path, value: str) -> None:
    (tmp_path / "prod.ini").write_text(f"[web]\nh\n[web:vars]\nv={value}\n")
    assert load_inventory(tmp_path / "prod.ini").hosts["h"].variables["v"] == value


def test_ranges_of_too_many_hosts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "prod").write_text("w[1:60000] v=1\nx[1:60000] v=2\n")
    assert refused(tmp_path / "prod").message == "more than 65536 hosts"
    (tmp_path / "prod").write_text("w[0:999999999999999999]\n")
    assert "stands for more than 65536 hosts" in refused(tmp_path / "prod").message


def test_a_folder_inside_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path)
    assert refused(tmp_path).message == "this folder contains itself"


def script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_script_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_script, "TIMEOUT", 0.5)
    error = refused(script(tmp_path / "prod", "echo slow >&2; sleep 100 & wait"))
    assert error.message == "inventory script: `prod --list` was still running after 0 seconds\nslow"


def test_a_script_that_prints_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_script, "MOST_BYTES", 1_000_000)
    assert "printed more than 1 MB" in refused(script(tmp_path / "prod", f"exec {shutil.which('yes')}")).message


def test_a_script_that_reads_gets_nothing(tmp_path: Path) -> None:
    path = script(
        tmp_path / "prod", 'read line; echo "{\\"web\\": {\\"hosts\\": [\\"h\\"]}, \\"_meta\\": {\\"hostvars\\": {}}}"'
    )
    assert list(load_inventory(path).hosts) == ["h"]


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("{", "what it prints for --list is no JSON in line 1"),
        ("[" * 100_000, "what it prints for --list is no JSON"),
        ("[1]", "the output of --list must be an object, found a list"),
        ('{"_meta": 1}', "_meta must be an object, found a number"),
        ('{"_meta": {}}', "_meta.hostvars must be an object, found nothing"),
        ('{"web": "a"}', "hosts of group 'web' must be a list of names, found a string"),
        ('{"web": {"hosts": [1]}}', "hosts of group 'web' must be a list of names"),
        ('{"web": {"children": {"a": 1}}}', "children of group 'web' must be a list of names, found a mapping"),
        ('{"web": {"vars": 1}}', "vars of group 'web' must be an object, found a number"),
        ('{"": {"vars": {}}}', "a group has no name"),
        ('{"web": ["h"], "_meta": {"hostvars": {"h": 1}}}', "variables of host 'h' must be an object"),
    ],
)
def test_a_script_that_prints_nonsense_is_refused(tmp_path: Path, printed: str, message: str) -> None:
    (tmp_path / "out").write_text(printed)
    error = refused(script(tmp_path / "prod", f"cat {tmp_path}/out"))
    assert error.message.startswith(f"inventory script: {message}")
    assert error.hint == f"run it by hand: {tmp_path}/prod --list"


def test_a_script_that_fails_is_quoted(tmp_path: Path) -> None:
    error = refused(script(tmp_path / "prod", "echo no credentials >&2; exit 7"))
    assert str(error) == f"{tmp_path}/prod: inventory script: `prod --list` ended with status 7\nno credentials"
