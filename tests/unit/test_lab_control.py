"""What of this machine's settings means anything on another one."""

from deployer.lab.certificates import extra_certificates
from deployer.lab.names import named_addresses, usable_resolv_conf
from deployer.lab.pip import merge_settings, pip_conf

PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def test_pip_settings_that_point_to_files_here_are_dropped():
    text = pip_conf(
        {
            "index-url": "https://pypi.example/simple",
            "extra-index-url": "file:///srv/pypi/simple https://more.example/simple",
            "find-links": "/opt/wheels",
            "constraint": "/etc/constraints.txt",
            "proxy": "http://localhost:3128",
        }
    )
    assert "index-url = https://pypi.example/simple\n" in text
    assert "extra-index-url = https://more.example/simple\n" in text
    assert not any(word in text for word in ("/opt", "constraint", "localhost"))


def test_pips_environment_wins_over_its_files():
    files = ["[global]\nindex-url = https://a/simple\ntimeout = 5\n", "[install]\nindex-url = https://b/simple\n"]
    settings = merge_settings(files, {"PIP_DEFAULT_TIMEOUT": "180", "HOME": "/root"})
    assert settings == {"index-url": "https://b/simple", "timeout": "180"}


def test_only_certificates_that_debian_does_not_know_are_extra():
    ours, debians = PEM.format("b3Vycw=="), PEM.format("ZGViaWFu")
    assert extra_certificates([debians + ours, ours.replace("\n", "\r\n")], [debians]) == [ours]


def test_a_resolver_that_answers_here_only_is_of_no_use_to_hosts():
    text = "search lab.example\nnameserver 127.0.0.53\nnameserver 192.0.2.53\noptions edns0\n"
    assert usable_resolv_conf(text) == "search lab.example\noptions edns0\nnameserver 192.0.2.53\n"
    assert usable_resolv_conf("nameserver 127.0.0.53\nnameserver ::1\n") == ""


def test_names_of_other_machines_are_handed_on():
    text = "127.0.0.1 localhost\n::1 localhost\n192.0.2.9 mirror mirror.example # the mirror\n\n"
    assert named_addresses(text) == {"mirror": "192.0.2.9", "mirror.example": "192.0.2.9"}
