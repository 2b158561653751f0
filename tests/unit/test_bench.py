"""The benchmark: a tool that did not get there is a failure, figures are what they are called, the page shows them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bench.counts import compare
from bench.errors import BenchError, NotReachedError
from bench.hosts import Access, Endpoint
from bench.link import Counts, links
from bench.measuring import Command, Sample, Watch, measure
from bench.page import render_page
from bench.project import set_version, stir, write_project
from bench.reasons import REASONS
from bench.results import Results
from bench.state import await_version, digest
from bench.stats import seconds, size, spread
from bench.targets import targets
from bench.tools.shell import ShellTool
from bench.tools.tool import Job


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_project(tmp_path / "site", modules=3)


@pytest.fixture
def port(site: Path) -> Iterator[int]:
    """Where the site's page is served, as a host would."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site / "app")))
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


HERE = (Endpoint(name="web1", address="127.0.0.1"),)


def test_a_host_that_serves_the_version_is_where_it_should_be(site: Path, port: int) -> None:
    set_version(site, "2")
    await_version(HERE, port, "2", patience=0)


def test_a_host_that_serves_another_version_is_a_failure(site: Path, port: int) -> None:
    set_version(site, "1")
    with pytest.raises(NotReachedError, match=r"web1: expected .*\"2\".*, found .*\"1\""):
        await_version(HERE, port, "2", patience=0)


def test_a_host_that_serves_nothing_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotReachedError, match=r"no page: .*refused"):
        await_version(HERE, port, "2", patience=0)


def test_a_version_that_comes_late_is_waited_for(site: Path, port: int) -> None:
    timer = threading.Timer(0.1, set_version, (site, "2"))
    timer.start()
    await_version(HERE, port, "2", patience=10)
    timer.join()


def test_a_folders_digest_is_what_the_hosts_programs_say(site: Path) -> None:
    asked = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    said = subprocess.run(["sh", "-c", asked], cwd=site, capture_output=True, text=True, check=True).stdout
    before = digest(site)
    assert said.split()[0] == before
    stir(site / "Dockerfile", seed=1, size=8)
    assert digest(site) != before


def test_a_tool_that_fails_is_a_failure_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"ended with 3\nno such host"):
        measure(Command(argv=["sh", "-c", "echo no such host; exit 3"], folder=tmp_path))


def test_a_runs_memory_is_that_of_all_its_processes(tmp_path: Path) -> None:
    child = "import os, time; held = bytearray(30_000_000)\nwhile not os.path.exists('seen'): time.sleep(0.01)"
    (tmp_path / "child.py").write_text(child)
    shell = f'"{sys.executable}" child.py & "{sys.executable}" child.py & wait'
    with subprocess.Popen(["sh", "-c", shell], cwd=tmp_path) as process, Watch(process.pid, active=True) as seen:
        deadline = time.monotonic() + 20
        while seen.peak < 60_000_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        (tmp_path / "seen").touch()
    assert 60_000_000 < seen.peak < 110_000_000
    assert measure(Command(argv=["true"], folder=tmp_path), watch=True).peak is not None


def test_a_link_counts_what_goes_over_it_and_holds_it_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer_twice, args=(listener,), daemon=True).start()
        target = Endpoint(name="web1", address="127.0.0.1", port=listener.getsockname()[1])
        with links([target], 0.02) as line, socket.create_connection(("127.0.0.1", line.endpoints[0].port)) as client:
            talk(client)
            counts = line.counts["web1"]
    assert (counts.connections, counts.bytes_out, counts.bytes_in, counts.turns) == (1, 10, 6, 2)
    assert line.endpoints[0].host == "127.0.0.1"


def answer_twice(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        for _ in range(2):
            assert connection.recv(100) == b"hello"
            connection.sendall(b"you")


def talk(client: socket.socket) -> None:
    for _ in range(2):
        client.sendall(b"hello")
        assert client.recv(100) == b"you"


def test_a_count_of_ours_that_is_not_the_lines_is_a_failure() -> None:
    traffic = {"connections": 1, "execs": 1, "bytes_out": 10, "bytes_in": 20}
    report = {"outcomes": [{"host": "web1", "traffic": traffic}]}
    sample = Sample(seconds=1, output=json.dumps({"event": "RunFinished", "report": report}) + "\n")
    compare(sample, {"web1": Counts(connections=1, bytes_out=10, bytes_in=20)})
    compare(sample, {"web1": Counts(connections=1, bytes_out=10, bytes_in=120)})  # 100 after it had hung up
    with pytest.raises(BenchError, match="web1: deployer counts"):
        compare(sample, {"web1": Counts(connections=1, bytes_out=11, bytes_in=20)})


def test_medians_and_spreads() -> None:
    assert str(spread([0.5, 0.1, 12.0])) == "0.500 (0.100 – 12.0, 3)"
    assert spread([1, 2, 4, 8]).median == 3
    with pytest.raises(ValueError, match="no values"):
        spread([])


@pytest.mark.parametrize(("value", "text"), [(0.1234, "0.123"), (1.618, "1.62"), (10.16, "10.2"), (61.4, "61")])
def test_seconds_have_the_digits_that_mean_something(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(999, "999 B"), (12_000, "12.0 kB"), (123e6, "123 MB"), (2.5e9, "2.5 GB")])
def test_sizes_are_decimal(value: float, text: str) -> None:
    assert size(value) == text


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Ours takes 1 s, the script 2 s, Ansible 20 s."""
    found = Results.begin(tmp_path / "results.json", "abc123")
    for tool, median in (("deployer", 1.0), ("shell", 2.0), ("ansible", 20.0)):
        found.keep("unchanged-3", tool, [Sample(seconds=median, peak=50_000_000)] * 3)
    cost = {"connections": 1, "sessions": 2, "bytes_out": 9_000, "bytes_in": 13_000, "turns": 9}
    found.counts = {"unchanged": {"deployer": cost}}
    return found


def test_targets_are_met_missed_or_not_measured(results: Results) -> None:
    verdicts = {line.what: line.verdict for line in targets(results)}
    assert verdicts["unchanged, 3 hosts: part of the script's time"] == "**missed**"  # 0.5 of it
    assert verdicts["unchanged, 3 hosts: part of Ansible's time"] == "met"
    assert verdicts["unchanged: bytes to a host"] == "met"
    assert verdicts["unchanged: bytes from a host"] == "**missed**"
    assert verdicts["first sync: part of rsync -az's time"] == "–"


def test_the_page_shows_medians_counts_and_targets(results: Results) -> None:
    results.machine = {"processor": "Test Processor"}
    page = render_page(results, {"unchanged-3": "1. unchanged, 3 hosts", "changed": "2. one changed file"})
    assert "- processor: Test Processor\n" in page
    assert (
        "| 1. unchanged, 3 hosts | 1.00 (1.00 – 1.00, 3) | 2.00 (2.00 – 2.00, 3) | – | 20.0 (20.0 – 20.0, 3) |" in page
    )
    assert "| unchanged: deployer | 1 | 2 | 9.0 kB | 13.0 kB | 9 |" in page
    assert "| 2. one changed file |" not in page
    assert "Not measured: 2. one changed file.\n" in page
    assert "three-hosts.svg" in page
    assert "memory.svg" not in page, "there is nothing to draw"
    assert page.count("**Unchanged, 3 hosts.** ") == 1, "what was missed has its reason"
    assert "**First sync.**" not in page


def test_every_reason_is_one_of_a_target(results: Results) -> None:
    assert set(REASONS) <= {line.what.partition(":")[0] for line in targets(results)}


def test_a_benchmark_that_was_stopped_goes_on_and_one_that_is_complete_begins_anew(results: Results) -> None:
    results.save()
    assert Results.begin(results.path, "abc123").samples == results.samples
    assert Results.begin(results.path, "another").samples == {}
    assert Results.begin(results.path, "abc123", fresh=True).samples == {}
    results.commit = "abc123+changes"
    results.save()
    assert Results.begin(results.path, "abc123+changes").samples == {}, "what has changed may be another thing now"
    results.commit, results.complete = "abc123", True
    results.save()
    assert Results.begin(results.path, "abc123").samples == {}


def test_a_failure_on_one_host_fails_the_script(tmp_path: Path, site: Path) -> None:
    """The peer that is written by hand must not pass for one that worked."""
    hosts = tuple(Endpoint(name=name, address="127.0.0.1", port=1) for name in ("a", "b"))
    access = Access(tmp_path / "key", tmp_path)
    access.write(hosts, {"127.0.0.1": ["ssh-ed25519 AAAA"]})
    job = Job(name="site", folder=site, port=80, hosts=hosts, access=access)
    for command in (ShellTool(tmp_path / "shell").deploy(job), ShellTool(tmp_path / "shell").sync(job)):
        with pytest.raises(BenchError, match="ended with 1"):
            measure(command)
