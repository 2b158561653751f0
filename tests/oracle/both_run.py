"""One playbook, run by Ansible and by `deploy`, each in a folder of its own that it calls `root`."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_runs import Ansible

PYTHON = Path(__file__).parents[2] / ".venv-ansible" / "bin" / "python"
DEPLOY = Path(sys.executable).parent / "deploy"
COUNTS = ("ok", "changed", "failed", "skipped", "ignored")
INVENTORY = (
    "all:\n  hosts:\n    here: {{ansible_connection: local, ansible_python_interpreter: {python}, root: {root}}}\n"
)


@dataclass(frozen=True)
class Run:
    """What a run said of its tasks, and what it left."""

    status: int
    counts: dict[str, int]
    words: dict[str, str]  # task -> how it ended
    text: str  # all that was printed

    def same(self, other: Run) -> None:
        """Fail with both outputs unless both ended alike."""
        differing = {name: (self.words.get(name), other.words.get(name)) for name in {*self.words, *other.words}}
        differing = {name: pair for name, pair in differing.items() if pair[0] != pair[1]}
        assert not differing, f"{differing}\n{self.text[-3000:]}\n{other.text}"
        assert self.counts == other.counts, f"{self.text[-3000:]}\n{other.text}"


def tree(root: Path) -> dict[str, tuple[str, bytes | str]]:
    """Everything below a folder: mode and content, or where a link leads; the root's own name taken out."""
    found: dict[str, tuple[str, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        mode = f"{stat.S_IMODE(path.lstat().st_mode):04o}"
        if path.is_symlink():
            found[str(path.relative_to(root))] = "link", os.readlink(path).replace(str(root), "ROOT")
        elif path.is_dir():
            found[str(path.relative_to(root))] = mode, "folder"
        else:
            found[str(path.relative_to(root))] = mode, path.read_bytes().replace(str(root).encode(), b"ROOT")
    return found


WALL = """\
side=$1; shift
mount --bind "$side/etc" /etc && mount --bind "$side/home" /home || exit 1
hostname before.example.org
export CRONTABS="$side/crontabs" PATH="$side/tools:$PATH"
exec "$@"
"""
CRONTAB = """\
#!/bin/sh
# crontab [-u USER] -l | FILE | -, as cron's own does it: this one keeps its files behind the wall.
user=root
if [ "$1" = -u ]; then user=$2; shift 2; fi
case $1 in
  -l) [ -f "$CRONTABS/$user" ] || { echo "no crontab for $user" >&2; exit 1; }; cat "$CRONTABS/$user" ;;
  *) cat -- "$1" >"$CRONTABS/$user" ;;
esac
"""


@dataclass(frozen=True)
class Side:
    """A folder in which one of the two works."""

    folder: Path
    walled: bool = False  # with an /etc, a /home, crontabs and a host's name of its own

    def command(self, *words: str) -> list[str]:
        """A command line, behind the wall if there is one."""
        if not self.walled:
            return list(words)
        return [
            "unshare",
            "--mount",
            "--uts",
            "--propagation",
            "private",
            "sh",
            "-c",
            WALL,
            "sh",
            str(self.folder),
            *words,
        ]

    def build_wall(self) -> None:
        """Make what is mounted behind it."""
        for name in ("home", "crontabs", "tools"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", "/etc", str(self.folder)], check=True)
        (self.folder / "tools" / "crontab").write_text(CRONTAB)
        (self.folder / "tools" / "crontab").chmod(0o755)

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def prepare(self, playbook: str) -> None:
        (self.folder / "playbooks").mkdir(parents=True, exist_ok=True)
        self.root.mkdir(exist_ok=True)
        (self.folder / "playbooks" / "provision.yml").write_text(playbook)
        (self.folder / "hosts.yml").write_text(INVENTORY.format(python=PYTHON, root=self.root))

    def registered(self) -> Any:
        """What the playbook has written down as JSON."""
        return json.loads((self.folder / "registered.json").read_text().replace(str(self.root), "ROOT"))


def run_ansible(ansible: Ansible, side: Side, *options: str) -> Run:
    done = ansible.run(
        "ansible-playbook", "-i", "hosts.yml", "playbooks/provision.yml", *options, cwd=side.folder,
        ANSIBLE_PIPELINING="1", ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_GATHERING="explicit",
    )  # fmt: skip
    recap = re.search(r"^here +: (.*)$", done.stdout, re.M)
    assert recap, done.stdout + done.stderr
    counts = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", recap[1]) if name in COUNTS}
    return Run(done.returncode, counts, _ansible_words(done.stdout), done.stdout + done.stderr)


def _ansible_words(output: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for part in re.split(r"^(?:TASK|RUNNING HANDLER) ", output, flags=re.M)[1:]:
        name = part[1 : part.index("] *")]
        ended = re.findall(r"^(ok|changed|skipping|fatal|failed): \[here\]", part, re.M)
        word = {"skipping": "skipped", "fatal": "failed"}.get(ended[-1], ended[-1])
        words[name] = "ignored" if "\n...ignoring" in part else "changed" if "changed" in ended else word
    return words


def run_deploy(side: Side, *options: str) -> Run:
    done = subprocess.run(
        side.command(str(DEPLOY), "provision", "test", "-i", "hosts.yml", "--output=json", *options),
        cwd=side.folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    report = json.loads(lines[-1])["report"]
    (outcome,) = report["outcomes"]
    words = {one["task"]: one["status"] for one in report["results"]}
    return Run(done.returncode, {name: outcome[name] for name in COUNTS}, words, done.stdout[-20000:] + done.stderr)
