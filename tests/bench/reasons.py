"""What is in the way where a target is missed: what a profile showed, on the machine of the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench.targets import Line

REASONS: Mapping[str, str] = {
    "unchanged, 3 hosts": """\
All of it is processor time: 0.75 s of the command and 0.65 s of the hosts, on two cores. Half a second passes before
the first packet: Python and its libraries (0.25 s; cryptography, paramiko, Fabric, Jinja2, PyYAML, click), then reading
and checking inventory, playbooks and project (0.25 s). The rest is connections and one look. `ssh host sudo true` on
the three hosts alone takes 0.3 to 0.4 s here: the target leaves as much again for everything else, a fifteenth of
Ansible's time hardly more than ssh.""",
    "one changed file": """\
`docker compose up -d --build --wait` alone, on files that are there already, takes 4.8 to 5.0 s on three hosts that
share two cores: that is almost all of the script's time. In a run that was traced, deployer built and started in 3.7 s,
and spent 2.1 s before: start and reading 0.8 s, a look 0.4 s, lease and journal 0.2 s, the sync 0.5 s, in which each
host verifies all 2,000 files and flushes what is new.""",
    "first sync": """\
Processor time again, of two cores: 13 to 14 s for deployer, 10.6 s for the script. 8.5 to 9 s of the script's are its
hosts', which receive and write 180 MB; deployer's hosts take 10 s and more. gzip takes 1.3 s of that (dense files come
as stored blocks, which it copies byte by byte), SHA-256 of every file 0.3 s. The command itself takes 3.3 s, of which
1 s is its start, and OpenSSH and rsync 2 s.""",
    "large file": """\
Each host reads its 200 MB twice, to say which parts it has and to verify the new file, copies it once, and flushes it
to disk; rsync leaves the flush to the kernel. In a run that was traced, three hosts that share two cores and a disk
took 1.2 s to say what they have, and 1.8 s to make, verify and flush the new file.""",
    "round trips of a first sync of 1,000 files, bytes included": """\
A difference of four times, each of which varies by 0.1 s and more here: measured twice more, it came to 14.8 and
to -1.8.""",
}


def reasons(lines: Iterable[Line]) -> Iterator[tuple[str, str]]:
    """For what was missed: which target, and why."""
    missed = dict.fromkeys(line.what.partition(":")[0] for line in lines if line.is_met is False)
    return ((what, REASONS[what]) for what in missed if what in REASONS)
