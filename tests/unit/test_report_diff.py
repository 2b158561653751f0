"""Text diffs as --diff shows them."""

from __future__ import annotations

from deployer.report.diff import LARGE, unified


def test_a_changed_line() -> None:
    assert unified("/etc/motd", b"one\ntwo\n", b"one\n2\n") == (
        "--- /etc/motd (on the host)\n+++ /etc/motd (wanted)\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    )


def test_a_new_file() -> None:
    assert unified("/x", None, b"a\n") == "--- /dev/null\n+++ /x (wanted)\n@@ -0,0 +1 @@\n+a\n"


def test_a_missing_newline_at_the_end() -> None:
    assert unified("/x", b"a\n", b"a").splitlines()[-3:] == ["-a", "+a", "\\ No newline at end of file"]


def test_nothing_differs() -> None:
    assert unified("/x", b"a", b"a") == ""


def test_binary_files() -> None:
    assert unified("/x", b"\0a", b"text") == "binary files differ: /x (2 bytes before, 4 after)\n"
    assert unified("/x", b"text", b"\xff\xfe") == "binary files differ: /x (4 bytes before, 2 after)\n"


def test_large_files() -> None:
    assert "too large to show" in unified("/x", b"a\n" * LARGE, b"b\n")
