"""The tables of `deploy status` and of a host's releases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployer.model.release import Installed, Release
from deployer.report.status import StatusRow, age, releases_json, render_releases, render_status, status_json

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WEB1 = StatusRow(
    host="web1",
    release="20261122T063000Z-3f9a2c1",
    created="2026-11-22T06:30:00Z",
    commit="3f9a2c1d00aabbccddeeff",
    dirty=True,
    by="ann@laptop",
    services=(("db", "running", "healthy"), ("web", "running", "")),
    healthy=True,
)
WEB2 = replace(WEB1, host="web2", services=(("web", "exited", ""),), healthy=False, note="lock held by bob@ci")
DOWN = StatusRow(host="db-10", note="unreachable: timed out")

TABLE = """\
HOST   RELEASE                   AGE      COMMIT            BY          SERVICES                 NOTE
web1   20261122T063000Z-3f9a2c1  3 h ago  3f9a2c1d00+dirty  ann@laptop  db healthy, web running
web2   20261122T063000Z-3f9a2c1  3 h ago  3f9a2c1d00+dirty  ann@laptop  web exited               NOT HEALTHY: lock held by bob@ci
db-10  -                                                                                         unreachable: timed out
"""  # noqa: E501

RELEASES = """\
HOST  RELEASE  AGE      COMMIT   BY   MARKS
web1  r3       3 h ago           ann  failed
web1  r2       3 d ago  c2       ann  current healthy
web1  r1       9 d ago  c1+dirty ann  healthy
web2: no releases
"""


def installed() -> dict[str, Installed]:
    releases = (
        Release(
            id="r1", project="shop", root="/srv/shop", commit="c1", dirty=True, by="ann", created="2026-11-13T00:00Z"
        ),
        Release(id="r2", project="shop", root="/srv/shop", commit="c2", by="ann", created="2026-11-19T00:00:00Z"),
        Release(id="r3", project="shop", root="/srv/shop", by="ann", created="2026-11-22T06:30:00+00:00"),
    )
    web1 = Installed(
        root="/srv/shop", current="r2", releases={release.id: release for release in releases},
        healthy=frozenset({"r1", "r2"}), failed=frozenset({"r3"}),
    )  # fmt: skip
    return {"web1": web1, "web2": Installed(root="/srv/shop")}


def test_status_is_a_table_with_a_line_for_each_host() -> None:
    assert render_status([WEB1, WEB2, DOWN], now=NOW) == TABLE


def test_a_mixed_fleet_is_named() -> None:
    mixed = render_status([WEB1, replace(WEB1, host="web2", release="r1")], now=NOW)
    assert mixed.endswith("\nhosts serve 2 different releases: 20261122T063000Z-3f9a2c1, r1\n")


def test_colour_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in render_status([WEB1], now=NOW, colour=True)
    assert "\x1b[" not in render_status([WEB1], now=NOW)


def test_status_as_json() -> None:
    (row,) = json.loads(status_json([WEB2]))
    assert row["services"] == [{"name": "web", "state": "exited", "health": ""}]
    assert row["release"] == "20261122T063000Z-3f9a2c1"
    assert row["healthy"] is False


def test_releases_are_listed_newest_first_with_their_marks() -> None:
    assert render_releases(installed(), now=NOW) == RELEASES.replace("dirty ann", "dirty  ann").replace(
        "COMMIT   BY", "COMMIT    BY"
    ).replace("ago           ann", "ago            ann").replace("c2       ann", "c2        ann")


def test_releases_as_json() -> None:
    listed = json.loads(releases_json(installed()))
    assert [(release["id"], release["marks"]) for release in listed["web1"]] == [
        ("r3", ["failed"]),
        ("r2", ["current", "healthy"]),
        ("r1", ["healthy"]),
    ]
    assert listed["web2"] == []


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-11-22T09:29:30Z", "just now"),
        ("2026-11-22T09:25:00Z", "5 min ago"),
        ("2026-11-22T06:30:00", "3 h ago"),
        ("2026-11-10T06:30:00+01:00", "12 d ago"),
        ("yesterday", "?"),
    ],
)
def test_age(created: str, expected: str) -> None:
    assert age(created, NOW) == expected


def test_a_narrow_terminal_gets_a_line_for_each_cell() -> None:
    assert render_status([WEB2, DOWN], now=NOW, width=40) == (
        "web2\n"
        "  release   20261122T063000Z-3f9a2c1\n"
        "  age       3 h ago\n"
        "  commit    3f9a2c1d00+dirty\n"
        "  by        ann@laptop\n"
        "  services  web exited\n"
        "  note      NOT HEALTHY: lock held by bob@ci\n"
        "\n"
        "db-10\n"
        "  release  -\n"
        "  note     unreachable: timed out\n"
    )
    assert render_status([WEB1, WEB2, DOWN], now=NOW, width=200) == TABLE
