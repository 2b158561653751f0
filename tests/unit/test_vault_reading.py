"""Encrypted files and values in inventories, variables, playbooks and modules: opened on use, shown nowhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.cli.environment import Environment
from deployer.cli.main import main
from deployer.cli.options import Choice
from deployer.config.extra_vars import parse_extra_vars
from deployer.config.inventory import load_inventory
from deployer.config.language import Language
from deployer.config.playbook import load_playbook
from deployer.config.text import load_yaml
from deployer.config.vault import encrypt
from deployer.config.vault_keys import NO_KEYS, Key, Keyring
from deployer.errors import ConfigError, ExitCode, Place, VaultError
from deployer.model.encrypted import Encrypted
from deployer.modules.all import MODULES

SECRET = "hunter2 {{ x }}"
INI = "[web]\nweb1 token=hunter2\n[web:vars]\nn=4711\n"


def keys() -> Keyring:
    return Keyring([Key("prod", b"pw")])


def scalar(text: str, *, indent: int = 2, label: str = "prod") -> str:
    lines = encrypt(text.encode(), b"pw", label).decode().splitlines()
    return "!vault |\n" + "".join(f"{' ' * indent}{line}\n" for line in lines)


def put(path: Path, text: str, *, encrypted: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encrypt(text.encode(), b"pw", "prod") if encrypted else text.encode())
    return path


# whole files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [("prod", INI), ("prod.ini", INI), ("prod.yml", "web: {hosts: {web1: {token: hunter2}}, vars: {n: 4711}}\n")],
)
def test_an_inventory_file_may_be_encrypted(tmp_path: Path, name: str, text: str) -> None:
    found = load_inventory(put(tmp_path / name, text), vault=keys())
    assert found.hosts["web1"].variables == {"token": "hunter2", "n": 4711}


def test_files_of_variables_may_be_encrypted(tmp_path: Path) -> None:
    source = put(tmp_path / "prod", "[web]\nweb1\n", encrypted=False)
    put(tmp_path / "group_vars/all/secrets.yml", "a: 1\nb: '{{ a }}'\n")
    put(tmp_path / "group_vars/web", "c: 2\n")
    put(tmp_path / "host_vars/web1.json", '{"d": 3}')
    assert load_inventory(source, vault=keys()).hosts["web1"].variables == {"a": 1, "b": "{{ a }}", "c": 2, "d": 3}


def test_templates_in_an_encrypted_file_are_templates(tmp_path: Path) -> None:
    variables = load_yaml(put(tmp_path / "x.yml", "a: 1\nb: '{{ a }}'\n"), vault=keys())
    assert Language({}).render("{{ b }}", variables) == 1


def test_extra_variables_may_be_in_an_encrypted_file(tmp_path: Path) -> None:
    assert parse_extra_vars([f"@{put(tmp_path / 'x.yml', 'a: 1')}"], keys()) == {"a": 1}


def test_a_playbook_may_be_encrypted(tmp_path: Path) -> None:
    path = put(tmp_path / "play.yml", "- hosts: web\n  tasks:\n    - debug: {msg: hello}\n")
    assert load_playbook(path, MODULES, keys()).plays[0].hosts == "web"


@pytest.mark.parametrize("option", ["--syntax-check", "--list-tasks", "--list-hosts", "--list-tags"])
def test_an_encrypted_playbook_is_listed_too(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    put(Path("play.yml"), "- hosts: all\n  tasks: [{name: one, debug: {msg: x}}]\n")
    put(Path("hosts"), "here ansible_connection=local\n", encrypted=False)
    put(Path("pw"), "pw\n", encrypted=False)
    args = ["deploy", "run", "x", "-i", "hosts", "--playbook", "play.yml", "--vault-id", "prod@pw", option]
    monkeypatch.setattr(sys, "argv", args)
    main()
    assert "playbook: play.yml" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["prod", "group_vars/all.yml", "host_vars/web1"])
@pytest.mark.parametrize(
    ("vault", "said"),
    [(NO_KEYS, "encrypted, and no vault password was given"), (Keyring([Key("dev", b"x")]), "opens it")],
)
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str, vault: Keyring, said: str) -> None:
    put(tmp_path / "prod", "[web]\nweb1\n", encrypted=False)
    path = put(tmp_path / name, INI)
    with pytest.raises(VaultError, match=said) as caught:
        load_inventory(tmp_path / "prod", vault=vault)
    assert caught.value.place == Place(str(path), 1)


# !vault values --------------------------------------------------------------------------------------------------


def test_a_value_is_read_without_a_password(tmp_path: Path) -> None:
    path = put(tmp_path / "x.yml", f"a: 1\nb: {scalar(SECRET)}c: [{{d: 2}}]\n", encrypted=False)
    found = load_yaml(path)
    assert isinstance(found["b"], Encrypted)
    assert found["b"].place == Place(str(path), 2, 4)
    assert (found["a"], found["c"]) == (1, [{"d": 2}])


def test_a_value_is_decrypted_when_it_is_used_and_is_no_template(tmp_path: Path) -> None:
    text = f"x: 1\nb: {scalar(SECRET)}deep:\n  - k: {scalar('inner', indent=6)}"
    variables = load_yaml(put(tmp_path / "x.yml", text, encrypted=False))
    language = Language({}, keys())
    used = "{{ b }}|{{ deep[0].k }}|{{ b | upper }}|{{ b | length }}"
    assert language.render(used, variables) == f"{SECRET}|inner|{SECRET.upper()}|15"
    assert language.render("{{ deep }}", variables) == [{"k": "inner"}]
    assert language.render("{{ x }}", {**variables, "b": Encrypted("nonsense", Place("x"))}) == 1
    assert language.test(("b == 'hunter2 ' ~ '{' ~ '{ x }}'", "deep | length == 1"), variables)


def test_a_raw_value_is_rendered_to_its_text(tmp_path: Path) -> None:
    variables = load_yaml(put(tmp_path / "x.yml", f"b: {scalar(SECRET)}", encrypted=False))
    rendered = Language({}, keys()).render(variables, {})
    assert rendered == {"b": SECRET}
    assert Language({}).render("{{ b }}", rendered) == SECRET


def test_hostvars_decrypt_too(tmp_path: Path) -> None:
    variables = load_yaml(put(tmp_path / "x.yml", f"b: {scalar('s')}", encrypted=False))
    language = Language({}, keys())
    assert language.render("{{ hostvars.web1.b }}", {"hostvars": language.hostvars({"web1": variables})}) == "s"


@pytest.mark.parametrize("used", ["{{ b }}", "x {{ c }}", "{{ d.e }}", "{{ b | default('x') }}"])
def test_a_value_that_cannot_be_opened_is_named_with_its_line(tmp_path: Path, used: str) -> None:
    path = put(tmp_path / "x.yml", f"b: {scalar('s')}c: '{{{{ b }}}}'\nd: {{e: '{{{{ b }}}}'}}\n", encrypted=False)
    for vault in (NO_KEYS, Keyring([Key("dev", b"x")])):
        with pytest.raises(VaultError) as caught:
            Language({}, vault).render(used, load_yaml(path))
        assert caught.value.place == Place(str(path), 1, 4)


def test_a_value_in_a_playbook_is_an_argument_like_any_other(tmp_path: Path) -> None:
    text = f"- hosts: web\n  tasks:\n    - copy:\n        dest: /x\n        content: {scalar('s', indent=10)}"
    (task,) = load_playbook(put(tmp_path / "p.yml", text, encrypted=False), MODULES).plays[0].tasks
    assert Language(MODULES, keys()).bind(task, {}).content == "s"


def test_in_json_a_value_is_marked_as_ansible_does(tmp_path: Path) -> None:
    text = json.dumps({"a": [{"b": {"__ansible_vault": encrypt(b"s", b"pw").decode()}}], "c": {"d": 1}})
    for written in (text, f"--- {text}"):
        found = load_yaml(put(tmp_path / "x.json", written, encrypted=False))
        is_json = written == text
        assert isinstance(found["a"][0]["b"], Encrypted) is is_json
        assert found["c"] == {"d": 1}
    variables = load_yaml(put(tmp_path / "x.json", text, encrypted=False))
    assert variables["a"][0]["b"].place.path.endswith("x.json")
    assert Language({}, keys()).render("{{ a[0].b }}", variables) == "s"


def test_compose_files_know_no_vault(tmp_path: Path) -> None:
    from deployer.config.compose_file import load_compose

    put(tmp_path / "compose.yaml", f"services:\n  web:\n    image: {scalar('s', indent=6)}", encrypted=False)
    with pytest.raises(ConfigError, match="tag !vault is not supported here"):
        load_compose(tmp_path)


# a run ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine as the only host; all that is said of it is encrypted, in a file or as a value."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    (tmp_path / "pw").write_text("pw\n")
    (tmp_path / "bad").write_text("bad\n")
    put(tmp_path / "inventories/prod.yml", "all: {hosts: {here: {ansible_connection: local}}}\n", encrypted=False)
    text = "from_file: opensesame\nport: 47114\nurl: 'pg://{{ from_value }}:swordfish@db'\n"
    put(tmp_path / "inventories/group_vars/all/file.yml", text)
    put(tmp_path / "inventories/group_vars/all/value.yml", f"from_value: {scalar('hunter2x')}", encrypted=False)
    put(tmp_path / "compose.yaml", "services: {web: {image: nginx}}\n", encrypted=False)
    return tmp_path


def deploy(capsys: Any, monkeypatch: pytest.MonkeyPatch, *argv: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["deploy", *argv])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


SECRETS = ("opensesame", "47114", "hunter2x", "swordfish", "sealed line", "sealed template")
PLAY = """\
- hosts: all
  tasks:
    - debug: {msg: "{{ from_file }} {{ port }} {{ from_value }} {{ url }} {{ from_value | b64encode }}"}
    - copy: {src: sealed.txt, dest: TARGET/copied}
    - template: {src: sealed.j2, dest: TARGET/templated}
    - copy: {src: sealed.txt, dest: TARGET/still, decrypt: false}
    - command: echo {{ from_value }}
"""


@pytest.fixture
def play(project: Path) -> Path:
    put(project / "playbooks/sealed.txt", "sealed line\n")
    put(project / "playbooks/sealed.j2", "sealed template {{ from_value }}\n")
    target = project / "target"
    target.mkdir()
    for name in ("copied", "templated"):
        (target / name).write_text("before\n")
    return put(project / "playbooks/deploy.yml", PLAY.replace("TARGET", str(target)), encrypted=False)


@pytest.mark.parametrize("more", [(), ("-vv",), ("--output=json",), ("-e", "@inventories/group_vars/all/file.yml")])
def test_nothing_that_was_decrypted_is_shown(
    play: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    argv = ("prod", "--check", "--diff", "--vault-id", "prod@pw", *more)
    code, said = deploy(capsys, monkeypatch, *argv)
    assert code == ExitCode.OK, said
    assert "*** *** *** ********* ***" in said
    assert [one for one in SECRETS if one in said] == []


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        ((), "file.yml:1: encrypted, and no vault password was given", "--vault-id prod@FILE"),
        (("--vault-password-file", "bad"), "file.yml:1: no vault password that was given opens it", "check --vault-id"),
        (("--vault-id", "prod@nosuch"), "no vault password file nosuch", "check"),
    ],
)
def test_a_run_without_the_password_is_refused_in_one_line(
    play: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str, hint: str
) -> None:
    code, text = deploy(capsys, monkeypatch, "prod", *options)
    assert code == ExitCode.CONFIG
    error, advice = text.splitlines()
    assert said in error
    assert hint in advice


def test_a_value_under_another_password_is_refused_before_any_host(
    play: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(Path("inventories/group_vars/all/file.yml"), "from_file: x\nport: 1\nurl: y\n", encrypted=False)
    code, text = deploy(capsys, monkeypatch, "prod", "--vault-password-file", "bad")
    assert code == ExitCode.CONFIG
    assert "value.yml:1:13: no vault password that was given opens it (its id is 'prod', given: 'default')" in text


def test_the_environment_names_a_password_file(play: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "pw")
    assert deploy(capsys, monkeypatch, "prod", "--check")[0] == ExitCode.OK


def test_without_a_terminal_the_option_is_named(project: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployer.cli.vault_keys._has_terminal", lambda: False)
    code, text = deploy(capsys, monkeypatch, "prod", "--ask-vault-pass")
    assert code == ExitCode.CONFIG
    assert "--vault-password-file FILE" in text


def test_a_value_that_is_refused_is_not_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project / "inventories/group_vars/all/file.yml", "ansible_port: hunter22\n")
    environment = Environment(Choice(environment="prod", vault_ids=("prod@pw",)))
    with pytest.raises(ConfigError, match=r"ansible_port must be a number .* found '\*\*\*'"):
        environment.endpoint(environment.hosts[0])


def test_a_warning_about_an_encrypted_file_shows_nothing_of_it(tmp_path: Path) -> None:
    put(tmp_path / "hosts", "[web]\nw1\n", encrypted=False)
    put(tmp_path / "group_vars/web.yml", "hunter2: 1\nhunter2: 2\n")
    found = load_inventory(tmp_path / "hosts", vault=keys())
    assert found.hosts["w1"].variables == {"hunter2": 2}
    assert "deploy vault view" in found.warnings[0]
    assert "hunter2" not in found.warnings[0]
