"""What is in the way where a target is missed: what a profile showed, on the machine of the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench.targets import Line

REASONS: Mapping[str, str] = {
    "unchanged, 3 hosts": """\
All of it is processor time: 0.75 s of the command and 0.65 s of the hosts, on two cores. Half a second passes before
the first packet: Python and its libraries (0.25 s; cryptography, paramiko, Fabric, Jinja2, PyYAML, click), then reading
and checking inventory, playbooks and project (0.25 s). The rest is connections and one look, half of which is sshd,
PAM and sudo: `ssh host sudo true` on the three hosts takes 0.4 s here. With the script at 2.0 s, the target leaves as
much again for everything else; a fifteenth of Ansible's time is what ssh alone takes.""",
    "one changed file": """\
`docker compose up -d --build --wait` alone, on files that are there already, takes 4.8 s on three hosts that share two
cores: that is almost all of the script's time. deployer builds and starts in 3.6 s, and spends 2.1 s before: start and
reading 0.8 s, a look 0.4 s, lease, journal and the armed way back 0.4 s, the sync 0.5 s, in which each host verifies
all 2,000 files and flushes what is new. Hosts with processors of their own build in a third of the time; what comes
before is then the larger part.""",
    "first sync": """\
Processor time again: 13 s for deployer, 10.6 s for the script, of two cores. In both, 8 s go into writing 180 MB to
three hosts. deployer adds gzip (1.3 s: dense files come as stored blocks, which gzip copies byte by byte), SHA-256 of
every file (0.5 s), the flush to disk (0.3 s), and 1 s for start, lease and journal; reading, verifying and compressing
here is done once for all hosts. Encryption in Python costs 2 s, OpenSSH's 1.2 s.""",
    "large file": """\
Each host reads its 200 MB twice, to say which parts it has and to verify the new file, copies it once, and flushes it
to disk; rsync reads once, copies once, and leaves the flush to the kernel. With three hosts on one disk and two cores
that is 2 s more. Another second is start, lease and journal.""",
    "unchanged, 32 hosts": """\
32 hosts share two cores with the tool: a look costs a host 0.2 s of processor time, so 32 of them cost 3 s however
little the tool does.""",
    "round trips of a first sync of 1,000 files, bytes included": """\
A difference of four times, each of which varies by 0.1 s and more here: measured twice more, it came to 14.8 and
to -1.8.""",
    "a command on 200 endpoints": """\
200 SSH handshakes cost sshd 20 ms each and Python 25 ms, on two cores.""",
}


def reasons(lines: Iterable[Line]) -> Iterator[tuple[str, str]]:
    """For what was missed: which target, and why."""
    missed = dict.fromkeys(line.what.partition(":")[0] for line in lines if line.is_met is False)
    return ((what, REASONS[what]) for what in missed if what in REASONS)
