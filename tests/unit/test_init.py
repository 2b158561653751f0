"""`deploy init` writes an inventory that loads, and says what to type next."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deployer.cli.completion import complete_environment, completion, environments
from deployer.cli.init import PLAYBOOKS, init, shipped_playbook
from deployer.cli.main import deploy
from deployer.config.inventory import load_inventory
from deployer.errors import ConfigError, ProjectError
from deployer.model.inventory import Host

COMPOSE = """
services:
  web:
    build: .
    restart: always
    healthcheck: {test: "true"}
    ports: ["${PORT:-8080}:8000"]
    environment: {SECRET_KEY: "${SECRET_KEY:?}", DOMAIN: "$DOMAIN", DEPLOY_RELEASE: "${DEPLOY_RELEASE}"}
  db: {image: "postgres:17", ports: ["5432:5432"], restart: always, healthcheck: {test: "true"}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "My-Shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "manage.py").touch()
    monkeypatch.chdir(folder)
    return folder


def run_init(*argv: str) -> Result:
    result = CliRunner().invoke(init, argv)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def written(name: str = "prod") -> dict[str, Host]:
    return dict(load_inventory(Path("inventories") / f"{name}.yml").hosts)


@pytest.mark.usefixtures("project")
def test_the_inventory_holds_what_the_compose_file_asks_for() -> None:
    run_init("--hosts", "web1.example.com, 10.0.0.2:2222,web1.example.com", "--user", "deploy")
    hosts = written()
    assert list(hosts) == ["web1.example.com", "10.0.0.2"]
    assert hosts["10.0.0.2"].variables["ansible_port"] == 2222
    assert hosts["web1.example.com"].variables == {
        "ansible_user": "deploy",
        "deploy_project": "my-shop",
        "deploy_env": {"DOMAIN": "{{ lookup('env', 'DOMAIN') }}"},
        "deploy_secrets": {"SECRET_KEY": "{{ lookup('env', 'SECRET_KEY') }}"},
        "deploy_migrate": "python manage.py migrate --noinput",
        "deploy_migrate_service": "web",
    }
    assert '# gate_http: {url: "http://127.0.0.1:8080/", status: 200}' in Path("inventories/prod.yml").read_text()


@pytest.mark.usefixtures("project")
def test_it_says_what_it_wrote_what_hurts_and_what_to_type() -> None:
    result = run_init("--hosts", "web1")
    assert result.stdout.splitlines() == [
        "wrote inventories/prod.yml",
        "",
        "next:",
        "  export SECRET_KEY=… DOMAIN=…",
        "  deploy hosts trust prod",
        "  deploy prod --check",
        "  deploy prod",
    ]
    assert "advice: db: port 5432:5432 is open on every interface" in result.stderr


@pytest.mark.usefixtures("project")
def test_without_hosts_there_is_one_to_fill_in() -> None:
    result = run_init("--inventory", "staging")
    assert written("staging")["web1"].variables["ansible_host"] == "192.0.2.10"
    assert "edit inventories/staging.yml" in result.stdout


@pytest.mark.parametrize("host", ["2001:db8::1", "[2001:db8::1]:2222", "yes", "127", "web-1", "1e3"])
@pytest.mark.usefixtures("project")
def test_a_host_of_any_kind_survives_yaml(host: str) -> None:
    run_init("--hosts", host)
    (name,) = written()
    assert name == host.removesuffix("]:2222").lstrip("[")


def test_a_project_that_asks_for_nothing_gets_the_shortest_inventory(project: Path) -> None:
    (project / "manage.py").unlink()
    (project / "compose.yaml").write_text("name: tiny\nservices: {web: {image: 'nginx:1'}}")
    run_init("--hosts", "web1")
    assert written()["web1"].variables == {"deploy_project": "tiny"}


def test_playbooks_are_copied_when_asked_for(project: Path) -> None:
    run_init("--hosts", "web1")
    assert not (project / "playbooks").exists()
    run_init("--inventory", "staging", "--hosts", "web1", "--playbook")
    for file in PLAYBOOKS:
        assert (project / "playbooks" / file).read_text() == shipped_playbook(file) != ""


def test_nothing_is_written_over_and_then_nothing_is_written_at_all(project: Path) -> None:
    (project / "playbooks").mkdir()
    (project / "playbooks" / "deploy.yml").write_text("mine")
    with pytest.raises(ConfigError, match=r"playbooks/deploy\.yml exists already") as caught:
        run_init("--hosts", "web1", "--playbook")
    assert "--force" in str(caught.value.hint)
    assert not (project / "inventories").exists()
    run_init("--hosts", "web1", "--playbook", "--force")
    assert (project / "playbooks" / "deploy.yml").read_text() == shipped_playbook("deploy.yml")


def test_a_folder_without_a_project_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match="no compose file"):
        run_init()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--inventory", "../x"], "no name for a file"),
        (["--inventory", "status"], "`deploy status` is a command"),
        (["--hosts", "a;b"], "'a;b' is no host"),
        (["--hosts", "deploy@web1"], "no host"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_cannot_be_a_name_or_a_host_is_wrong_usage(argv: list[str], message: str) -> None:
    result = CliRunner().invoke(deploy, ["init", *argv])
    assert (result.exit_code, message in result.stderr) == (2, True)


# completion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_for_deploy(shell: str) -> None:
    result = CliRunner().invoke(deploy, ["completion", shell])
    assert result.exit_code == 0
    assert f"_DEPLOY_COMPLETE={shell}_complete" in result.stdout


def test_bash_reads_the_completion_script() -> None:
    script = CliRunner().invoke(deploy, ["completion", "bash"]).stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_without_a_shell_it_is_ones_own_or_wrong_usage() -> None:
    runner = CliRunner()
    assert "zsh_complete" in runner.invoke(completion, [], env={"SHELL": "/usr/bin/zsh"}).stdout
    assert runner.invoke(completion, [], env={"SHELL": "/bin/dash"}).exit_code == 2


@pytest.mark.usefixtures("project")
def test_inventories_are_completed() -> None:
    context, param = None, None
    assert environments() == []
    run_init("--hosts", "web1")
    run_init("--inventory", "staging", "--hosts", "web1")
    assert environments() == ["prod", "staging"]
    found = complete_environment(context, param, "st")  # type: ignore[arg-type]
    assert [item.value for item in found] == ["staging"]
