"""Which capabilities a host may be given: what `--privileged` means, on machines that lack some."""

from __future__ import annotations

from pathlib import Path

# By number, as capabilities(7) has them. Engine 20.10 knows none after AUDIT_READ, and hosts do without.
_NAMES = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
"""


def capabilities(mask: int) -> list[str]:
    """Return the names of the capabilities in a bounding set that an engine can add to a container."""
    return [name for number, name in enumerate(_NAMES.split()) if mask >> number & 1]


def bounding_set(status: str) -> int:
    """Return the bounding set that a /proc/PID/status tells of."""
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))


def own_capabilities() -> list[str]:
    """Return what this machine can give; a daemon has what its processes have."""
    return capabilities(bounding_set(Path("/proc/self/status").read_text()))
