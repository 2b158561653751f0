"""Ansible's generic modules on a real host: packages, services, accounts, cron, a restart; and nothing again."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from host_state import ask
from stage import Fleet
from story import Project, shop_on
from waiting import eventually

from deployer.errors import ExitCode

HOST, OTHER = "db1", "web1"  # the other one is Ansible's
ANSIBLE = Path(__file__).parents[2] / ".venv-ansible" / "bin" / "ansible-playbook"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2ZKXsn5XCIBqVz4FrUzJLuPIl8yd5OhHWkEs6Nq3Mq ann@example.com"
SITE = """\
- hosts: "{{ on }}"
  become: true
  handlers:
    - {name: greeter restarted, systemd: {name: greeter, state: restarted}}
  tasks:
    - {name: package, apt: {name: hello, update_cache: true, cache_valid_time: 86400}}
    - {name: the same by another name, package: {name: [hello], state: present}}
    - {name: it works, command: hello, register: said, changed_when: false}
    - {name: said, assert: {that: "'Hello' in said.stdout"}}
    - name: unit
      copy:
        dest: /etc/systemd/system/greeter.service
        content: |
          [Service]
          ExecStart=/bin/sh -c 'echo {{ greeting }} >/run/greeting; exec sleep infinity'
          [Install]
          WantedBy=multi-user.target
      notify: greeter restarted
    - {name: unit is known, systemd: {name: greeter, enabled: true, daemon_reload: true}}
    - {name: service, service: {name: greeter, state: started}}
    - {name: group, group: {name: shopkeepers, gid: 4250}}
    - {name: user, user: {name: ann, uid: 4250, group: shopkeepers, shell: /bin/sh, comment: Ann}}
    - {name: key, authorized_key: {user: ann, key: "KEY"}}
    - {name: cron, cron: {name: greet, user: ann, minute: "5", job: "echo hi >>/tmp/greetings"}}
    - {name: line, lineinfile: {path: /etc/environment, line: SHOP=open}}
    - {name: up, wait_for: {path: /run/greeting, timeout: 20}}
    - {name: reachable, wait_for_connection: {timeout: 20}}
    - name: what is there
      stat: {path: /run/greeting}
      register: greeting_file
    - {name: it is there, assert: {that: greeting_file.stat.exists and greeting_file.stat.isreg}}
""".replace("KEY", KEY)
RESTART = """\
- hosts: "{{ on }}"
  become: true
  tasks:
    - name: restart
      reboot: {boot_time_command: "cut -d ' ' -f 22 /proc/1/stat", test_command: systemctl is-active greeter}
      register: restarted
    - {name: it was, assert: {that: restarted.rebooted and restarted.elapsed > 0}}
"""
AWAY = """\
- hosts: "{{ on }}"
  become: true
  tasks:
    - {name: stopped, service: {name: greeter, state: stopped, enabled: false}}
    - {name: gone, package: {name: hello, state: absent}}
    - {name: no job, cron: {name: greet, user: ann, state: absent}}
"""


@pytest.fixture(scope="module")
def site(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One host, and no project: these plays bring no release."""
    project = shop_on(fleet.only(HOST, OTHER), "generic", tmp_path_factory.mktemp("generic"))
    yield project
    project.end()


def changed(site: Project, playbook: str, *more: str) -> set[str]:
    """Run a playbook, which must end well: the tasks that changed something."""
    path = Path(site.room) / "site.yml"
    path.write_text(playbook)
    run = site.command("run", "lab", "--playbook", str(path), "--output=json", "-e", f"on={HOST}", *more).exits(
        ExitCode.OK
    )
    return {one["task"] for one in run.report["results"] if one["status"] == "changed"}


@contextmanager
def powered(site: Project) -> Iterator[None]:
    """A host that shuts down for a restart is given its power back, as a machine's firmware does."""
    host, over = site.host(HOST), threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            if not host.is_running():
                host.start()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_a_host_is_set_up_once_restarted_and_put_away(site: Project) -> None:
    greeting = ("-e", "greeting=hello")
    foretold = changed(site, SITE.partition("    - {name: it works")[0], *greeting, "--check")
    assert "package" in foretold
    assert ask(site.host(HOST), "command -v hello || echo none") == "none\n"

    first = changed(site, SITE, *greeting)
    assert {"package", "unit", "unit is known", "service", "group", "user", "key", "cron", "line"} <= first
    assert changed(site, SITE, *greeting) == set()
    seen = ask(
        site.host(HOST),
        "id ann; cat ~ann/.ssh/authorized_keys; crontab -l -u ann | tail -n 1; systemctl is-enabled greeter;"
        " systemctl is-active greeter; cat /run/greeting; stat -c %a ~ann/.ssh; tail -n 1 /etc/environment",
    )
    wanted = f"{KEY}\n5 * * * * echo hi >>/tmp/greetings\nenabled\nactive\nhello\n700\nSHOP=open\n"
    assert seen == f"uid=4250(ann) gid=4250(shopkeepers) groups=4250(shopkeepers)\n{wanted}"

    assert changed(site, SITE, "-e", "greeting=again") == {"unit", "greeter restarted"}
    eventually(partial(_greets, site, "active\nagain\n"), within=20, what="the service is on, and has greeted")

    with powered(site):
        assert changed(site, RESTART) == {"restart"}
    eventually(partial(_greets, site, "active\nagain\n"), within=20, what="the service is on, and has greeted")

    assert changed(site, AWAY) == {"stopped", "gone", "no job"}
    assert changed(site, AWAY) == set()
    left = "systemctl is-enabled greeter; command -v hello; crontab -l -u ann | grep greetings || echo none"
    assert ask(site.host(HOST), left) == "disabled\nnone\n"


def _greets(site: Project, said: str) -> bool:
    """A service that systemd has started greets a moment later."""
    return ask(site.host(HOST), "systemctl is-active greeter; cat /run/greeting || true") == said


# with Ansible, on a host of its own ----------------------------------------------------------------------------

PYTHON = """\
- hosts: web1
  become: true
  tasks: [{apt: {name: [python3, python3-apt], cache_valid_time: 86400}}]
"""
NAMES = {"ann": "bob", "Ann": "Bob", "4250": "4251", "shopkeepers": "sellers", "greeter": "porter", "open": "shut"}
STATE = (
    "id bob; crontab -l -u bob; systemctl is-enabled porter; systemctl is-active porter; cat /run/greeting;"
    " cat /etc/systemd/system/porter.service; tail -n 1 /etc/environment; getent passwd bob; command -v hello"
)


def renamed(playbook: str) -> str:
    """The same for accounts and services of which hosts have none yet; without the one module that is no builtin."""
    lines = [line for line in playbook.splitlines(keepends=True) if "authorized_key" not in line]
    return re.sub("|".join(NAMES), lambda found: NAMES[found[0]], "".join(lines))


def told(text: str) -> list[tuple[str, str]]:
    """Task and status of every line that Ansible, or we in its words, print of the one host."""
    found, task = [], ""
    for line in text.splitlines():
        if banner := re.match(r"(?:TASK|RUNNING HANDLER) \[(.*)\]", line):
            task = banner[1]
        elif status := re.match(r"(ok|changed|skipping|fatal): \[", line):
            found.append((task, status[1]))
    return found


def by_ansible(site: Project, playbook: Path, *more: str) -> str:
    """What ansible-playbook prints of a run on the host that is its own."""
    login = f"-i {site.fleet.key} -o UserKnownHostsFile={site.fleet.known_hosts} -o StrictHostKeyChecking=yes"
    shared = "-o ControlMaster=auto -o ControlPersist=60s"  # as by default; a connection for each step takes minutes
    home = site.room / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [str(ANSIBLE), "-i", str(site.inventory), "--limit", OTHER, "-e", f"on={OTHER}", *more, str(playbook)],
        env={
            "HOME": str(home), "PATH": os.environ["PATH"], "ANSIBLE_SSH_ARGS": f"{login} {shared}",
            "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_GATHERING": "explicit",
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        },
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


def test_ansible_does_the_same_on_a_host(site: Project) -> None:
    changed(site, PYTHON)
    path = site.room / "site.yml"
    for playbook in (SITE, AWAY):
        path.write_text(renamed(playbook))
        for greeting in ("hello", "hello", "again") if playbook is SITE else ("", ""):
            more = ("-e", f"greeting={greeting}")
            ours = site.command("run", "lab", "--playbook", str(path), "--output=ansible", "-e", f"on={HOST}", *more)
            assert told(ours.exits(ExitCode.OK).stdout) == told(by_ansible(site, path, *more))
        if playbook is SITE:
            assert ask(site.host(HOST), STATE) == ask(site.host(OTHER), STATE)
