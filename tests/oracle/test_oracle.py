"""The measure is there: the version that the rules were written after."""

from __future__ import annotations

from pathlib import Path

from ansible_runs import Ansible


def test_version_is_the_one_that_is_asked_for(ansible: Ansible, tmp_path: Path) -> None:
    wanted = (Path(__file__).parent / "requirements.txt").read_text().split("==")[1].strip()
    done = ansible.run("ansible-playbook", "--version", cwd=tmp_path)
    assert f"[core {wanted}]" in done.stdout, done.stderr
