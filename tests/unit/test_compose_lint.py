"""Advice about compose files."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config.compose_lint import lints


def write(folder: Path, text: str) -> None:
    (folder / "compose.yaml").write_text(text)


CALM = "restart: always, healthcheck: {test: 'true'}"


@pytest.mark.parametrize(
    ("service", "advice"),
    [
        (f"image: redis, {CALM}", "no fixed version"),
        (f"image: 'host:5000/x:latest', {CALM}", "no fixed version"),
        (f"image: 'postgres:18-alpine', volumes: ['d:/var/lib/postgresql/data'], {CALM}", "/var/lib/postgresql"),
        (f"image: 'postgres:17', ports: ['5432:5432'], {CALM}", "every interface"),
        (f"image: 'postgis/postgis:17', ports: ['0.0.0.0:5432:5432/tcp'], {CALM}", "every interface"),
        (f"image: 'redis:8', ports: [{{target: 6379, published: 6379}}], {CALM}", "every interface"),
        ("image: 'a:1', healthcheck: {test: 'true'}", "no restart policy"),
        ("image: 'a:1', restart: always", "no health check"),
        (f"image: 'a:1', env_file: .env, {CALM}", "deploy_secrets"),
        (f"image: 'a:1', env_file: [{{path: ./.env.prod}}], {CALM}", "required: false"),
    ],
)
def test_advice_names_what_hurts_on_a_host(tmp_path: Path, service: str, advice: str) -> None:
    write(tmp_path, f"services: {{s: {{{service}}}}}\nvolumes: {{d: }}")
    (found,) = lints(tmp_path)
    assert found.startswith("s: ")
    assert advice in found


@pytest.mark.parametrize(
    "service",
    [
        f"image: 'postgres:17@sha256:0', volumes: ['d:/var/lib/postgresql/data'], {CALM}",
        f"image: 'postgres:18', volumes: ['d:/var/lib/postgresql'], ports: ['127.0.0.1:1:1', '${{A:?b}}:1:1'], {CALM}",
        f"image: 'nginx:1', ports: ['80:80'], env_file: [{{path: .env.x, required: false}}, conf/a.env], {CALM}",
        f"image: '${{IMAGE}}', {CALM}",
        f"build: ., image: web, {CALM}",
    ],
)
def test_what_is_well_gets_no_advice(tmp_path: Path, service: str) -> None:
    write(tmp_path, f"services: {{s: {{{service}}}}}\nvolumes: {{d: }}")
    assert lints(tmp_path) == ()


def test_a_service_that_others_wait_for_the_end_of_needs_no_restart_policy(tmp_path: Path) -> None:
    wait = "depends_on: {init: {condition: service_completed_successfully}}"
    write(tmp_path, f"services: {{init: {{image: 'a:1'}}, web: {{image: 'a:1', {wait}, {CALM}}}}}")
    assert lints(tmp_path) == ()
