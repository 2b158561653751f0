"""What Ansible calls facts, those that deployments use: asked with a shell, under Ansible's names.

The source is what ansible-core's `setup` module gives; lists and numbers have its types, sizes are in bytes or MB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Interface
from typing import Any, ClassVar

from deployer.frozen import dataclass

FAMILIES: Mapping[str, str] = {  # the family of what stands in os-release as ID, or in ID_LIKE
    "debian": "Debian", "ubuntu": "Debian", "alpine": "Alpine", "arch": "Archlinux", "suse": "Suse", "gentoo": "Gentoo",
    "rhel": "RedHat", "fedora": "RedHat", "centos": "RedHat",
}  # fmt: skip
NAMES: Mapping[str, str] = {  # how Ansible writes a distribution, where it is not os-release's NAME in one word
    "debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "rhel": "RedHat", "centos": "CentOS",
    "arch": "Archlinux", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux", "amzn": "Amazon",
    "ol": "OracleLinux", "opensuse-leap": "openSUSE Leap", "sles": "SLES", "gentoo": "Gentoo", "raspbian": "Debian",
}  # fmt: skip
PACKAGE_MANAGERS = ("apt", "dnf", "yum", "apk", "zypper", "pacman")  # in this order

# sections begin with a line `=name`; in `env` a \\001 ends each variable, since a value may hold lines
_SCRIPT = """\
section() { printf '\\n=%s\\n' "$1"; }
section os
cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
section debian; cat /etc/debian_version 2>/dev/null
section redhat; cat /etc/redhat-release 2>/dev/null
section uname; uname -s; uname -r; uname -m; uname -n
section names
address=$(getent hosts "$(uname -n)" 2>/dev/null | awk '{ print $1; exit }')
if [ -n "$address" ]; then getent hosts "$address"; else echo "- $(hostname -f 2>/dev/null)"; fi
section user; id -un; id -u; id -g
section passwd
{ getent passwd "$(id -un)" || grep "^$(id -un):" /etc/passwd; } 2>/dev/null
section init; cat /proc/1/comm 2>/dev/null; [ ! -d /run/systemd/system ] || echo systemd
section packages
for one in apt-get dnf yum apk zypper pacman; do ! command -v $one >/dev/null 2>&1 || echo $one; done
section memory; cat /proc/meminfo
section processors; cat /proc/cpuinfo
section uptime; cat /proc/uptime
section route; ip -4 route show default 2>/dev/null | head -n 1
section addresses; ip -o -4 address show 2>/dev/null
section links; ip -o link show 2>/dev/null
section date; date '+%Y-%m-%d %H %M %S %s %A %w %V %Z %z'; date -u '+%Y-%m-%dT%H:%M:%SZ'
section mounts
while read -r device folder kind options rest; do
  case $device in /*|*:/*) ;; *) continue ;; esac
  place=$(printf %b "$folder")
  echo "$device $folder $kind $options $(stat -f -c '%S %b %a %c %d' "$place" 2>/dev/null)"
done </proc/mounts
section env; env -0 2>/dev/null | tr '\\000' '\\001'
"""


@dataclass(frozen=True)
class HostFacts:
    """A host's facts by Ansible's names, without the `ansible_` before them; what it does not tell is left out."""

    constant: ClassVar[bool] = True

    def script(self) -> str:
        return _SCRIPT

    def parse(self, output: str, status: int) -> Mapping[str, Any]:
        said = _sections(output)
        return {
            **_distribution(said), **_machine(said), **_user(said), **_memory(said), **_processors(said),
            **_network(said), **_time(said), "mounts": list(_mounts(said)), "env": _environment(said),
        }  # fmt: skip


def _sections(output: str) -> Mapping[str, str]:
    parts = re.split(r"(?m)^=(\w+)\n", output)
    return {name: text.strip("\n") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _pairs(text: str, separator: str) -> dict[str, str]:
    lines = (line.partition(separator) for line in text.splitlines())
    return {key.strip(): value.strip().strip("\"'") for key, found, value in lines if found}


def _distribution(said: Mapping[str, str]) -> dict[str, Any]:
    release = _pairs(said.get("os", ""), "=")
    own, like = release.get("ID", "").lower(), release.get("ID_LIKE", "").lower().split()
    version = release.get("VERSION_ID", "")
    if own == "debian" and re.match(r"\d", said.get("debian", "")):
        version = said["debian"]
    elif found := re.search(r"release (\d[\d.]*)", said.get("redhat", "")):
        version = found[1]
    return {
        "distribution": NAMES.get(own) or release.get("NAME", "").split(" ")[0] or "NA",
        "distribution_version": version or "NA",
        "distribution_major_version": version.split(".")[0] or "NA",
        "distribution_release": release.get("VERSION_CODENAME") or "NA",
        "os_family": next((FAMILIES[one] for one in (own, *like) if one in FAMILIES), NAMES.get(own, own.capitalize())),
        "pkg_mgr": next(iter(said.get("packages", "").split()), "unknown").removesuffix("-get"),
        "service_mgr": (said.get("init", "").split() or ["service"])[-1],
    }


def _machine(said: Mapping[str, str]) -> dict[str, Any]:
    system, kernel, machine, node = (said.get("uname", "").splitlines() + [""] * 4)[:4]
    names = said.get("names", "").splitlines()[:1] or [""]
    known = names[0].split()[1:]
    fqdn = next((name for name in known if "." in name), (known or [node])[0])  # as Python's socket.getfqdn chooses
    return {
        "system": system, "kernel": kernel, "machine": machine, "nodename": node, "fqdn": fqdn,
        "architecture": "i386" if re.fullmatch(r"i[3456]86", machine) else machine,
        "hostname": node.split(".")[0], "domain": ".".join(fqdn.split(".")[1:]),
    }  # fmt: skip


def _user(said: Mapping[str, str]) -> dict[str, Any]:
    name, uid, gid = (said.get("user", "").splitlines() + [""] * 3)[:3]
    known = said.get("passwd", "").split(":")
    home, shell = (known[5], known[6]) if len(known) > 6 else ("", "")
    return {
        "user_id": name, "user_uid": _number(uid), "user_gid": _number(gid), "user_dir": home, "user_shell": shell,
    }  # fmt: skip


def _memory(said: Mapping[str, str]) -> dict[str, Any]:
    found = _pairs(said.get("memory", ""), ":")
    names = {"memtotal": "MemTotal", "memfree": "MemFree", "swaptotal": "SwapTotal", "swapfree": "SwapFree"}
    return {f"{name}_mb": _number(found.get(key, "0")) // 1024 for name, key in names.items()}


def _processors(said: Mapping[str, str]) -> dict[str, Any]:
    """Sockets, cores of one and threads of all, as /proc/cpuinfo has them; where it has no sockets each is one."""
    each = [_pairs(block, ":") for block in re.split(r"\n\s*\n", said.get("processors", "")) if "processor" in block]
    sockets = {one["physical id"] for one in each if "physical id" in one}
    count = len(sockets) or len(each) or 1
    cores = _number(each[0].get("cpu cores", "1")) if each and sockets else 1
    return {
        "processor_count": count, "processor_cores": cores, "processor_nproc": len(each),
        "processor_vcpus": len(each) or 1,
    }  # fmt: skip


def _network(said: Mapping[str, str]) -> dict[str, Any]:
    addresses = re.findall(r"(?m)^\d+: (\S+)\s+inet (\S+)(?: brd (\S+))?.*$", said.get("addresses", ""))
    links = re.findall(r"(?m)^\d+: ([^:@\s]+)\S* .*$", said.get("links", ""))
    return {
        "default_ipv4": _default(said, addresses), "interfaces": links,
        "all_ipv4_addresses": [
            one.split("/")[0] for name, one, _ in addresses if not one.startswith("127.")
        ],
    }  # fmt: skip


def _default(said: Mapping[str, str], addresses: list[tuple[str, str, str]]) -> dict[str, Any]:
    """The way that packets to elsewhere take; empty if there is none."""
    route = dict(re.findall(r"(via|dev|src) (\S+)", said.get("route", "")))
    mine = [one for one in addresses if one[0] == route.get("dev")]
    if not mine:
        return {}
    name, address, broadcast = next((one for one in mine if one[1].startswith(f"{route.get('src')}/")), mine[0])
    net = IPv4Interface(address)
    link = re.search(rf"(?m)^\d+: {re.escape(name)}[:@].*?mtu (\d+).*?link/(\w+) (\S+)", said.get("links", ""))
    return {
        "address": str(net.ip), "alias": name, "broadcast": broadcast, "gateway": route.get("via", ""),
        "interface": name, "macaddress": link[3] if link else "", "mtu": int(link[1]) if link else 0,
        "netmask": str(net.netmask), "network": str(net.network.network_address), "prefix": str(net.network.prefixlen),
        "type": link[2] if link else "unknown",
    }  # fmt: skip


def _time(said: Mapping[str, str]) -> dict[str, Any]:
    local, utc = (said.get("date", "").splitlines() + [""] * 2)[:2]
    words = local.split()
    if len(words) != 10:
        return {}
    date, hour, minute, second, epoch, weekday, number, week, zone, offset = words
    year, month, day = date.split("-")
    short = f"{date.replace('-', '')}T{hour}{minute}{second}"
    return {
        "uptime_seconds": int(float(said.get("uptime", "0").split(" ")[0] or 0)),
        "date_time": {
            "date": date, "year": year, "month": month, "day": day, "time": f"{hour}:{minute}:{second}", "hour": hour,
            "minute": minute, "second": second, "epoch": epoch, "epoch_int": epoch, "weekday": weekday,
            "weekday_number": number, "weeknumber": str(int(week)), "tz": zone, "tz_offset": offset, "iso8601": utc,
            "iso8601_basic_short": short,
        },
    }  # fmt: skip


def _mounts(said: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The file systems of devices; sizes in bytes, where the host told them."""
    for line in said.get("mounts", "").splitlines():
        device, folder, kind, options, *sizes = line.split(" ")
        mount: dict[str, Any] = {"device": device, "mount": _unescaped(folder), "fstype": kind, "options": options}
        numbers = [int(one) for one in sizes if one.isdigit()]
        if len(numbers) == 5:
            size, total, available, inodes, inodes_left = numbers
            mount |= {
                "block_size": size, "block_total": total, "block_available": available, "block_used": total - available,
                "size_total": size * total, "size_available": size * available, "inode_total": inodes,
                "inode_available": inodes_left, "inode_used": inodes - inodes_left,
            }  # fmt: skip
        yield mount


def _unescaped(text: str) -> str:
    """A folder as /proc/mounts writes it (proc(5)): spaces and the like stand as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _environment(said: Mapping[str, str]) -> dict[str, str]:
    return dict(one.split("=", 1) for one in said.get("env", "").split("\x01") if "=" in one)


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0
