"""A run in Ansible's form. What Ansible itself prints is asked in tests/oracle/test_plays.py."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from test_report_story import NEW, OLD, SECRET, report, story

from deployer.cli.main import deploy
from deployer.cli.options import OUTPUTS
from deployer.errors import ExitCode
from deployer.model import event as e
from deployer.model.report import HostOutcome, Report, State, Status, TaskResult
from deployer.report.ansible import AnsibleReporter
from deployer.report.choose import reporter_for
from deployer.report.redact import Redacting, Redactor

STARS = 80
SEEN = f"""\

{"PLAY [Deploy the shop] ":*<{STARS}}

{"TASK [meta] ":*<{STARS}}
included: /project/tasks/ports.yml for web1, web2 => (item=80)
ok: [web1] => (item=80)

{"NO MORE HOSTS LEFT ":*<{STARS}}

{"NO MORE HOSTS LEFT ":*<{STARS}}

{"TASK [Install Docker] ":*<{STARS}}
ok: [web1]

{"TASK [Create the network] ":*<{STARS}}
changed: [web1]

{"TASK [Bring the release up] ":*<{STARS}}
changed: [web1]

{"PLAY [Deploy the shop] ":*<{STARS}}

{"TASK [Install Docker] ":*<{STARS}}
ok: [web2]
ok: [db-10]

{"TASK [Create the network] ":*<{STARS}}
changed: [web2]
changed: [db-10]

{"TASK [Bring the release up] ":*<{STARS}}
[ERROR]: Task failed: web exited with 1, 3 restarts
Origin: playbooks/deploy.yml:12:7

fatal: [web2]: FAILED! => {{}}
changed: [db-10]

{"TASK [Start the previous release] ":*<{STARS}}
changed: [web1]
changed: [web2]
changed: [db-10]

{"RUNNING HANDLER [restart caddy] ":*<{STARS}}
skipping: [web1]

{"PLAY RECAP ":*<{STARS}}
db-10                      : ok=12   changed=3    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \

web1                       : ok=5    changed=3    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0   \

web2                       : ok=4    changed=3    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0   \


"""
BESIDE = f"""\
deploy prod: 3 hosts, release {NEW}
[WARNING]: web2: the clock is 4 s behind
  web1   retrying: dpkg is locked by unattended-upgrades
  web1   gate: web starting (0 s)
healthy: [web1] => all services healthy for 10 s
  web2   retrying: dpkg is locked by unattended-upgrades
  web2   gate: web starting (0 s)
  db-10  gate: web starting (0 s)
unhealthy: [web2] => web exited with 1, 3 restarts
  web2   last lines of shop-web-1:
  web2   | Traceback (most recent call last):
  web2   |   File "/app/manage.py", line 3, in <module>
  web2   | ImproperlyConfigured: DATABASE_URL is not set
healthy: [db-10] => all services healthy for 10 s

ROLLBACK  because web2: web exited with 1, 3 restarts
  web2   goes back to {OLD}
  db-10  has no earlier release: it is stopped, its volumes stay
  web1   goes back to {OLD}
web2 is rolled back: web exited with 1, 3 restarts
  next: deploy logs prod web
failed, and every touched host is back on its previous release and healthy; stopped, for there was none: db-10 \
(exit 6, 42 s)
next: deploy prod --check
"""


def told(*events: e.Event, verbosity: int = 0) -> str:
    """What is written to stdout."""
    stdout = io.StringIO()
    reporter = AnsibleReporter(stdout, io.StringIO(), verbosity=verbosity)
    for event in events:
        reporter.handle(event)
    reporter.close()
    return stdout.getvalue()


def result(status: Status = Status.OK, host: str = "a", **data: Any) -> TaskResult:
    return TaskResult(host=host, task="one", status=status, data=data, place="site.yml:3:7")


def lines_of(module: str, *events: e.Event, verbosity: int = 0) -> list[str]:
    """What is written below the banner of a task."""
    output = told(e.TaskStarted(task="one", hosts=("a",), module=module), *events, verbosity=verbosity)
    return output.splitlines()[2:]


def test_a_run_that_goes_back() -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    reporter = AnsibleReporter(stdout, stderr)
    for event in story():
        reporter.handle(event)
    reporter.close()
    assert stdout.getvalue() == SEEN
    assert stderr.getvalue() == BESIDE


def test_results_follow_with_v() -> None:
    done = e.TaskDone(result=result(Status.CHANGED, cmd=["true"], rc=0, stdout="é", failed=False, skipped=False))
    assert lines_of("command", done) == ["changed: [a]"]
    assert lines_of("command", done, verbosity=1) == ['changed: [a] => {"cmd": ["true"], "rc": 0, "stdout": "é"}']
    assert lines_of("command", done, verbosity=3)[:2] == ["changed: [a] => {", '    "cmd": [']


def test_a_result_of_no_program_shows_none() -> None:
    done = e.TaskDone(result=result(changed=False, rc=0, stdout="", stdout_lines=[], stderr="", msg="", path="/x"))
    assert lines_of("file", done, verbosity=1) == ['ok: [a] => {"changed": false, "path": "/x"}']


def test_debug_is_read_in_several_lines() -> None:
    message = e.TaskDone(result=result(msg="two\nlines", changed=False, rc=0, stdout=""))
    assert lines_of("ansible.builtin.debug", message) == ["ok: [a] => {", '    "msg": "two\\nlines"', "}"]
    variable = e.TaskDone(result=result(msg="x: 5", x=5, changed=False, rc=0, stdout=""))
    assert lines_of("debug", variable) == ["ok: [a] => {", '    "x": 5', "}"]


def test_items_are_told_one_by_one() -> None:
    data = {"item": 2, "ansible_loop_var": "item", "changed": False}
    events = (
        e.ItemDone(result=result(Status.SKIPPED, **data), label="1"),
        e.ItemDone(result=result(Status.FAILED, **data, msg="no"), label="2"),
        e.TaskDone(result=result(Status.IGNORED, results=[{}, data], msg="One or more items failed")),
    )
    assert lines_of("command", *events) == [
        "skipping: [a] => (item=1) ",
        "[ERROR]: Task failed: no",
        "Origin: site.yml:3:7",
        "",
        'failed: [a] (item=2) => {"ansible_loop_var": "item", "changed": false, "item": 2, "msg": "no"}',
        "...ignoring",
    ]


def test_the_same_error_is_told_once() -> None:
    failed = [e.TaskDone(result=result(Status.FAILED, host=host, msg="no")) for host in ("a", "b")]
    assert lines_of("fail", *failed) == [
        "[ERROR]: Task failed: no",
        "Origin: site.yml:3:7",
        "",
        'fatal: [a]: FAILED! => {"msg": "no"}',
        'fatal: [b]: FAILED! => {"msg": "no"}',
    ]


def test_a_delegated_task_names_both_hosts() -> None:
    delegated = replace(result(), delegate="db(10.0.0.9)")
    assert lines_of("command", e.TaskDone(result=delegated)) == ["ok: [a -> db(10.0.0.9)]"]
    assert lines_of("command", e.TaskDone(result=replace(delegated, status=Status.SKIPPED))) == ["skipping: [a]"]


def test_meta_tasks_have_a_banner_for_every_host() -> None:
    output = told(
        e.MetaDone(host="a", task="meta"), e.MetaDone(host="b", task="meta", skipped="end_host: not b"), verbosity=1
    )
    banner = f"\n{'TASK [meta] ':*<{STARS}}\n"
    assert output == banner + banner + 'skipping: [b] => {"skip_reason": "end_host: not b"}\n'


def test_tries() -> None:
    retrying = e.Retrying(host="a", message="", left=2, result=result(attempts=1, changed=True))
    assert lines_of("command", retrying) == ["FAILED - RETRYING: [a]: one (2 retries left)."]


def test_what_is_hidden_stays_hidden() -> None:
    hidden = e.TaskDone(result=result(Status.FAILED, censored="hidden", changed=True, rc=1))
    assert lines_of("debug", hidden)[0] == "[ERROR]: Task failed: hidden by no_log"
    assert lines_of("debug", hidden)[-1] == 'fatal: [a]: FAILED! => {"censored": "hidden", "changed": true}'


def test_differences_stand_before_the_result() -> None:
    diff = "--- /etc/motd (on the host)\n+++ /etc/motd (wanted)\n@@ -1 +1 @@\n-old\n+\tnew\n"
    began = e.ActionStarted(host="a", task="one", title="write /etc/motd", because="", diff=diff)
    new = replace(began, diff="--- /dev/null\n+++ /etc/motd (wanted)\n@@ -0,0 +1 @@\n+new\n")
    assert lines_of("copy", began, e.TaskDone(result=result(Status.CHANGED))) == [
        "--- before: /etc/motd", "+++ after: /etc/motd", "@@ -1 +1 @@", "-old", "+\tnew", "", "changed: [a]",
    ]  # fmt: skip
    assert lines_of("copy", new)[:1] == [], "the host is not done yet"
    assert lines_of("copy", new, e.TaskDone(result=result(Status.CHANGED)))[0] == "--- before"


def test_a_play_without_hosts_is_passed_over() -> None:
    output = told(e.PlayStarted(play="db", hosts=()))
    assert output == f"\n{'PLAY [db] ':*<{STARS}}\nskipping: no hosts matched\n"


def test_a_host_beyond_reach() -> None:
    lost = Report(
        environment="prod", exit_code=ExitCode.UNREACHABLE, outcomes=(
            HostOutcome(host="a", state=State.UNREACHABLE, because="no route"),
            HostOutcome(host="b", state=State.UNTOUCHED),
        ),
    )  # fmt: skip
    output = told(e.HostUnreachable(host="a", message="no route", hint="h"), e.RunFinished(report=lost))
    assert 'fatal: [a]: UNREACHABLE! => {"changed": false, "msg": "no route", "unreachable": true}\n' in output
    assert "a                          : ok=0    changed=0    unreachable=1    failed=0 " in output
    assert "\nb " not in output, "as in Ansible, a host that no task was run on is not there"


def test_a_terminal_gets_colours_and_nothing_that_moves_its_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Terminal()
    reporter = AnsibleReporter(screen, io.StringIO())
    reporter.handle(e.TaskStarted(task="one\x1b[2J", hosts=("a",), module="command"))
    reporter.handle(e.TaskDone(result=result(Status.CHANGED)))
    assert f"{'TASK [one] ':*<{STARS}}" in screen.getvalue()
    assert "\x1b[33mchanged: [a]\x1b[0m" in screen.getvalue()


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_form_shows_a_secret(output: str) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    inner = reporter_for(output, verbosity=1, stdout=stdout, stderr=stderr)
    reporter = Redacting(inner, Redactor([SECRET]))
    for event in (
        e.RunStarted(verb="deploy", environment="prod", hosts=("a",)),
        e.TaskStarted(task="one", hosts=("a",), module="command"),
        e.ItemDone(result=result(item=SECRET, ansible_loop_var="item", stdout=SECRET), label=SECRET),
        e.TaskDone(result=replace(result(Status.FAILED, msg=SECRET), message=SECRET)),
        e.RunFinished(report=report()),
    ):
        reporter.handle(event)
    reporter.close()
    assert SECRET not in stdout.getvalue() + stderr.getvalue()
    assert "***" in stdout.getvalue() + stderr.getvalue()


@pytest.mark.parametrize("verb", ["run", "provision", "rollback", "restore", "promote", "resume", "abort"])
def test_the_shell_completes_the_forms(verb: str) -> None:
    words = {"_DEPLOY_COMPLETE": "bash_complete", "COMP_WORDS": f"deploy {verb} prod --output ", "COMP_CWORD": "4"}
    done = CliRunner().invoke(deploy, prog_name="deploy", env=words)
    assert [line.removeprefix("plain,") for line in done.output.splitlines()] == list(OUTPUTS)
