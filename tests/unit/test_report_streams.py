"""What happens to streams: odd encodings, readers that go away, hosts in parallel, imports that cost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading

from deployer.model import event as e
from deployer.report.plain import PlainReporter


def test_file_names_that_are_no_text_do_not_stop_a_run() -> None:
    raw = io.BytesIO()
    reporter = PlainReporter(io.TextIOWrapper(raw, encoding="ascii"))
    reporter.handle(e.Note(message="caf\udce9 · ok"))
    assert raw.getvalue() == b"note: caf\\xe9 - ok\n"


def test_a_reader_that_goes_away_does_not_stop_a_run() -> None:
    """Even at exit: what Python still buffers must not turn the exit code into 120."""
    code = (
        "import sys, time\n"
        "from deployer.model.event import Note\n"
        "from deployer.report.plain import PlainReporter\n"
        "reporter = PlainReporter(sys.stdout)\n"
        "sys.stdin.read()\n"
        "for n in range(3): reporter.handle(Note(message='x' * 100))\n"
        "print('still here')\n"
        "sys.exit(6)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        assert process.stderr
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 6


def test_lines_of_hosts_in_parallel_are_never_mixed() -> None:
    reading, writing = os.pipe()
    with open(writing, "w") as stream:
        reporter = PlainReporter(stream, verbosity=1)
        events = [e.Output(host=f"h{number}", line=str(number) * 40) for number in range(8)]
        threads = [threading.Thread(target=lambda one=one: [reporter.handle(one) for _ in range(50)]) for one in events]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with open(reading) as stream:
        lines = stream.read().splitlines()
    assert len(lines) == 400
    assert set(lines) == {f"  h{number}  | {str(number) * 40}" for number in range(8)}


def test_plain_and_json_come_without_rich() -> None:
    code = (
        "import sys\n"
        "from deployer.report import choose, diff, json_lines, plain, redact, status\n"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
