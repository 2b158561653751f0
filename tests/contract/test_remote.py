"""What every Remote promises, whatever carries its bytes and whatever `sh` answers."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.errors import CommandTimeoutError, ConnectError
from deployer.protocols import Remote


def test_output_and_status_come_apart(remote: Remote) -> None:
    result = remote.run("echo out; echo err >&2; exit 3")
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert not result.ok


@pytest.mark.parametrize("status", [0, 1, 2, 127, 128, 255])
def test_every_status_arrives(remote: Remote, status: int) -> None:
    assert remote.run(f"exit {status}").status == status


@pytest.mark.parametrize("text", ["", "a", "a\n", "\n", "\n\n", "a\n\nb", "\na\n\n"])
def test_newlines_are_kept_as_they_are(remote: Remote, text: str) -> None:
    lines: list[str] = []
    result = remote.run(f"printf '%s' '{text}'", on_line=lambda line, _: lines.append(line))
    assert result.stdout == text
    assert lines == text.splitlines()


def test_bytes_that_are_no_text_are_replaced(remote: Remote) -> None:
    result = remote.run(r"printf 'a\377\000b'")
    assert result.stdout == "a�\x00b"


def test_ten_megabytes_arrive_whole(remote: Remote) -> None:
    result = remote.run("head -c 10000000 /dev/zero | tr '\\0' x")
    assert len(result.stdout) == 10_000_000
    assert set(result.stdout) == {"x"}


def test_a_long_script_arrives_whole(remote: Remote) -> None:
    text = "é" * 200_000
    assert remote.run(f"x='{text}'; printf %s \"${{#x}}\" | tr -d '\\n'; printf %s \"$x\" | wc -c").stdout.endswith(
        "400000\n"
    )


def test_death_by_a_signal_is_128_and_more(remote: Remote) -> None:
    result = remote.run("echo before; kill -9 $$")
    assert (result.status, result.stdout, result.stderr) == (137, "before\n", "")


@pytest.mark.parametrize(
    "script",
    [
        "if",
        "'",
        "cat <<X\nnever ended",
        "exit 3",
        "set -e; false",
        "exec false",
        "cd /nonexistent",
        "trap '' TERM; (exit 9)",
        "`",
    ],
)
def test_no_script_harms_the_next_one(remote: Remote, script: str) -> None:
    assert remote.run("echo one").stdout == "one\n"
    remote.run(script)
    after = remote.run("echo two; pwd; umask")
    assert (after.status, after.stdout.splitlines()[0], after.stderr) == (0, "two", "")


def test_a_syntax_error_names_its_own_line(remote: Remote) -> None:
    result = remote.run("echo fine\nif true; then\n")
    assert result.status != 0
    assert "rror" in result.stderr


def test_quotes_and_here_documents_pass_untouched(remote: Remote) -> None:
    script = "cat <<'EOF'\n$HOME \\ \"q\" 'q' `x`\nEOF\ncat <<EOF\n$((1+1))\nEOF"
    assert remote.run(script).stdout == "$HOME \\ \"q\" 'q' `x`\n2\n"


def test_nothing_of_a_script_stays_for_the_next(remote: Remote) -> None:
    remote.run("cd /; X=1; export X; umask 077; set -f; exec 5>&1")
    assert remote.run('echo "[${X-}]"; umask').stdout.splitlines() == ["[]", remote.run("umask").stdout.strip()]


def test_a_program_that_reads_its_input_finds_it_empty(remote: Remote) -> None:
    assert remote.run('cat; read x; echo got "$x"; echo still here').stdout == "got \nstill here\n"


def test_a_script_is_in_no_argv(remote: Remote) -> None:
    result = remote.run(
        "secret=swordfish; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '[s]wordfish'"
    )
    assert result.stdout == "0\n"


def test_lines_come_while_the_script_still_runs(remote: Remote) -> None:
    times: list[tuple[str, bool, float]] = []
    started = time.monotonic()
    remote.run(
        "echo one; sleep 0.6; echo two >&2", on_line=lambda line, error: times.append((line, error, time.monotonic()))
    )
    assert [(line, error) for line, error, _ in times] == [("one", False), ("two", True)]
    assert times[1][2] - times[0][2] > 0.4
    assert times[0][2] - started < 5


def test_a_background_process_does_not_hold_the_answer(remote: Remote) -> None:
    started = time.monotonic()
    result = remote.run("sleep 3 & echo done")
    assert result.stdout == "done\n"
    assert time.monotonic() - started < 2.5


def test_what_outlives_its_deadline_is_ended_with_its_children(remote: Remote, tmp_path: Path) -> None:
    remote.run("true")
    started = time.monotonic()
    with pytest.raises(CommandTimeoutError, match=r"web1: still running after 0\.5 s"):
        remote.run("sh -c 'sleep 98761; true' & echo x; sleep 98761", timeout=0.5)
    assert time.monotonic() - started < 6
    assert remote.run("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '[s]leep 98761'").stdout == "0\n"


def test_what_ignores_the_polite_signal_is_ended_too(remote: Remote) -> None:
    with pytest.raises(CommandTimeoutError):
        remote.run("trap '' TERM; while :; do sleep 0.1; done", timeout=0.5)
    assert remote.run("echo usable").stdout == "usable\n"


def test_a_deadline_does_not_cost_the_shell(remote: Remote) -> None:
    with pytest.raises(CommandTimeoutError):
        remote.run("sleep 60", timeout=0.3)
    before = remote.traffic().execs
    assert remote.run("echo again").ok
    assert remote.traffic().execs == before


def test_a_script_that_kills_its_shell_has_no_status(remote: Remote) -> None:
    result = remote.run("echo x; kill -9 $PPID; sleep 1")
    assert result.status is None
    assert remote.run("echo next").stdout == "next\n"


def test_threads_do_not_mix_their_answers(remote: Remote) -> None:
    def ask(number: int) -> bool:
        result = remote.run(f"echo {number}; sleep 0.01; echo {number}; exit {number}")
        return (result.stdout, result.status) == (f"{number}\n{number}\n", number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(40)))


def test_lanes_run_side_by_side_and_keep_their_channels(remote: Remote) -> None:
    """The first script ends only when another one, in a lane of its own, has written what it waits for."""
    sign = f"/tmp/sign-{secrets.token_hex(4)}"
    waits = f"until [ -e {sign} ]; do sleep 0.1; done; rm {sign}; echo seen"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(remote.run, waits, timeout=60)
        remote.run(f"touch {sign}", lane="heart")
        assert waiting.result().stdout == "seen\n"
    before = remote.traffic().execs
    for number in range(5):
        assert remote.run(f"echo {number}", lane="heart").stdout == f"{number}\n"
    assert remote.traffic().execs == before


def test_closing_ends_what_runs(remote: Remote) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            remote.run("sleep 87651")
        except ConnectError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.7)
    remote.close()
    thread.join(10)
    assert [str(error) for error in failures] == ["web1: the connection was closed"]
    assert not _runs_here("sleep\x0087651")


def test_a_closed_remote_stays_closed(remote: Remote) -> None:
    remote.run("true")
    remote.close()
    remote.close()
    with pytest.raises(ConnectError, match="closed"):
        remote.run("true")


def test_connecting_again_does_nothing(remote: Remote) -> None:
    remote.connect()
    before = remote.traffic().connections
    remote.connect()
    assert remote.traffic().connections == before


def _runs_here(text: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_text(errors="replace"):
                return True
        except OSError:
            continue
    return False
