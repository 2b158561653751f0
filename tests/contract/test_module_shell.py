"""The generic modules for real: their shell on this machine, in folders of the test's own."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fleets import NotRun
from world import MODULES as GIVEN
from world import World, result, words

from deployer.engine.look import read_look, render_look
from deployer.facts.accounts import AuthorizedKeys, Group, User
from deployer.facts.packages import Packages
from deployer.facts.services import Service, ServiceSeen
from deployer.facts.stat import PathStat
from deployer.facts.trees import PathsBelow
from deployer.model.event import ActionStarted, Note, PersonAnswered, PersonAsked
from deployer.model.report import Status
from deployer.modules._ere import to_ere
from deployer.modules.all import MODULES
from deployer.protocols import Fact

HEAD = "- hosts: all\n  tasks:\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path, names=("a",), releases=False, modules={**GIVEN, **MODULES})


def play(text: str) -> str:
    """A play of these tasks."""
    return HEAD + "".join(f"    {line}\n" for line in text.strip("\n").splitlines())


@pytest.fixture(params=["dash", "busybox"])
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Asks a fact of one kind of sh, with the tools that are its own."""
    shell = [request.param, "sh"] if request.param == "busybox" else [request.param]
    env = dict(os.environ)
    if request.param == "busybox":
        tools = tmp_path_factory.mktemp("busybox")
        subprocess.run(["busybox", "--install", "-s", str(tools)], check=True)
        env["PATH"] = str(tools)
    program = shutil.which(shell[0])
    assert program

    def answer(fact: Fact[Any]) -> Any:
        done = subprocess.run(
            [program, *shell[1:]],
            input=render_look([fact], "nonce"),
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        (found,) = read_look(done.stdout, "nonce")
        return fact.parse(*found)

    return answer


# what is there --------------------------------------------------------------------------------------------------


def test_stat_says_what_python_says(ask: Any, tmp_path: Path) -> None:
    path = tmp_path / "it's a file"
    path.write_text("hello\n")
    path.chmod(0o4751)
    found, real = ask(PathStat(str(path), algorithm="sha1")), path.stat()
    assert found["exists"]
    assert found["mode"] == "4751"
    for name in ("uid", "gid", "size", "dev", "nlink", "blocks"):
        assert found[name] == getattr(real, f"st_{name}"), name
    assert found["mtime"] == pytest.approx(real.st_mtime, abs=1e-6)
    assert (found["inode"], found["isuid"], found["woth"], found["xoth"]) == (real.st_ino, True, False, True)
    assert (found["isreg"], found["isdir"], found["islnk"]) == (True, False, False)
    assert found["checksum"] == "f572d396fae9206628714fb2ce00f72e94f2258f"
    assert (found["pw_name"], found["readable"]) == ("root" if os.getuid() == 0 else found["pw_name"], True)


def test_stat_of_a_link(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    link = tmp_path / "link"
    link.symlink_to("target")
    found = ask(PathStat(str(link)))
    assert (found["islnk"], found["isdir"]) == (True, False)
    assert (found["lnk_target"], found["lnk_source"]) == ("target", str(tmp_path / "target"))
    assert ask(PathStat(str(link), follow=True))["isdir"]
    (tmp_path / "target").rmdir()
    assert ask(PathStat(str(link)))["exists"]
    assert ask(PathStat(str(link), follow=True)) == {"exists": False}


def test_stat_of_a_device(ask: Any) -> None:
    found = ask(PathStat("/dev/null"))
    assert (found["ischr"], found["device_type"]) == (True, os.stat("/dev/null").st_rdev)


def test_slurp_and_stat_in_a_play(world: World) -> None:
    (world.dir("a") / "x").write_bytes(b"\0\xffhello\n")
    report = world.run(
        play("""
- {name: read, slurp: {src: "{{ dir }}/x"}, register: read}
- {name: stat, stat: {path: "{{ dir }}/x"}, register: found}
- {name: none, stat: {path: "{{ dir }}/y"}, register: nothing}
- {name: gone, slurp: {src: "{{ dir }}/y"}, register: gone, ignore_errors: true}
- {name: say, debug: {msg: "{{ read.content }} {{ found.stat.size }} {{ nothing.stat.exists }} {{ gone.msg }}"}}
""")
    )
    assert words(report) == ["read: ok", "stat: ok", "none: ok", "gone: ignored", "say: ok"]
    content = base64.b64encode(b"\0\xffhello\n").decode()
    assert result(report, "say").message == f"{content} 8 False File not found: {world.dir('a')}/y"


# what is said ---------------------------------------------------------------------------------------------------


def test_set_fact_is_above_variables_and_below_extra_ones(world: World) -> None:
    world.variables = {"colour": "red"}
    report = world.run(
        play("""
- {name: set, set_fact: {colour: blue, size: "{{ 1 + 1 }}", dir: mine}}
- {name: say, debug: {msg: "{{ colour }} {{ size + 1 }} {{ dir == 'mine' }}"}, vars: {colour: green}}
""")
        + play("- {name: later, debug: {msg: '{{ colour }}'}, vars: {colour: green}}")
    )
    assert result(report, "say").message == "blue 3 False"
    assert result(report, "later").message == "blue"


def test_set_fact_in_a_loop_and_in_check_mode(world: World) -> None:
    tasks = play("""
- {name: set, set_fact: {found: "{{ found | default([]) + [item] }}"}, loop: [x, y, z], when: item != 'y'}
- {name: say, debug: {msg: "{{ found | join(',') }}"}}
""")
    assert [result(world.run(tasks, check=check), "say").message for check in (False, True)] == ["x,z", "x,z"]


def test_fail_ends_the_host(world: World) -> None:
    report = world.run(play("- {name: end, fail: {msg: 'no {{ 1 + 1 }}'}}\n- {name: more, debug: {msg: x}}"))
    assert words(report) == ["end: failed"]
    assert result(report, "end").message == "no 2"


def test_debug_is_quiet_without_v(world: World) -> None:
    tasks = play("- {name: say, debug: {msg: x, verbosity: 2}}")
    assert result(world.run(tasks), "say").status is Status.SKIPPED
    world.variables = {"ansible_verbosity": 2}
    assert result(world.run(tasks), "say").message == "x"


def test_command_tells_its_streams_apart(world: World) -> None:
    report = world.run(
        play("""
- {name: one, shell: "echo out; echo err >&2; echo more; echo; exit 3", register: one, ignore_errors: true}
- {name: two, command: "sh -c 'printf bad >&2'", register: two}
- {name: three, debug: {msg: "{{ one.stdout_lines }} {{ one.stderr }} {{ one.rc }} {{ two.stderr }} {{ two.stdout }}|"}}
""")
    )
    assert result(report, "three").message == "['out', 'more'] err 3 bad |"
    assert result(report, "one").output == "out\nmore\n\nerr"


def test_command_that_has_nothing_to_do_says_so(world: World) -> None:
    report = world.run(
        play("""
- {name: one, command: {cmd: "false", creates: /etc}, register: one}
- {name: two, shell: {cmd: "false", removes: /nonexistent}, register: two}
- {name: three, debug: {msg: "{{ one.stdout }}, {{ two.msg }}, {{ one.rc }}"}}
""")
    )
    told = "skipped, since /etc exists, Did not run command since '/nonexistent' does not exist, 0"
    assert result(report, "three").message == told


# waiting --------------------------------------------------------------------------------------------------------


def test_pause_takes_its_time_once_for_all_hosts(tmp_path: Path) -> None:
    world = World(folder=tmp_path, names=("a", "b"), releases=False, modules={**GIVEN, **MODULES})
    report = world.run(play("- {name: wait, pause: {seconds: 0.3}, register: waited}"))
    assert 0.3 <= sum(one.seconds for one in report.results if one.host == "a") < 3
    assert words(report) == ["wait: ok"]
    assert len([one for one in report.results if one.actions]) == 1


def test_pause_without_a_terminal_warns_and_goes_on(world: World) -> None:
    report = world.run(play("- {name: wait, pause: {prompt: Well}}\n- {name: more, debug: {msg: x}}"))
    assert words(report) == ["wait: ok", "more: ok"]
    assert [note.message for note in world.of(Note)] == ["not waiting for an answer: this is no terminal"]


def test_pause_asks_a_person(world: World) -> None:
    asked: list[tuple[str, bool]] = []

    def person(prompt: str, echo: bool, stop: threading.Event) -> str:
        asked.append((prompt, echo))
        assert len(world.of(PersonAsked)) == 1
        return "blue"

    report = world.run(
        play("""
- {name: wait, pause: {prompt: Which colour, echo: false}, register: answer}
- {name: say, debug: {msg: "{{ answer.user_input }}"}}
"""),
        ask=person,
    )
    assert asked == [("Which colour", False)]
    assert len(world.of(PersonAnswered)) == 1
    assert result(report, "say").message == "blue"


def test_pause_of_check_mode_is_only_announced(world: World) -> None:
    report = world.run(play("- {name: wait, pause: {minutes: 10}}"), check=True)
    assert result(report, "wait").seconds < 60
    assert words(report) == ["wait: ok"]


# text files -----------------------------------------------------------------------------------------------------


def test_lines_keep_the_files_rights_and_owner(world: World) -> None:
    path = world.dir("a") / "x"
    path.write_text("a\n")
    path.chmod(0o640)
    text = play("- {name: one, lineinfile: {path: '{{ dir }}/x', line: b}}")
    assert words(world.run(text)) == ["one: changed"]
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("a\nb\n", 0o640)
    assert words(world.run(text)) == ["one: ok"]


def test_a_file_that_its_validator_refuses_stays(world: World) -> None:
    path = world.dir("a") / "x"
    path.write_text("a\n")
    copy = "copy: {dest: '{{ dir }}/x', content: new, validate: 'sh -c \"echo not good; exit 1\" %s'}"
    report = world.run(play(f"- {{name: one, {copy}}}"))
    assert (result(report, "one").status, result(report, "one").output) == (Status.FAILED, "not good")
    assert path.read_text() == "a\n"
    assert sorted(one.name for one in world.dir("a").iterdir()) == ["x"]


def test_check_mode_writes_no_line_and_diff_shows_it(world: World) -> None:
    (world.dir("a") / "x").write_text("a\n")
    text = play("- {name: one, blockinfile: {path: '{{ dir }}/x', block: b}}")
    report = world.run(text, check=True, diff=lambda put: f"{put.before!r} {put.content!r}")
    assert words(report) == ["one: changed"]
    assert (world.dir("a") / "x").read_text() == "a\n"
    block = b"a\n# BEGIN ANSIBLE MANAGED BLOCK\nb\n# END ANSIBLE MANAGED BLOCK\n"
    assert [event.diff for event in world.of(ActionStarted)] == [f"{b'a' + bytes([10])!r} {block!r}"]


# the web --------------------------------------------------------------------------------------------------------


class Web(BaseHTTPRequestHandler):
    """Says what it was asked; a few paths are special."""

    def do_GET(self) -> None:
        path = self.path
        if path == "/file" and self.headers.get("If-Modified-Since"):
            self.send_response(304)
            self.end_headers()
        elif path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
        elif path == "/file":
            self.answer(200, b"content\n", "text/plain")
        elif path == "/gone":
            self.answer(404, b"no such thing", "text/plain")
        else:
            length = int(self.headers.get("Content-Length", 0))
            said = {"path": path, "method": self.command, "body": self.rfile.read(length).decode()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.answer(200, json.dumps({**said, "headers": headers}).encode(), "application/json; charset=utf-8")

    do_POST = do_PUT = do_GET  # noqa: N815

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("X-Colour", "blue")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    """A web server of the test's own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["curl", "wget", "busybox"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a host has to ask the web with: a PATH on which there is just this."""
    tools = tmp_path_factory.mktemp("tools")
    subprocess.run(["busybox", "--install", "-s", str(tools)], check=True)
    if request.param != "busybox":
        program = shutil.which(request.param)
        assert program
        (tools / request.param).unlink(missing_ok=True)
        (tools / request.param).symlink_to(program)
    return str(tools)


def asked(world: World, web: str, client: str, uri: str, expression: str) -> str:
    """What an expression over the answer comes to."""
    report = world.run(
        play(f"""
- {{name: ask, uri: {{url: "{web}{uri}}}, register: answer, environment: {{PATH: "{client}"}}, ignore_errors: true}}
- {{name: say, debug: {{msg: "{{{{ {expression} | to_json }}}}"}}}}
""")
    )
    return str(json.loads(result(report, "say").message))


def test_uri_reads_an_answer(world: World, web: str, client: str) -> None:
    said = asked(world, web, client, '/file", return_content: true', "[answer.status, answer.content, answer.msg]")
    assert said == "[200, 'content\\n', 'OK (8 bytes)']"
    said = asked(world, web, client, '/moved"', "[answer.url, answer.redirected, answer.x_colour, answer.changed]")
    assert said == f"['{web}/file', True, 'blue', False]"
    assert asked(world, web, client, '/x?y=1"', "[answer.json.path, answer.json.method]") == "['/x?y=1', 'GET']"


def test_uri_fails_for_another_status(world: World, web: str, client: str) -> None:
    said = asked(world, web, client, '/gone"', "[answer.status, answer.failed, answer.msg]")
    assert said == "[404, True, 'Status code was 404 and not [200]: HTTP Error 404: Not Found']"
    assert asked(world, web, client, '/gone", status_code: [200, 404]', "answer.failed") == "False"


def test_uri_says_that_nobody_answers(world: World, client: str) -> None:
    said = asked(world, "http://127.0.0.1:1", client, '/"', "[answer.status, answer.failed, answer.msg]")
    assert said.startswith("[-1, True, ")
    assert "Status code was -1 and not [200]: Request failed: " in said
    assert "refused" in said or "connect" in said


def test_uri_sends(world: World, web: str, client: str) -> None:
    if client_name(client) == "busybox":
        assert asked(world, web, client, '/x", method: PUT, headers: {X-Token: secret}', "answer.failed") == "True"
        assert asked(world, web, client, '/x", method: POST, body: "a b"', "answer.json.body") == "a b"
        return
    uri = (
        '/x", method: PUT, body: {a: [1, "it\'s"]}, body_format: json, headers: {X-Token: "se cret\\""}, '
        'user: ann, password: "b:c"'
    )
    wanted = "[answer.json.method, answer.json.body, answer.json.headers['x-token']]"
    assert asked(world, web, client, uri, wanted) == """['PUT', '{"a": [1, "it\\'s"]}', 'se cret"']"""
    basic = "[answer.json.headers.authorization, answer.json.headers['content-type']]"
    assert asked(world, web, client, uri, basic) == "['Basic YW5uOmI6Yw==', 'application/json']"
    form = '/x", method: POST, body: {a: "x y", b: [1, 2]}, body_format: form-urlencoded'
    assert asked(world, web, client, form, "answer.json.body") == "a=x+y&b=1&b=2"


def client_name(client: str) -> str:
    """Which of the three kinds a PATH is."""
    if Path(client, "curl").exists():
        return "curl"
    return "busybox" if Path(client, "wget").resolve().name == "busybox" else "wget"


def test_get_url(world: World, web: str, client: str) -> None:
    digest = hashlib.sha256(b"content\n").hexdigest()
    path = world.dir("a") / "x"

    def run(args: str) -> list[str]:
        get = f"get_url: {{url: '{web}/file', dest: '{{{{ dir }}}}/x', {args}}}"
        return words(world.run(play(f"- {{name: one, {get}, environment: {{PATH: '{client}'}}}}")))

    assert run("mode: '0600'") == ["one: changed"]
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"content\n", 0o600)
    assert run("mode: '0600'") == ["one: ok"]
    assert run(f"checksum: 'sha256:{digest}'") == ["one: ok"]
    assert run("force: true") == ["one: ok"]
    path.write_bytes(b"other\n")
    assert run(f"checksum: 'sha256:{digest}', backup: true, mode: '0640'") == ["one: changed"]
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"content\n", 0o640)
    assert run(f"checksum: 'sha256:{'0' * 64}'") == ["one: failed"]
    assert path.read_bytes() == b"content\n"
    other = hashlib.sha256(b"other\n").hexdigest()[:8]
    assert sorted(one.name for one in world.dir("a").iterdir()) == ["x", f"x.before-{other}"]


def test_get_url_into_a_folder_and_of_what_is_gone(world: World, web: str, client: str) -> None:
    report = world.run(
        play(f"""
- {{name: one, get_url: {{url: "{web}/file", dest: "{{{{ dir }}}}"}}, register: one, environment: {{PATH: "{client}"}}}}
- {{name: two, get_url: {{url: "{web}/gone", dest: "{{{{ dir }}}}"}}, environment: {{PATH: "{client}"}}}}
""")
    )
    assert words(report) == ["one: changed", "two: failed"]
    assert result(report, "one").data["dest"] == f"{world.dir('a')}/file"
    assert "404" in result(report, "two").output
    assert [one.name for one in world.dir("a").iterdir()] == ["file"]


# scripts, files brought here, waiting ---------------------------------------------------------------------------


def test_script_runs_with_its_arguments(world: World) -> None:
    script = world.folder / "my script"
    script.write_text('#!/usr/bin/env bash\necho "$1|$2|$PWD|$-"; echo err >&2; exit 3\n')
    report = world.run(
        play("""
- {name: one, script: "'my script' 'a b' $HOME", register: one, args: {chdir: "{{ dir }}"}, ignore_errors: true}
- {name: two, script: {cmd: "my\\\\ script x", executable: sh -e}, register: two, ignore_errors: true}
- {name: three, debug: {msg: "{{ one.stdout }} {{ one.stderr }} {{ one.rc }} {{ two.stdout }}"}}
""")
    )
    said = result(report, "three").message
    assert said.startswith(f"a b|{os.environ['HOME']}|{world.dir('a')}|")
    assert " err 3 " in said
    assert "e" in said.rsplit("|", 1)[1]


def test_script_that_is_not_there(world: World) -> None:
    report = world.run(play("- {name: one, script: nothing.sh}"))
    assert "nothing.sh: No such file" in result(report, "one").message


def test_fetch_brings_a_file_and_leaves_it_alone(world: World) -> None:
    (world.dir("a") / "x").write_bytes(b"\0one\xff")
    text = play("- {name: one, fetch: {src: '{{ dir }}/x', dest: kept}}")
    assert words(world.run(text, check=True)) == ["one: changed"]
    assert not (world.folder / "kept").exists()
    assert words(world.run(text)) == ["one: changed"]
    here = world.folder / "kept" / "a" / str(world.dir("a")).lstrip("/") / "x"
    assert here.read_bytes() == b"\0one\xff"
    assert words(world.run(text)) == ["one: ok"]
    (world.dir("a") / "x").write_bytes(b"two")
    assert words(world.run(text)) == ["one: changed"]
    assert here.read_bytes() == b"two"
    assert [one.name for one in here.parent.iterdir()] == ["x"]


def test_fetch_flat_and_missing(world: World) -> None:
    (world.dir("a") / "x").write_text("one")
    report = world.run(
        play("""
- {name: one, fetch: {src: "{{ dir }}/x", dest: "kept/", flat: true}, register: one}
- {name: two, fetch: {src: "{{ dir }}/y", dest: kept/, fail_on_missing: false}}
- {name: three, fetch: {src: "{{ dir }}/y", dest: kept/}, ignore_errors: true}
- {name: four, debug: {msg: "{{ one.dest }} {{ one.checksum }}"}}
""")
    )
    assert words(report) == ["one: changed", "two: ok", "three: ignored", "four: ok"]
    digest = hashlib.sha1(b"one", usedforsecurity=False).hexdigest()
    assert result(report, "four").message == f"{world.folder}/kept/x {digest}"


@pytest.mark.parametrize("tool", ["bash", "nc"])
def test_wait_for_a_port(world: World, web: str, tool: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    tools = tmp_path_factory.mktemp("tools")
    subprocess.run(["busybox", "--install", "-s", str(tools)], check=True)
    if tool == "bash":
        (tools / "bash").symlink_to(shutil.which("bash") or "")
    port = web.rpartition(":")[2]
    wait = f"environment: {{PATH: '{tools}'}}, wait_for: {{timeout: 1, connect_timeout: 1"
    report = world.run(
        play(f"""
- {{name: open, {wait}, port: {port}}}}}
- {{name: shut, {wait}, port: 1, state: stopped}}}}
- {{name: not open, {wait}, port: 1, host: 127.0.0.1}}, register: late, ignore_errors: true}}
- {{name: say, debug: {{msg: "{{{{ late.msg }}}} {{{{ late.elapsed }}}}"}}}}
""")
    )
    assert words(report) == ["open: ok", "shut: ok", "not open: ignored", "say: ok"]
    assert result(report, "say").message.startswith("Timeout when waiting for 127.0.0.1:1 ")


def test_wait_for_a_greeting(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        wait = f"wait_for: {{port: {server.getsockname()[1]}, search_regex: '^SSH-\\d\\.\\d', timeout: 5}}"
        assert words(world.run(play(f"- {{name: one, {wait}}}"))) == ["one: ok"]
        thread.join()


def test_wait_for_a_path(world: World) -> None:
    path = world.dir("a") / "ready"
    threading.Timer(1.2, path.write_text, ("up since 17 s\n",)).start()
    report = world.run(
        play("""
- {name: one, wait_for: {path: "{{ dir }}/ready", timeout: 20}, register: one}
- {name: two, wait_for: {path: "{{ dir }}/ready", search_regex: 'UP since \\d+ s$', timeout: 0}, ignore_errors: true}
- {name: three, wait_for: {path: "{{ dir }}/ready", search_regex: '(?i)UP since \\d+ (?:s|min)$', timeout: 0}}
- {name: four, wait_for: {path: "{{ dir }}/other", state: absent, timeout: 0}}
- {name: five, wait_for: {timeout: 1}, register: five}
- {name: six, debug: {msg: "{{ one.elapsed > 0 }} {{ five.elapsed }}"}}
""")
    )
    assert words(report) == ["one: ok", "two: ignored", "three: ok", "four: ok", "five: ok", "six: ok"]
    assert result(report, "six").message.startswith("True ")


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"a\d+b", "a12b", "ab"),
        (r"\s\w\S", " a.", " a "),
        (r"[\w.]+@[^\s]", "ann.b@x", "@ "),
        (r"a\.b|c\(d\)", "c(d)", "axb"),
        (r"[\]x]y", "]y", "ay"),
        (r"[a\-c]y", "-y", "by"),
        (r"a.*?b{2}?", "axxbb", "ab"),
        (r"(?:ab)+$", "abab", "aba"),
        (r"[^\d]z", "az", "1z"),
    ],
)
def test_patterns_mean_the_same_to_grep(pattern: str, yes: str, no: str) -> None:
    for grep in (["grep"], ["busybox", "grep"]):
        for text, found in ((yes, True), (no, False)):
            command = [*grep, "-Eq", "-e", to_ere("search_regex", pattern).text]
            assert (subprocess.run(command, input=text + "\n", text=True, check=False).returncode == 0) is found
            assert (re.search(pattern, text) is not None) is found


# the system -----------------------------------------------------------------------------------------------------

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5kJ4ZtMtMpRrEGyZdUv0pCwVOkhnHq1o3m7XKZ5X9Z"


def test_keys_are_added_once(world: World) -> None:
    path = world.dir("a") / "ssh" / "keys"
    text = play(f"- {{name: one, authorized_key: {{user: root, key: '{KEY} me', path: '{{{{ dir }}}}/ssh/keys'}}}}")
    assert words(world.run(text)) == ["one: changed"]
    assert path.read_text() == f"{KEY} me\n"
    assert (path.stat().st_mode & 0o7777, path.parent.stat().st_mode & 0o7777) == (0o600, 0o700)
    path.write_text(f"# note\n{KEY} me")
    assert words(world.run(text)) == ["one: ok"]
    assert words(world.run(text.replace("user: root", "user: root, state: absent"))) == ["one: changed"]
    assert path.read_text() == "# note\n"


def test_where_a_users_keys_are(ask: Any) -> None:
    found, root = ask(AuthorizedKeys("root")), pwd.getpwnam("root")
    assert (found.path, found.owner) == (f"{root.pw_dir}/.ssh/authorized_keys", "0:0")
    assert ask(AuthorizedKeys("no-such-user")) is None


def test_accounts_are_read(ask: Any) -> None:
    found = ask(User("root"))
    assert (found.uid, found.gid, found.group, found.home) == (0, 0, "root", pwd.getpwnam("root").pw_dir)
    assert ask(User("no-such-user")) is None
    assert (ask(Group("root")), ask(Group("no-such-group"))) == (0, None)


@pytest.fixture
def apt(not_run: NotRun) -> None:
    if shutil.which("dpkg-query") is None:
        not_run("this machine has no apt")


@pytest.mark.usefixtures("apt")
def test_packages_are_read() -> None:
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "dash"], capture_output=True, text=True, check=True)
    fact = Packages(("dash", "no-such-package-here"))
    out = subprocess.run(["sh"], input=fact.script(), capture_output=True, text=True, check=True)
    found = fact.parse(out.stdout, 0)
    assert (found.manager, found.installed) == ("apt", {"dash": done.stdout})


@pytest.mark.usefixtures("apt")
def test_unchanged_packages_take_one_look(world: World) -> None:
    report = world.run(play("- {name: one, package: {name: dash, state: present}}\n- {name: two, apt: {name: [dash]}}"))
    assert words(report) == ["one: ok", "two: ok"]


@pytest.mark.parametrize("init", ["sysvinit", "openrc"])
def test_services_of_other_inits_are_run(world: World, tmp_path: Path, init: str) -> None:
    """The scripts lie in the test's folder: an /etc/init.d of its own, or OpenRC's two programs."""
    tools, scripts = tmp_path / "tools", tmp_path / "init.d"
    for folder in (tools, scripts, tmp_path / "rc2.d"):
        folder.mkdir()
    script = f"#!/bin/sh\ncase $1 in status) [ -e {tmp_path}/up ] ;; esac\n"
    fact = Service("shop").script().replace("/etc/", f"{tmp_path}/").replace("/run/systemd/system", "/nonexistent")
    if init == "openrc":
        program(tools / "rc-service", f'#!/bin/sh\n[ "$1" != --exists ] || exit 0\nshift\n{script}')
        program(tools / "rc-update", "#!/bin/sh\necho '                 shop |      default'\n")
    else:
        program(scripts / "shop", script)
        (tmp_path / "rc2.d" / "S01shop").symlink_to(scripts / "shop")

    def look() -> ServiceSeen:
        env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
        done = subprocess.run(["sh"], input=fact, capture_output=True, text=True, check=True, env=env)
        return Service("shop").parse(done.stdout, 0)

    assert look() == ServiceSeen(init=init, load="loaded", enabled="enabled")
    (tmp_path / "up").touch()
    assert look().runs


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


# archives -------------------------------------------------------------------------------------------------------


def archive(path: Path, mode: str = "w:gz") -> None:
    """A few entries, one of them with a name that a shell would stumble over."""
    with tarfile.open(path, mode) as tar:
        for name, content, bits in (("a dir/it's $HOME", b"one\n", 0o640), ("run.sh", b"#!/bin/sh\n", 0o755)):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), bits
            tar.addfile(info, io.BytesIO(content))
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "run.sh"
        tar.addfile(info)


def test_archive_of_this_machine_travels_only_where_it_differs(world: World) -> None:
    archive(world.folder / "a.tgz")
    text = play("- {name: one, unarchive: {src: a.tgz, dest: '{{ dir }}', list_files: true}, register: one}")
    assert words(world.run(text, check=True)) == ["one: changed"]
    assert list(world.dir("a").iterdir()) == []
    report = world.run(text)
    assert words(report) == ["one: changed"]
    assert result(report, "one").data["files"] == ["a dir/it's $HOME", "run.sh", "link"]
    file = world.dir("a") / "a dir" / "it's $HOME"
    assert (file.read_bytes(), file.stat().st_mode & 0o7777) == (b"one\n", 0o640)
    assert (world.dir("a") / "link").readlink() == Path("run.sh")
    assert words(world.run(text)) == ["one: ok"]
    file.chmod(0o600)
    assert words(world.run(text)) == ["one: changed"]
    (world.dir("a") / "other").write_text("stays")
    (world.dir("a") / "run.sh").unlink()
    assert words(world.run(text)) == ["one: changed"]
    assert words(world.run(text)) == ["one: ok"]
    assert (world.dir("a") / "other").read_text() == "stays"


def test_part_of_an_archive(world: World) -> None:
    archive(world.folder / "a.tar", "w")
    text = play(
        "- {name: one, unarchive: {src: a.tar, dest: '{{ dir }}', exclude: ['a dir', l*], owner: root, group: 0}}"
    )
    assert [words(world.run(text)) for _ in range(2)] == [["one: changed"], ["one: ok"]]
    assert [one.name for one in world.dir("a").iterdir()] == ["run.sh"]


def test_archive_that_would_leave_its_folder(world: World) -> None:
    with tarfile.open(world.folder / "bad.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("../evil"))
    report = world.run(play("- {name: one, unarchive: {src: bad.tar, dest: '{{ dir }}'}}"))
    assert "bad.tar holds '../evil'" in result(report, "one").message


def test_paths_below_are_read(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "it's").write_text("one")
    (tmp_path / "it's").chmod(0o640)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("a b")
    found = ask(PathsBelow(str(tmp_path), ("it's", "none", "folder", "link")))
    digest = hashlib.sha256(b"one").hexdigest()
    assert [(one.kind, one.value) for one in found] == [("file", digest), ("", ""), ("directory", ""), ("link", "a b")]
    assert found[0].mode == 0o640
    assert ask(PathsBelow(str(tmp_path / "none"), ("x",))) is None


def test_file_of_this_machine_is_known_at_the_first_look(world: World) -> None:
    (world.folder / "mine").write_text("text\n")
    text = play("- {name: one, copy: {src: mine, dest: '{{ dir }}/x'}}")
    assert [words(world.run(text)) for _ in range(2)] == [["one: changed"], ["one: ok"]]
