"""Other users through a real sudo: with a password, with a wrong one, without, and not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sshd import SUDO_PASSWORD, Sshd, logged_in

from deployer.errors import AuthError, CommandTimeoutError

Walled = Callable[[str], Sshd]


def test_who_is_that_user_already_needs_no_sudo(walled: Walled) -> None:
    with logged_in(walled("dash"), user="root") as remote:
        assert remote.run("id -un", become="root").stdout == "root\n"
        assert remote.traffic().execs == 1


@pytest.mark.parametrize("sh", ["dash", "bash", "busybox"])
def test_sudo_gives_another_user_and_home(walled: Walled, sh: str) -> None:
    with logged_in(walled(sh), user="free") as remote:
        assert remote.run('id -un; echo "$HOME"', become="root").stdout == "root\n/root\n"
        assert remote.run("id -un", become="nobody").stdout == "nobody\n"
        assert remote.stream("id -un; cat", [b"text"], become="root").stdout == "root\ntext"


def test_what_outlives_its_deadline_as_root_is_ended(walled: Walled) -> None:
    with logged_in(walled("dash"), user="free") as remote:
        with pytest.raises(CommandTimeoutError):
            remote.run("sleep 65431", become="root", timeout=0.7)
        assert remote.run("ps ax | grep -c '[s]leep 65431'", become="root").stdout == "0\n"


def test_a_password_that_is_asked_for_and_not_given_is_said(walled: Walled) -> None:
    with logged_in(walled("dash"), user="asker") as remote:
        with pytest.raises(AuthError, match="web1: sudo asks for a password to become root") as caught:
            remote.run("true", become="root")
        assert "ansible_become_password" in (caught.value.hint or "")
        assert remote.run("id -un").stdout == "asker\n"
        with pytest.raises(AuthError, match="sudo asks for a password"):
            remote.stream("cat", [b"x"], become="root")


def test_a_password_is_given_once(walled: Walled) -> None:
    with logged_in(walled("dash"), user="asker", become_password=SUDO_PASSWORD) as remote:
        assert remote.run("id -un", become="root").stdout == "root\n"
        assert remote.run("id -un; cat", become="root").stdout == "root\n"
        assert remote.stream("id -un; cat", [b"data"], become="root").stdout == "root\ndata"
        assert remote.run("cat /proc/[0-9]*/cmdline | grep -c '[b]attery'", become="root").stdout == "0\n"


def test_a_wrong_password_is_said_without_repeating_it(walled: Walled) -> None:
    with (
        logged_in(walled("dash"), user="asker", become_password="wrong-horse") as remote,
        pytest.raises(AuthError, match="did not accept the password for root") as caught,
    ):
        remote.run("true", become="root")
    assert "wrong-horse" not in str(caught.value) + str(caught.value.hint)


def test_a_password_that_nobody_asks_for_reaches_no_program(walled: Walled) -> None:
    with logged_in(walled("dash"), user="free", become_password=SUDO_PASSWORD) as remote:
        result = remote.run("id -un; cat", become="root")
        assert (result.stdout, result.stderr) == ("root\n", "")
        assert remote.stream("cat", [b"data"], become="root").stdout == "data"


@pytest.mark.parametrize(
    ("user", "password", "told", "hint"),
    [
        ("bare", SUDO_PASSWORD, "is not in the host's sudoers: cannot become root", "ALL=(ALL) ALL"),
        ("typist", None, "sudo wants a terminal (requiretty)", "!requiretty"),
        ("typist", SUDO_PASSWORD, "sudo wants a terminal (requiretty)", "!requiretty"),
        ("limited", None, "sudoers allows only (root) NOPASSWD: /usr/bin/true, /usr/bin/id -u", "ALL=(ALL) ALL"),
        ("limited", SUDO_PASSWORD, "sudoers allows only (root) NOPASSWD: /usr/bin/true", "runs `sh` by sudo"),
        ("asker", None, "sudo asks for a password to become root", "--ask-become-pass"),
    ],
)
def test_what_keeps_a_user_from_becoming_root_is_said(
    walled: Walled, user: str, password: str | None, told: str, hint: str
) -> None:
    with (
        logged_in(walled("dash"), user=user, become_password=password) as remote,
        pytest.raises(AuthError) as caught,
    ):
        remote.run("true", become="root")
    assert told in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_a_user_with_few_rights_may_do_what_needs_none(walled: Walled) -> None:
    with logged_in(walled("dash"), user="limited") as remote:
        with pytest.raises(AuthError):
            remote.run("true", become="root")
        assert remote.run("id -un").stdout == "limited\n"
