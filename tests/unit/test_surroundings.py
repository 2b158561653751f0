"""Closed streams, pipes that nobody reads, terminals without colours or UTF-8: no verb dies of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from deployer.cli.signals import stop_on_signals
from deployer.engine.ports import Session
from deployer.report.plainer import PLAINER

DEPLOY = [sys.executable, "-c", "from deployer.cli.main import main; main()"]
ROOT = Path(__file__).parents[2]
ASCII = {"PYTHONIOENCODING": "ascii"}


def deploy(argv: list[str], **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*DEPLOY, *argv],
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("argv", [["--help"], ["modules"], ["inventory", "vagrant", "--list"]], ids=" ".join)
def test_a_reader_that_went_away_ends_a_verb_without_a_word(argv: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*DEPLOY, *argv], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert done.returncode in (0, -13)  # SIGPIPE
    assert b"Traceback" not in done.stderr
    assert b"rror" not in done.stderr


@pytest.mark.parametrize("argv", [["modules", "restore"], ["schema", "tasks"], ["run", "--help"]], ids=" ".join)
@pytest.mark.parametrize("env", [ASCII, {"LC_ALL": "C"}])
def test_a_terminal_without_utf8_gets_ascii(argv: list[str], env: dict[str, str]) -> None:
    done = deploy(argv, **env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_signs_have_a_next_best_one() -> None:
    assert "a → b … ✓ ü \udce9".encode("ascii", PLAINER) == b"a -> b ... + \\xfc \\udce9"
    assert "→ \udce9".encode("utf-8", PLAINER) == "→ \\udce9".encode()


def test_an_error_has_no_colour_and_no_sign_that_cannot_be_printed(tmp_path: Path) -> None:
    (tmp_path / "schlüssel.yml").write_text("all: {hosts: {web: {ansible_port: [}}}\n")
    done = deploy(["status", "x", "-i", str(tmp_path / "schlüssel.yml")], **ASCII)
    assert done.returncode == 3
    assert b"schl\\xfcssel.yml" in done.stderr


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_dev_null(closed: str) -> None:
    command = f'"$0" -c "from deployer.cli.main import main; main()" nowhere {closed}'
    assert subprocess.run(["sh", "-c", command, sys.executable], cwd=ROOT, check=False).returncode == 3


@pytest.mark.parametrize(("handler", "stops"), [(signal.SIG_IGN, False), (signal.SIG_DFL, True)])
def test_a_closed_terminal_stops_a_run_unless_nohup_says_no(handler: signal.Handlers, stops: bool) -> None:
    said = threading.Event()
    session = cast(Session, SimpleNamespace(emit=lambda event: said.set()))
    before = signal.signal(signal.SIGHUP, handler)
    try:
        with stop_on_signals(session, threading.Event()) as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.is_set() == stops
            assert said.wait(5) or not stops
        assert signal.getsignal(signal.SIGHUP) is handler
    finally:
        signal.signal(signal.SIGHUP, before)


PROGRAM = Path(sys.executable).with_name("deploy")


@pytest.mark.parametrize(("argv", "code"), [(["--version"], 0), (["modules", "--no-such"], 2), (["status", "x"], 3)])
def test_the_program_ends_with_the_commands_own_code(argv: list[str], code: int, tmp_path: Path) -> None:
    assert subprocess.run([PROGRAM, *argv], cwd=tmp_path, capture_output=True, check=False).returncode == code


def test_all_that_was_said_is_written_before_the_program_is_gone(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("".join(f"web{number}\n" for number in range(10_000)))
    done = subprocess.run(
        [PROGRAM, "inventory", "-i", "hosts", "--list"], cwd=tmp_path, capture_output=True, check=True
    )
    assert len(json.loads(done.stdout)["ungrouped"]["hosts"]) == 10_000


def test_a_reader_that_went_away_is_no_error(tmp_path: Path) -> None:
    command = '"$0" modules | head -n 1; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(["bash", "-c", command, PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] in ("0", "141")  # it may have been done before
    assert done.stderr == ""
