"""What Docker, Compose and the shell print when something goes wrong, to one sentence and what to type."""

from __future__ import annotations

import pytest

from deployer.rollout.faults import explain, registry_of

DAEMON = "Error response from daemon: "
PULLED = [  # as Engine 26 and 29 say it
    (
        f"{DAEMON}manifest for r.example.com/shop:9 not found: manifest unknown: manifest unknown",
        "image r.example.com/shop:9: r.example.com has no such image or tag",
    ),
    (
        f'{DAEMON}Head "https://r.example.com/v2/shop/manifests/9": no basic auth credentials',
        "image r.example.com/shop:9: r.example.com refuses it without a login, or with this one",
    ),
    (
        f"{DAEMON}unauthorized: authentication required",
        "image r.example.com/shop:9: r.example.com refuses it without a login, or with this one",
    ),
    (
        f'{DAEMON}Get "https://r.example.com/v2/": dial tcp 10.0.0.9:443: connect: connection refused',
        "image r.example.com/shop:9: r.example.com cannot be reached from the host: connection refused",
    ),
    (
        f'{DAEMON}Get "https://r.example.com/v2/": dial tcp: lookup r.example.com on 10.0.0.1:53: no such host',
        "image r.example.com/shop:9: r.example.com cannot be reached from the host: no such host",
    ),
    (
        f'{DAEMON}Get "https://r.example.com/v2/": tls: failed to verify certificate: x509: certificate has expired',
        "image r.example.com/shop:9: r.example.com cannot be reached from the host: x509: certificate has expired",
    ),
    ("something else", "image r.example.com/shop:9 could not be had from r.example.com"),
]


@pytest.mark.parametrize(("said", "message"), PULLED)
def test_a_pull_that_failed(said: str, message: str) -> None:
    fault = explain(f"{said}\ncould not pull r.example.com/shop:9")
    assert fault is not None
    assert fault.message == message
    assert "r.example.com" in fault.hint


def test_an_image_of_the_hub_that_may_be_private() -> None:
    said = (
        f"{DAEMON}pull access denied for shop, repository does not exist or may require 'docker login': denied: "
        "requested access to the resource is denied\ncould not pull shop:9"
    )
    fault = explain(said)
    assert fault is not None
    assert fault.message == "image shop:9: Docker Hub has no such image or tag, or asks for a login"
    assert "deploy_registries" in fault.hint


def test_an_image_that_a_build_begins_with() -> None:
    said = (
        "failed to solve: r.example.com/base:9: failed to resolve source metadata for r.example.com/base:9: "
        "r.example.com/base:9: not found"
    )
    fault = explain(said)
    assert fault is not None
    assert fault.message == "image r.example.com/base:9: r.example.com has no such image or tag"
    assert explain('failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2') is None


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("postgres:17", "Docker Hub"), ("me/shop", "Docker Hub"), ("docker.io/me/shop", "Docker Hub"),
        ("ghcr.io/me/shop:1", "ghcr.io"), ("localhost/shop", "localhost"), ("10.0.0.1:5000/shop", "10.0.0.1:5000"),
    ],
)  # fmt: skip
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "validating /x/c.yaml: services.web Additional property post_start is not allowed",
            "the host's Docker Compose 2.26.1-4 is too old for `post_start` in services.web: it came with 2.30",
        ),
        (
            "validating /x/c.yaml: services.web additional properties 'wibble' not allowed",
            "the host's Docker Compose 2.26.1-4 does not know `wibble` in services.web",
        ),
        (
            "validating /x/c.yaml: (root) Additional property models is not allowed",
            "the host's Docker Compose 2.26.1-4 is too old for `models`: it came with 2.38",
        ),
    ],
)
def test_a_compose_file_that_the_host_cannot_read(said: str, message: str) -> None:
    fault = explain(f"{said}\ndocker compose is 2.26.1-4\n")
    assert fault is not None
    assert fault.message == message


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("tar: ./a: Cannot write: No space left on device", "no space is left on the host"),
        ("mkdir: cannot create directory '/srv/x': Read-only file system", "a file system is read-only"),
        (
            f"{DAEMON}driver failed programming external connectivity on endpoint shop-web-1 (a632): "
            "Bind for 0.0.0.0:8080 failed: port is already allocated",
            "port 0.0.0.0:8080 is taken on the host",
        ),
        (
            "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
            "port 0.0.0.0:8080 is taken on the host",
        ),
        (
            f"failed to create network b: {DAEMON}Pool overlaps with other one on this address space",
            "a network's subnet overlaps with one that the host has",
        ),
        (
            "could not find an available, non-overlapping IPv4 address pool among the defaults to assign",
            "Docker has no subnet left for another network",
        ),
    ],
)
def test_what_the_host_has_no_room_for(said: str, message: str) -> None:
    fault = explain(said)
    assert fault is not None
    assert fault.message == message
    assert fault.hint


def test_what_is_not_known_is_not_explained() -> None:
    assert explain("django.db.utils.ProgrammingError: connection refused, not found, unauthorized") is None
