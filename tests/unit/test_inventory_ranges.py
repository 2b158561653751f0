import re

import pytest

from deployer.config.ranges import expand_hosts


@pytest.mark.parametrize(
    ("pattern", "names", "port"),
    [
        ("web", "web", None),
        ("web:2222", "web", 2222),
        ("10.0.0.1", "10.0.0.1", None),
        ("10.0.0.[1:2]:22", "10.0.0.1 10.0.0.2", 22),
        ("web[1:3]", "web1 web2 web3", None),
        ("web[01:10:3].example.org", "web01.example.org web04.example.org web07.example.org web10.example.org", None),
        ("w[08:11]", "w08 w09 w10 w11", None),
        ("w[3:3]", "w3", None),
        ("w[0:2]", "w0 w1 w2", None),
        ("w[9:11:2]", "w9 w11", None),
        ("web:1", "web", 1),
        ("web:65535", "web", 65535),
        ("w[a:c]", "wa wb wc", None),
        ("w[A:C]", "wA wB wC", None),
        ("w[:2]", "w0 w1 w2", None),
        ("[1:2].host", "1.host 2.host", None),
        ("d[1:2]x[a:b]", "d1xa d1xb d2xa d2xb", None),
        ("t[1:3]:2222", "t1 t2 t3", 2222),
        ("[1:2]:2222", "1", 2),  # an address in brackets, as Ansible reads it
        ("w[3:1]", "", None),
        ("2001:db8::1", "2001:db8::1", None),
        ("[2001:db8::1]:2222", "2001:db8::1", 2222),
        ("2001:db8::[1:2]", "2001:db8::1 2001:db8::2", None),
        ("web_1", "web_1", None),
        ("büro", "büro", None),
    ],
)
def test_a_pattern_stands_for_these_hosts(pattern, names, port):
    assert expand_hosts(pattern) == (tuple(names.split()), port)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("w[c:a]", "range [c:a] runs backwards"),
        ("w[001:10]", "range [001:10]: start and end must be of equal length when they are padded with 0"),
        ("w[1:]", "range [1:] has no end"),
        ("w[1]", "range [1] must be [start:end] or [start:end:step]"),
        ("w[1:2:3:4]", "range [1:2:3:4] must be [start:end] or [start:end:step]"),
        ("w[a:3]", "range [a:3] must go from number to number or from letter to letter"),
        ("w[1:3:0]", "range [1:3:0]: the step must be a number from 1"),
        ("w[1:3:-1]", "range [1:3:-1]: the step must be a number from 1"),
        ("w[1:9999999]", "range [1:9999999] stands for more than 65536 hosts"),
        ("w[1:999]x[1:999]", "'w[1:999]x[1:999]' stands for more than 65536 hosts"),
        ("w[1:3", "'w[1:3' is no host name"),
        ("web:", "'web:' is no host name"),
        ("web:ssh", "'web:ssh' is no host name"),
        ("web:0", "port 0 of 'web:0' is not between 1 and 65535"),
        ("web:65536", "port 65536 of 'web:65536' is not between 1 and 65535"),
        ("web 1", "'web 1' is no host name"),
        ("root@web", "'root@web' is no host name"),
        ("../etc", "'../etc' is no host name"),
        ("-oProxyCommand=x", "'-oProxyCommand=x' is no host name"),
        ("---", "'---' is no host name"),
        ("", "'' is no host name"),
    ],
)
def test_a_pattern_that_is_no_host_is_refused(pattern, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        expand_hosts(pattern)
