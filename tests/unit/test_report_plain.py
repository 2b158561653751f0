"""The whole text of a run, as a log or a CI job shows it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from test_report_story import check_story, mixed_report, report, story

from deployer.errors import ExitCode
from deployer.model import event as e
from deployer.model.report import HostOutcome, Report, State, Status, TaskResult
from deployer.report.plain import PlainReporter
from deployer.report.recap import sentence

PROGRESS = """\
deploy prod: 3 hosts, release 20261122T063000Z-3f9a2c1
[WARNING]: web2: the clock is 4 s behind

PLAY [Deploy the shop]

BATCH 1 of 2: web1

TASK [Install Docker]
ok: [web1]

TASK [Create the network]
  web1   docker network create backend  (because network backend not found)
changed: [web1]  1 action, 0.3 s

TASK [Bring the release up]
  web1   retrying: dpkg is locked by unattended-upgrades
  web1   gate: web starting (0 s)
healthy: [web1] => all services healthy for 10 s
changed: [web1]  12 s

BATCH 2 of 2: web2, db-10

TASK [Install Docker]
ok: [web2, db-10]

TASK [Create the network]
  web2   docker network create backend  (because network backend not found)
changed: [web2]  1 action, 0.3 s
  db-10  docker network create backend  (because network backend not found)
changed: [db-10]  1 action, 0.3 s

TASK [Bring the release up]
  web2   retrying: dpkg is locked by unattended-upgrades
  web2   gate: web starting (0 s)
  db-10  gate: web starting (0 s)
unhealthy: [web2] => web exited with 1, 3 restarts
  web2   last lines of shop-web-1:
  web2   | Traceback (most recent call last):
  web2   |   File "/app/manage.py", line 3, in <module>
  web2   | ImproperlyConfigured: DATABASE_URL is not set
fatal: [web2]: FAILED! => web exited with 1, 3 restarts
  web2   | up failed
  web2   | token=s3cr3t-of-the-fleet
  web2   task at playbooks/deploy.yml:12:7
  web2   hint: deploy logs prod web
healthy: [db-10] => all services healthy for 10 s
changed: [db-10]  12 s

ROLLBACK  because web2: web exited with 1, 3 restarts
  web2   goes back to 20261121T090000Z-1c0ffee
  db-10  has no earlier release: it is stopped, its volumes stay
  web1   goes back to 20261121T090000Z-1c0ffee

TASK [Start the previous release]
  web1   docker compose up … (+1 line)  (because it serves)
changed: [web1]  2.0 s
  web2   docker compose up … (+1 line)  (because it serves)
changed: [web2]  2.0 s
  db-10  docker compose up … (+1 line)  (because it serves)
changed: [db-10]  2.0 s

RUNNING HANDLER [restart caddy]
skipping: [web1]
"""

RESULT = """\

PLAY RECAP
web1  : ok=5  changed=3 unreachable=0 failed=0 skipped=1 rescued=0 ignored=0   rolled back  20261121T090000Z-1c0ffee
web2  : ok=4  changed=3 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0   rolled back  20261121T090000Z-1c0ffee
db-10 : ok=12 changed=3 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0   stopped

web2 is rolled back: web exited with 1, 3 restarts
  next: deploy logs prod web
failed, and every touched host is back on its previous release and healthy; stopped, for there was none: db-10 \
(exit 6, 42 s)
next: deploy prod --check
"""

PLAN = """\

PLAY [Deploy the shop]

TASK [Create the network]
  web1   docker network create backend  (because network backend not found)
  web2   write /etc/motd  (because its content differs)
  web2   | --- /etc/motd (on the host)
  web2   | +++ /etc/motd (wanted)
  web2   | @@ -1 +1 @@
  web2   | -old
  web2   | +new
changed: [web1]  1 action
changed: [web2]  1 action
ok: [db-10]

PLAY RECAP
web1  : ok=2 changed=2 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0   pending    20261121T090000Z-1c0ffee -> \
20261122T063000Z-3f9a2c1
web2  : ok=2 changed=1 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0   pending    20261121T090000Z-1c0ffee -> \
20261122T063000Z-3f9a2c1
db-10 : ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0   unchanged  20261121T090000Z-1c0ffee

7 actions on 2 hosts; nothing was changed (exit 0, 1.2 s)
"""

BROKEN = """\
web2 is broken: rollback failed: no space left
  next: deploy status prod --limit web2
web2: web exited with 1, 3 restarts
failed, and hosts are mixed or down: a person is needed; the recap names them and the next command (exit 7, 42 s)
"""


def said(*events: e.Event, verbosity: int = 0) -> tuple[str, str]:
    progress, result = io.StringIO(), io.StringIO()
    reporter = PlainReporter(progress, result, verbosity=verbosity)
    for event in events:
        reporter.handle(event)
    reporter.close()
    return progress.getvalue(), result.getvalue()


def done(host: str, status: Status, **rest: str) -> e.TaskDone:
    return e.TaskDone(result=TaskResult(host=host, task="t", status=status, **rest))


def test_a_deployment_that_is_put_back_reads_as_a_story() -> None:
    assert said(*story()) == (PROGRESS, RESULT)


def test_in_check_mode_the_plan_is_the_result() -> None:
    progress, result = said(*check_story())
    assert result == PLAN
    assert progress == "deploy prod: 3 hosts, release 20261122T063000Z-3f9a2c1; check mode: nothing will be changed\n"


def test_one_stream_holds_both() -> None:
    both = io.StringIO()
    reporter = PlainReporter(both)
    for event in story():
        reporter.handle(event)
    assert both.getvalue() == PROGRESS + RESULT


def test_a_broken_host_always_comes_with_a_command_to_type() -> None:
    _, result = said(e.RunFinished(report=mixed_report()))
    assert BROKEN in result
    assert "broken       release unknown (was 20261121T090000Z-1c0ffee)" in result


def test_output_is_shown_when_asked_for_without_what_moves_the_cursor() -> None:
    progress, _ = said(*story(), verbosity=1)
    assert "  web1   | 0f3b7c red\n" in progress
    assert "web1   connected in 0.2 s" in progress
    assert "web1   gate: web starting (1 s)" in progress


def test_progress_bars_of_programs_keep_their_last_word() -> None:
    progress, _ = said(e.Output(host="web1", line="10%\r55%\r100%\r\n"), verbosity=1)
    assert progress == "  web1  | 100%\n"


def test_a_failure_shows_the_last_twenty_lines() -> None:
    output = "".join(f"line {number}\n" for number in range(30))
    progress, _ = said(done("web1", Status.FAILED, message="no", output=output))
    assert [line for line in progress.splitlines() if "|" in line] == [f"  web1  | line {n}" for n in range(10, 30)]


def test_failures_read_as_in_ansible() -> None:
    ignored, _ = said(e.TaskStarted(task="t", hosts=("a",)), done("a", Status.IGNORED, message="no"))
    lost, _ = said(e.HostUnreachable(host="a", message="timed out\nafter 10 s", hint="deploy doctor prod"))
    assert ignored == "\nTASK [t]\nfatal: [a]: FAILED! => no\n...ignoring\n"
    assert lost == "fatal: [a]: UNREACHABLE! => timed out\n  a  after 10 s\n  a  hint: deploy doctor prod\n"


def test_what_a_task_has_to_say_is_said_even_if_nothing_changed() -> None:
    progress, _ = said(done("a", Status.OK, message="x = 1"))
    assert progress == "ok: [a] (task t) => x = 1\n"


def test_many_unchanged_hosts_are_one_line() -> None:
    names = tuple(f"h{number}" for number in range(100))
    progress, _ = said(e.TaskStarted(task="t", hosts=names), *(done(name, Status.OK) for name in names))
    assert progress == "\nTASK [t]\nok: [h0, h1, h2, h3, h4, h5, h6, h7 and 92 more]\n"


def test_a_summary_that_is_owed_is_paid_when_the_run_breaks_off() -> None:
    progress, _ = said(e.TaskStarted(task="t", hosts=("a", "b")), done("a", Status.OK))
    assert progress.endswith("ok: [a]\n")


def test_check_mode_shows_every_line_of_a_script() -> None:
    action = e.ActionStarted(host="a", task="t", title="cd /x\nmake", because="it always runs", planned=True)
    _, plan = said(e.RunStarted(verb="deploy", environment="p", hosts=("a",), check=True), action)
    assert plan == "  a  cd /x … (+1 line)  (because it always runs)\n  a  | make\n"


@pytest.mark.parametrize(
    ("code", "outcome", "expected"),
    [
        (
            ExitCode.OK,
            {"after": "r2", "before": "r1"},
            "every host is on the wanted release and healthy (exit 0, 0.0 s)",
        ),
        (ExitCode.OK, {}, "every host is as the playbook says (exit 0, 0.0 s)"),
        (ExitCode.LOCKED, {}, "locked by another run; nothing changed (exit 5, 0.0 s)"),
    ],
)
def test_the_last_sentence_says_in_what_state_the_hosts_are(
    code: ExitCode, outcome: dict[str, str], expected: str
) -> None:
    outcomes = (HostOutcome(host="a", state=State.CHANGED, **outcome),)
    assert sentence(Report(environment="p", exit_code=code, outcomes=outcomes)) == expected


def test_a_check_that_finds_nothing_says_so() -> None:
    quiet = tuple(replace(outcome, actions=0) for outcome in report().outcomes)
    checked = replace(report(), check=True, exit_code=ExitCode.OK, outcomes=quiet)
    assert sentence(checked) == "no actions: every host is as wanted; nothing was changed (exit 0, 42 s)"
