"""Which of Ansible's facts a host tells: known before any host is asked, since templates name them."""

from __future__ import annotations

FACT_NAMES = (
    "architecture", "date_time", "default_ipv4", "distribution", "distribution_major_version", "distribution_release",
    "distribution_version", "domain", "env", "fqdn", "all_ipv4_addresses", "hostname", "interfaces", "kernel",
    "machine",
    "memfree_mb", "memtotal_mb", "mounts", "nodename", "os_family", "pkg_mgr", "processor_cores", "processor_count",
    "processor_nproc", "processor_vcpus", "service_mgr", "swapfree_mb", "swaptotal_mb", "system", "uptime_seconds",
    "user_dir", "user_gid", "user_id", "user_shell", "user_uid",
)  # fmt: skip
