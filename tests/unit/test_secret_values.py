"""What is a secret although nobody has encrypted it, and who is told."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.config.compose_build import build_variables
from deployer.config.language import Language
from deployer.config.secret_values import named_secrets
from deployer.config.vault_keys import Keyring
from deployer.engine.results import said
from deployer.errors import Place
from deployer.facts.git import git_environment, git_function, without_login
from deployer.model.playbook import Task
from deployer.modules.all import MODULES


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ({"db_password": "hunter22", "db_user": "shop"}, ["hunter22"]),
        ({"smtp": {"apiKey": "abcdef"}, "list": [{"GITHUB_TOKEN": "ghp_1"}]}, ["abcdef", "ghp_1"]),
        ({"tokens": ["x"], "auth_token": ["first", "second"]}, ["first", "second"]),
        ({"pin_password": 123456, "use_password": True, "no_password": None}, ["123456"]),
        ({"password": "none", "token": "1234", "secret": "{{ other }}", "ansible_password": "*****"}, []),
        ({"password_file": "/run/secrets/x", "public_key": "ssh-ed25519"}, []),
        ({"url": "postgres://shop:p%40ss1@db/shop"}, ["p%40ss1", "p@ss1"]),
        ("amqp://a:{{ word }}@b and redis://:s3cr3t@c", ["s3cr3t"]),
        ("ssh://git@example.org/x.git", []),
    ],
)
def test_names_and_urls_tell(value: Any, secrets: list[str]) -> None:
    assert list(named_secrets(value)) == secrets


def test_a_value_that_holds_itself_ends() -> None:
    value: dict[str, Any] = {"token": "abcdef"}
    value["again"] = value
    assert set(named_secrets(value)) == {"abcdef"}


@pytest.fixture
def heard() -> tuple[Language, list[str]]:
    keys, heard = Keyring(), list[str]()
    keys.tell(lambda *secrets: heard.extend(secrets))
    return Language(MODULES, keys), heard


def test_what_is_used_under_a_secrets_name_is_told(
    heard: tuple[Language, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    language, told = heard
    monkeypatch.setenv("PLANTED_TOKEN", "from-env")
    variables = {"a": {"b_token": "{{ 'deep-' ~ c }}"}, "c": "word", "d_password": "plain-one"}
    language.render("{{ a.b_token }} {{ d_password }} {{ lookup('env', 'PLANTED_TOKEN') }}", variables)
    language.render({"API_SECRET": "{{ c }}ly"}, variables)
    task = Task(name="t", module="uri", args={"url": "http://x", "url_password": "{{ c }} twice"}, place=Place("x", 1))
    language.bind(task, variables)
    assert set(told) == {"deep-word", "plain-one", "from-env", "wordly", "word twice"}


def test_what_a_hidden_task_printed_is_long_enough_to_be_told() -> None:
    data = {
        "stdout": "ok\na-generated-password\n",
        "results": [{"stderr": "another-password", "msg": "long enough too"}],
    }
    assert said(data) == ["a-generated-password", "another-password"]


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (".", []),
        ({"args": {"A": "${X:-${Y}}", "B": None, "C": "plain"}}, ["X", "Y", "B"]),
        ({"args": ["A=$X", "B", "C=d"]}, ["X", "B"]),
    ],
)
def test_variables_of_a_build(build: Any, names: list[str]) -> None:
    assert list(build_variables(build)) == names


def test_a_login_in_a_url_is_for_its_server_alone() -> None:
    repo = "https://ann:p%40ss@example.org:8443/shop.git"
    assert without_login(repo) == "https://example.org:8443/shop.git"
    assert git_environment(repo, "ssh")["DEPLOY_GIT_PASSWORD"] == "p@ss"
    assert "credential.https://example.org:8443.helper" in git_function(repo)
    assert "ann" not in git_function(repo)
    for plain in ("ssh://git@example.org/x", "git@example.org:x", "https://example.org/a@b", "/srv/x.git"):
        assert without_login(plain) == plain
        assert "credential" not in git_function(plain)
