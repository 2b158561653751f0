"""Generic modules do on a host what Ansible's do: same words, files and registered values; also a second time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from ansible_runs import Ansible
from both_run import PYTHON, Side, run_ansible, run_deploy, tree

Calls = list[tuple[str, dict[str, Any]]]
HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"


def tasks(text: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in dedent(text).strip("\n").splitlines())


def written(**expressions: str) -> str:
    """A task that writes down what expressions come to, for `registered`."""
    whole = ", ".join(f"'{name}': {text}" for name, text in expressions.items())
    return f"""
- name: write down
  copy:
    dest: "{{{{ root }}}}/../registered.json"
    content: "{{{{ {{{whole}}} | to_json }}}}"
"""


def batch(side: Side, calls: Any) -> str:
    """What Ansible's modules return, as JSON."""
    command = side.command(str(PYTHON), str(Path(__file__).parent / "batch.py"))
    done = subprocess.run(command, input=json.dumps(calls), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Both:
    """The two sides of a comparison."""

    def __init__(self, ansible: Ansible, folder: Path) -> None:
        self.ansible = ansible
        self.theirs, self.ours = Side(folder / "theirs"), Side(folder / "ours")

    def run(self, playbook: str, *options: str) -> None:
        """Run a playbook on both sides; fails unless words and files are the same."""
        for side in (self.theirs, self.ours):
            side.prepare(playbook)
        run_deploy(self.ours, *options).same(run_ansible(self.ansible, self.theirs, *options))
        assert tree(self.ours.root) == tree(self.theirs.root)

    def twice(self, playbook: str) -> None:
        """… and once more: what is done already is done."""
        self.run(playbook)
        self.run(playbook)

    def files(self, contents: dict[str, str]) -> None:
        """What is there before."""
        for side in (self.theirs, self.ours):
            side.root.mkdir(parents=True, exist_ok=True)
            for name, text in contents.items():
                (side.root / name).write_text(text)

    def calls(self, calls: Calls, *keys: str, same_files: bool = True) -> None:
        """Call modules one after the other on both sides: the same words, files, and values of these keys."""
        text = ""
        for number, (module, args) in enumerate(calls):
            call = {"name": str(number), module: args, "register": f"said_{number}", "ignore_errors": True}
            text += f"- {json.dumps(call)}\n"
        said = {str(number): f"said_{number}" for number in range(len(calls))}
        self.ours.prepare(tasks(text + written(**said)))
        self.theirs.prepare("")
        run = run_deploy(self.ours)
        ours = self.ours.registered()
        whole = json.dumps(calls).replace("{{ root }}", str(self.theirs.root))
        theirs = json.loads(batch(self.theirs, json.loads(whole)).replace(str(self.theirs.root), "ROOT"))
        for number, (module, args) in enumerate(calls):
            one, other = ours[str(number)], theirs[number]
            shown = f"{module} {args}\nours: {one}\ntheirs: {other}\n{run.text[-2000:]}"
            assert one["failed"] == other.get("failed", False), shown
            assert one["changed"] == other.get("changed", False) or one["failed"], shown
            assert one["failed"] or all(one.get(key) == other[key] for key in keys if key in other), shown
        if same_files:
            assert tree(self.ours.root) == tree(self.theirs.root)

    def calls_alone(self, calls: Calls, *keys: str) -> None:
        """The same, whatever files come of it."""
        self.calls(calls, *keys, same_files=False)

    def registered(self) -> tuple[Any, Any]:
        """What was registered and written down, of ours and of theirs."""
        return self.ours.registered(), self.theirs.registered()


@pytest.fixture
def walled(ansible: Ansible, tmp_path: Path) -> Both:
    """Both sides, each with an /etc of its own."""
    both = Both(ansible, tmp_path)
    both.theirs, both.ours = (Side(one.folder, walled=True) for one in (both.theirs, both.ours))
    for side in (both.theirs, both.ours):
        side.build_wall()
    return both


@pytest.fixture
def both(ansible: Ansible, tmp_path: Path) -> Both:
    return Both(ansible, tmp_path)


TEXT = "one\ntwo\nthree\ntwo words\nlast without end"
LINES: tuple[dict[str, Any], ...] = (
    {"line": "new"},
    {"line": "two"},
    {"line": "last without end"},
    {"regexp": "^two", "line": "TWO"},
    {"regexp": "^two", "line": "TWO", "firstmatch": True},
    {"regexp": "^four", "line": "four"},
    {"regexp": "^(two) (words)", "line": "\\2 \\1", "backrefs": True},
    {"regexp": "^(four)", "line": "\\1", "backrefs": True},
    {"search_string": "hre", "line": "3"},
    {"insertafter": "^two", "line": "after"},
    {"insertafter": "^two", "line": "after", "firstmatch": True},
    {"insertafter": "BOF", "line": "first"},
    {"insertafter": "EOF", "line": "end"},
    {"insertafter": "^four", "line": "after"},
    {"insertafter": "^two", "regexp": "^t", "line": "t"},
    {"insertbefore": "^two", "line": "before"},
    {"insertbefore": "^two", "line": "before", "firstmatch": True},
    {"insertbefore": "BOF", "line": "first"},
    {"insertbefore": "^one", "line": "zero"},
    {"insertbefore": "^four", "line": "last"},
    {"line": "two", "state": "absent"},
    {"regexp": "^two", "state": "absent"},
    {"search_string": "e", "state": "absent"},
    {"line": "four", "state": "absent"},
    {"value": "by another name", "mode": "0600"},
)
BLOCKS: tuple[dict[str, Any], ...] = (
    {"block": "a\nb"},
    {"block": "x", "insertbefore": "^two"},
    {"block": "x", "insertbefore": "BOF"},
    {"block": "x", "insertafter": "^one"},
    {"block": "x", "insertafter": "^four"},
    {"block": "x", "insertafter": "(?m)^two\nthree"},
    {"block": "x", "insertbefore": "(?m)^two\nthree"},
    {"block": "x", "insertafter": "^one", "append_newline": True, "prepend_newline": True},
    {"block": "x", "marker": "<!-- {mark} -->", "marker_begin": "HERE"},
    {"state": "absent"},
    {"block": ""},
)


def test_lines_and_blocks(both: Both) -> None:
    calls: Calls = []
    for module, cases in (("lineinfile", LINES), ("blockinfile", BLOCKS)):
        for number, args in enumerate(cases):
            name = f"{module}_{number}"
            both.files({name: TEXT})
            calls.append((module, {"path": f"{{{{ root }}}}/{name}", **args}))
    calls += [
        ("blockinfile", {"path": "{{ root }}/blockinfile_0", "block": "c"}),
        ("blockinfile", {"path": "{{ root }}/blockinfile_1", "state": "absent"}),
        ("blockinfile", {"path": "{{ root }}/blockinfile_2", "block": ""}),
        ("lineinfile", {"path": "{{ root }}/new/file", "line": "x", "create": True, "mode": "0600"}),
        ("blockinfile", {"path": "{{ root }}/new/block", "block": "x", "create": True}),
        ("lineinfile", {"path": "{{ root }}/none", "line": "x"}),
        ("lineinfile", {"path": "{{ root }}/none", "line": "x", "state": "absent"}),
        ("blockinfile", {"path": "{{ root }}/none", "state": "absent"}),
        ("blockinfile", {"path": "{{ root }}/none", "state": "absent", "create": True}),
        ("lineinfile", {"path": "{{ root }}", "line": "x"}),
        ("lineinfile", {"path": "{{ root }}/lineinfile_0", "line": "y", "validate": "grep y %s"}),
        ("lineinfile", {"path": "{{ root }}/lineinfile_0", "line": "z", "validate": "grep never %s"}),
        ("file", {"path": "{{ root }}/link", "src": "lineinfile_0", "state": "link"}),
        ("lineinfile", {"path": "{{ root }}/link", "line": "through a link"}),
    ]
    both.calls(calls, "msg", "backup", "found")
    both.calls(calls, "msg", "backup", "found")


ACCOUNTS: Calls = [
    ("group", {"name": "shop", "gid": 4711}),
    ("group", {"name": "shop", "gid": 4712}),
    ("group", {"name": "extra"}),
    ("group", {"name": "gone", "state": "absent"}),
    ("user", {"name": "ann", "comment": "Ann of the shop", "groups": ["shop"], "shell": "/bin/sh", "uid": 4800}),
    ("user", {"name": "ben", "system": True, "create_home": False, "home": "/srv/ben", "group": "shop"}),
    ("user", {"name": "shop"}),
    ("user", {"name": "ann", "groups": ["extra"], "append": True}),
    ("user", {"name": "ann", "groups": ["extra"], "append": True, "comment": "Ann"}),
    ("user", {"name": "ann", "groups": "shop"}),
    ("user", {"name": "ann", "groups": ["shop"]}),
    ("user", {"name": "ann", "password": "$6$salt$hash"}),
    ("user", {"name": "ann", "password": "$6$salt$other", "update_password": "on_create"}),
    ("user", {"name": "ben", "state": "absent"}),
    ("user", {"name": "nobody-here", "state": "absent"}),
    ("group", {"name": "extra", "state": "absent"}),
]
CRON: Calls = [
    ("cron", {"name": "backup", "job": "/usr/local/bin/backup --all", "minute": "5", "hour": "*/2"}),
    ("cron", {"name": "reboot it", "job": "true", "special_time": "reboot"}),
    ("cron", {"name": "off", "job": "true", "disabled": True, "weekday": "1-5"}),
    ("cron", {"name": "backup", "job": "/usr/local/bin/backup", "minute": "5", "hour": "*/2"}),
    ("cron", {"name": "reboot it", "state": "absent"}),
    ("cron", {"name": "not there", "state": "absent"}),
    ("cron", {"name": "in a file", "job": "date", "user": "root", "cron_file": "shop", "minute": "0"}),
    ("cron", {"name": "in a file too", "job": "date", "user": "root", "cron_file": "shop", "special_time": "daily"}),
]


def files(side: Side, *names: str) -> dict[str, str]:
    return {name: (side.folder / name).read_text() for name in names}


def test_accounts(walled: Both) -> None:
    for _ in range(2):
        walled.calls(ACCOUNTS, "name", "uid", "gid", "state", "home", "shell", "comment", "groups", "append", "system")
    names = ("etc/passwd", "etc/group")
    assert files(walled.ours, *names) == files(walled.theirs, *names)
    assert _passwords(walled.ours) == _passwords(walled.theirs)
    assert tree(walled.ours.folder / "home") == tree(walled.theirs.folder / "home")


def _passwords(side: Side) -> list[list[str]]:
    return [line.split(":")[:2] for line in (side.folder / "etc/shadow").read_text().splitlines()]


def test_cron(walled: Both) -> None:
    for _ in range(2):
        walled.calls(CRON, "jobs", "envs")
    assert files(walled.ours, "crontabs/root", "etc/cron.d/shop") == files(
        walled.theirs, "crontabs/root", "etc/cron.d/shop"
    )


def test_hostname(walled: Both) -> None:
    walled.calls([("hostname", {"name": "web1.example.org"})], "name")
    assert files(walled.ours, "etc/hostname") == files(walled.theirs, "etc/hostname")


def git(*words: str, cwd: Path) -> str:
    config = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *config, *words], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(repo: Path, text: str) -> str:
    (repo / "file").write_text(text)
    git("add", "file", cwd=repo)
    git("commit", "--quiet", "--message", text, cwd=repo)
    return git("rev-parse", "HEAD", cwd=repo)


def test_git(both: Both, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git("init", "--quiet", cwd=repo)
    first = commit(repo, "one")
    git("tag", "--annotate", "v1", "--message", "v1", cwd=repo)
    git("branch", "old", cwd=repo)
    commit(repo, "two")
    url = f"file://{repo}"

    def call(name: str, **args: Any) -> tuple[str, dict[str, Any]]:
        return "git", {"repo": url, "dest": f"{{{{ root }}}}/{name}", **args}

    calls = [
        call("head"), call("tag", version="v1"), call("branch", version="old"), call("commit", version=first),
        call("shallow", depth=1), call("wrong", version="no-such"),
        call("head", version="v1"), call("head", version="main"), call("branch", version="main"),
    ]  # fmt: skip
    keys = ("before", "after", "remote_url_changed")
    both.calls_alone(calls, *keys)
    both.calls_alone(calls[:3], *keys)
    commit(repo, "three")
    both.calls_alone([call("head"), call("shallow", depth=1), call("branch", update=False)], *keys)
    git("reset", "--quiet", "--hard", "HEAD~1", cwd=repo)
    commit(repo, "three again")
    both.calls_alone([call("head")], *keys)
    for side in (both.ours, both.theirs):
        (side.root / "head" / "file").write_text("changed")
    both.calls_alone([call("head"), call("head", force=True)], *keys)
    assert _checkouts(both.ours) == _checkouts(both.theirs)


def _checkouts(side: Side) -> dict[str, tuple[str, str, str]]:
    """The branch, the commit and the text of each checkout."""
    found = {}
    for path in sorted(side.root.iterdir()):
        if path.name == "wrong":  # Ansible leaves the clone, without the version
            continue
        branch = git("rev-parse", "--abbrev-ref", "HEAD", cwd=path)
        found[path.name] = branch, git("rev-parse", "HEAD", cwd=path), (path / "file").read_text()
    return found


def archives(folder: Path) -> None:
    """The same tree in three archives."""
    tree_ = folder / "tree"
    (tree_ / "sub dir" / "empty").mkdir(parents=True)
    (tree_ / "run.sh").write_text("#!/bin/sh\n")
    (tree_ / "run.sh").chmod(0o755)
    (tree_ / "sub dir" / "it's [here].txt").write_text("text\n")
    (tree_ / "link").symlink_to("run.sh")
    for command in ("tar -czf ../a.tgz .", "tar -cJf ../a.tar.xz 'sub dir' run.sh", "zip -qry ../a.zip ."):
        subprocess.run(command, shell=True, cwd=tree_, check=True)


@pytest.mark.parametrize("name", ["a.tgz", "a.tar.xz", "a.zip"])
def test_archives_of_the_host(both: Both, tmp_path: Path, name: str) -> None:
    archives(tmp_path)
    for side in (both.ours, both.theirs):
        (side.root / "into").mkdir(parents=True)
    args = {"src": f"{tmp_path}/{name}", "dest": "{{ root }}/into", "remote_src": True}
    calls = [("unarchive", args), ("unarchive", args), ("unarchive", {**args, "dest": "{{ root }}/none"})]
    both.calls(calls, "dest")
    for side in (both.ours, both.theirs):
        (side.root / "into" / "run.sh").write_text("other")
    both.calls([("unarchive", args), ("unarchive", {**args, "creates": "/etc"})], "dest")


PLAYBOOK = """
- {name: said, command: echo hello, register: said, changed_when: false}
- {name: both streams, shell: "echo out; echo err >&2; exit 3", register: streams, ignore_errors: true}
- {name: made already, command: {cmd: "false", creates: /etc}, register: made}
- {name: script, script: "my_script.sh 'a b' c", register: script}
- {name: a folder, file: {path: "{{ root }}/d", state: directory, mode: "0750"}}
- {name: a file, copy: {dest: "{{ root }}/d/f", content: "one\\ntwo\\n", mode: "0640"}}
- {name: a line, lineinfile: {path: "{{ root }}/d/f", regexp: "^two", line: "2"}}
- {name: a link, file: {path: "{{ root }}/l", src: d/f, state: link}}
- {name: stat of a file, stat: {path: "{{ root }}/d/f", checksum_algorithm: sha256}, register: file}
- {name: stat of a folder, stat: {path: "{{ root }}/d"}, register: folder}
- {name: stat of a link, stat: {path: "{{ root }}/l"}, register: link}
- {name: stat behind a link, stat: {path: "{{ root }}/l", follow: true}, register: behind}
- {name: stat of nothing, stat: {path: "{{ root }}/nothing"}, register: nothing}
- {name: slurp, slurp: {src: "{{ root }}/d/f"}, register: slurp}
- {name: slurp of nothing, slurp: {src: "{{ root }}/nothing"}, register: gone, ignore_errors: true}
- {name: facts, set_fact: {grown: "{{ grown | default([]) + [item] }}"}, loop: [1, 2, 3], when: item != 2}
- {name: above, set_fact: {level: fact}}
- {name: level, debug: {msg: "{{ level }}"}, vars: {level: task}, register: level_said}
- {name: quiet, debug: {msg: x, verbosity: 3}}
- {name: no luck, fail: {msg: "no {{ grown }}"}, register: luck, ignore_errors: true}
- {name: holds, assert: {that: ["grown == [1, 3]"], success_msg: fine}, register: holds}
- {name: fetched, fetch: {src: /etc/hostname, dest: "{{ root }}/kept"}, register: fetched}
- {name: fetched flat, fetch: {src: "{{ root }}/d/f", dest: "{{ root }}/flat/", flat: true}}
- {name: another folder, file: {path: "{{ root }}/e", state: directory, mode: "0755"}}
- {name: unpacked, unarchive: {src: a.tgz, dest: "{{ root }}/e"}, register: unpacked}
- {name: waited, wait_for: {path: "{{ root }}/d/f", search_regex: "^on", timeout: 5}, register: waited}
- {name: paused, pause: {seconds: 1}}
"""
STAT = """
exists path mode isdir isreg islnk ischr isblk isfifo issock uid gid size pw_name gr_name rusr wusr xusr rgrp wgrp xgrp
roth woth xoth isuid isgid readable writeable executable checksum mimetype charset lnk_target lnk_source nlink
"""
KEPT = {
    "said": "[said.stdout, said.stderr, said.rc, said.cmd, said.stdout_lines, said.changed]",
    "streams": "[streams.stdout, streams.stderr, streams.rc, streams.cmd, streams.failed]",
    "made": "[made.stdout, made.msg, made.rc, made.changed]",
    "script": "[script.stdout | trim, script.stderr | trim, script.rc, script.changed]",
    "slurp": "[slurp.content, slurp.encoding, slurp.source]",
    "gone": "gone.msg",
    "grown": "grown",
    "level_said": "level_said.msg",
    "luck": "[luck.msg, luck.failed]",
    "holds": "[holds.msg, holds.failed]",
    "fetched": "[fetched.checksum, fetched.dest]",
    "waited": "waited.path",
    **{name: f"{name}.stat" for name in ("file", "folder", "link", "behind", "nothing")},
}


def test_a_playbook_of_many_modules(both: Both, tmp_path: Path) -> None:
    archives(tmp_path)
    later = tasks("- {name: later, debug: {msg: '{{ level }}'}, vars: {level: play}, register: later_said}")
    playbook = tasks(PLAYBOOK + written(**KEPT)) + later
    for side in (both.theirs, both.ours):
        side.prepare(playbook)
        (side.folder / "playbooks/my_script.sh").write_text('#!/bin/sh\necho "$1|$2"; echo err >&2\n')
        (side.folder / "playbooks/a.tgz").write_bytes((tmp_path / "a.tgz").read_bytes())
    both.twice(playbook)
    ours, theirs = both.registered()
    for name in ("file", "folder", "link", "behind", "nothing"):
        assert [(key, ours[name].get(key)) for key in STAT.split()] == [
            (key, theirs[name].get(key)) for key in STAT.split()
        ]
        del ours[name], theirs[name]
    assert ours == theirs


FOLDERS = """
- {name: a source, file: {path: "{{ root }}/src/sub/empty", state: directory, mode: "0750"}}
- name: its files
  copy: {dest: "{{ root }}/src/{{ item }}", content: "{{ item }}\\n", mode: "0640"}
  loop: [a, b c, sub/d]
- {name: a folder, copy: {src: "{{ root }}/src", dest: "{{ root }}/whole", mode: "0600", directory_mode: "0711"}}
- name: what is in it
  copy: {src: "{{ root }}/src/", dest: "{{ root }}/within", mode: preserve, directory_mode: "0700"}
- {name: a file into a folder, copy: {src: "{{ root }}/src/a", dest: "{{ root }}/within/sub", mode: "0644"}}
- {name: a file, copy: {src: "{{ root }}/src/sub/d", dest: "{{ root }}/within/e", mode: preserve}}
- {name: another content, copy: {dest: "{{ root }}/whole/src/a", content: changed, mode: "0600"}}
- {name: again, copy: {src: "{{ root }}/src", dest: "{{ root }}/whole", mode: "0600", directory_mode: "0711"}}
- {name: more rights, copy: {src: "{{ root }}/src/", dest: "{{ root }}/within", mode: "0604", directory_mode: "0755"}}
"""


def test_folders_are_copied(both: Both) -> None:
    both.run(tasks(FOLDERS))
