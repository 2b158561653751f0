"""`-e` gives the variables that it gives in Ansible: its own splitter is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_runs import Ansible

from deployer.config.extra_vars import parse_extra_vars
from deployer.errors import ConfigError

GIVEN = (
    "a=1", "a=1 b=2", "a='x y' b=\"z w\"", "d='\"x y\"'", "a=b=c", "a=", "a='it''s'", 'a="q\\"q"', "a={{ x y }}",
    "a='{{ x }} y'", "a={{ 'x' }} b={{ y | default('}') }}", "a=\\n", "a=x\\ty", "a='[1, 2]'", "a=[1,2]", 'a={"b":1}',
    "a=1,b=2", "a='1' b=true", "a=x#y", "a\\=b=c", "é=ü", "a=\\\\", 'a="x\ny"', "a=$x", "a=`b`", "a=b\nc=d",
    "a=1\tb=2", "a=C:\\temp", "x='{\"a\": \"b c\"}'", "a=x'y z'w", "'a=b c'", "a=\\'x\\'", "a=\\u00e9", "a=\\x41",
    "{a: 1, b: [1, null]}", '{"a": 1, "b": null}', "{a: yes, b: 'yes'}", "{}",
)  # fmt: skip
ASK = """
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
print(json.dumps([DataLoader().load(one) if one[0] == "{" else parse_kv(one) for one in json.load(sys.stdin)]))
"""


def test_values_are_those_of_ansible(ansible: Ansible, tmp_path: Path) -> None:
    done = ansible.run("python", "-c", ASK, cwd=tmp_path, stdin=json.dumps(GIVEN))
    assert done.returncode == 0, done.stderr
    assert [(one, parse_extra_vars([one])) for one in GIVEN] == list(zip(GIVEN, json.loads(done.stdout), strict=True))


def test_later_ones_win_and_files_keep_types(tmp_path: Path) -> None:
    (tmp_path / "more.yml").write_text("a: 2\nb: {c: [1]}\n")
    (tmp_path / "more.json").write_text('{"b": null}')
    given = ["a=1 b=1", f"@{tmp_path}/more.yml", f"@{tmp_path}/more.json"]
    assert parse_extra_vars(given) == {"a": 2, "b": None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("foo", "-e: word 1 of 1 is no KEY=VALUE"),
        ("a=1 # c", "-e: word 2 of 3 is no KEY=VALUE"),
        ("a = 1", "-e: word 1 of 3 is no KEY=VALUE"),
        ("a='x", "-e: no closing quotation"),
        ("a={{ x", "-e: no closing }}"),
        ("a=\\U99999999", "-e: an escape"),
        ("[1]", "-e: word 1 of 1 is no KEY=VALUE"),
        ("{[1]: 2}", "-e:1:2: "),
        ("./vars.yml", "-e ./vars.yml: a file is named with an @ before it"),
        ("@nowhere.yml", "nowhere.yml: cannot be read"),
    ],
)
def test_what_is_no_variable_is_refused(given: str, message: str) -> None:
    """Ansible passes over words without a `=`."""
    with pytest.raises(ConfigError) as refused:
        parse_extra_vars([given])
    assert str(refused.value).startswith(message)
    assert refused.value.hint
