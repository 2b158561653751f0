"""The example project keeps the promises that its readers copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployer.config.compose_file import load_compose, project_name
from deployer.config.compose_lint import lints
from deployer.config.inventory import load_inventory

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "django"
RAW: dict[str, Any] = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())


def test_our_reader_sees_the_project_as_it_is_meant() -> None:
    compose = load_compose(EXAMPLE)
    web, db = compose.services["web"], compose.services["db"]
    assert project_name(EXAMPLE, compose) == "guestbook"
    assert (web.built, web.depends_on, web.ports, web.health_check) == (True, ("db",), ("8000:8000",), True)
    assert (db.built, db.image, db.ports, db.health_check) == (False, "postgres:17", (), True)
    assert compose.named_volumes == ("db_data", "uploads")
    assert compose.variables == ("SECRET_KEY", "POSTGRES_PASSWORD")


def test_a_database_host_publishes_on_an_address_that_must_be_named() -> None:
    compose = load_compose(EXAMPLE, ["compose.yaml", "compose.db.yaml"])
    assert compose.services["db"].ports[0].endswith(":5432:5432")
    assert "DATABASE_BIND" in compose.variables


def test_it_gets_no_advice() -> None:
    assert lints(EXAMPLE) == ()
    assert lints(EXAMPLE, ["compose.yaml", "compose.db.yaml"]) == ()


def test_the_compose_file_shows_what_a_good_one_has() -> None:
    web, db = RAW["services"]["web"], RAW["services"]["db"]
    assert "version" not in RAW
    assert (web["init"], web["restart"], db["restart"]) == (True, "unless-stopped", "unless-stopped")
    assert web["depends_on"] == {"db": {"condition": "service_healthy"}}
    assert "db_data:/var/lib/postgresql/data" in db["volumes"]
    assert '"$$POSTGRES_USER"' in db["healthcheck"]["test"][1]
    assert {"stop_grace_period", "shm_size"} <= db.keys()
    assert web["networks"] == db["networks"] == ["backend"]


def test_no_secret_is_written_down() -> None:
    for service in RAW["services"].values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|SECRET", name):
                assert value.startswith("${"), name
                assert ":?" in value, f"{name} has a default"
    assert ".env" in (EXAMPLE / ".gitignore").read_text().splitlines()
    assert re.search(r"^\.env\*?$", (EXAMPLE / ".dockerignore").read_text(), re.MULTILINE)


def test_the_image_is_built_in_layers_and_serves_with_gunicorn_as_nobody_special() -> None:
    steps = [line.split(maxsplit=1)[0] for line in (EXAMPLE / "Dockerfile").read_text().splitlines() if line]
    text = (EXAMPLE / "Dockerfile").read_text()
    assert text.startswith("FROM python:3.13-slim\n")
    assert text.index("COPY requirements.txt") < text.index("RUN pip install") < text.index("COPY . .")
    assert steps.index("USER") < steps.index("CMD")
    assert 'CMD ["gunicorn"' in text
    assert "PYTHONUNBUFFERED=1" in text
    assert "migrate" not in text


def test_every_requirement_is_pinned() -> None:
    lines = (EXAMPLE / "requirements.txt").read_text().splitlines()
    required = [line for line in lines if line and not line.startswith("#")]
    assert {line.split("==")[0].lower() for line in required} >= {"django", "gunicorn", "psycopg[binary]"}
    assert all(re.fullmatch(r"[\w\[\]-]+==[\d.]+", line) for line in required)
    assert any(line.startswith("Django==5.2.") for line in required)


@pytest.mark.parametrize("name", ["prod", "staging", "vagrant"])
def test_every_inventory_gives_what_the_compose_files_ask_for(name: str) -> None:
    for host in load_inventory(ROOT / "inventories" / f"{name}.yml").hosts.values():
        compose = load_compose(ROOT / host.variables["deploy_source"], host.variables.get("deploy_compose_files", ()))
        given = {**host.variables.get("deploy_env", {}), **host.variables["deploy_secrets"]}
        assert set(compose.variables) <= given.keys(), host.name
        assert set(host.variables.get("deploy_services", ())) <= compose.services.keys()


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_inventories_to_copy_take_secrets_from_the_environment(name: str) -> None:
    for host in load_inventory(ROOT / "inventories" / f"{name}.yml").hosts.values():
        assert all("lookup('env'" in secret for secret in host.variables["deploy_secrets"].values())
        assert host.variables["ansible_host"].startswith("192.0.2.")


def test_the_vagrant_inventory_names_the_machines_of_the_vagrantfile() -> None:
    machines = dict(re.findall(r'"(\w+)" => "([\d.]+)"', (ROOT / "Vagrantfile").read_text()))
    hosts = load_inventory(ROOT / "inventories" / "vagrant.yml").hosts
    assert {name: host.variables["ansible_host"] for name, host in hosts.items()} == machines


@pytest.mark.skipif(shutil.which("vagrant") is None, reason="vagrant is not installed")
def test_vagrant_takes_the_vagrantfile(tmp_path: Path) -> None:
    around = {"VAGRANT_HOME": str(tmp_path), "VAGRANT_DOTFILE_PATH": str(tmp_path), "VAGRANT_CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        ["vagrant", "validate", "--ignore-provider"], cwd=ROOT, env={**os.environ, **around},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Vagrantfile validated successfully.\n")
