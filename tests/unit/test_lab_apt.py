"""What a machine's package sources say about another release."""

from deployer.lab.apt import Source, carried_options, for_suite, is_debian, parse_deb822, parse_one_line

DEB822 = """\
Types: deb deb-src
# a comment
URIs: http://mirror.example/debian http://second.example/debian/
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""


def test_one_line_sources_are_read_with_options_and_comments():
    text = (
        "# deb http://no.example bookworm main\n"
        "deb-src http://no.example bookworm main\n"
        "deb [arch=amd64 trusted=yes] http://a.example/debian bookworm main contrib # why\n"
    )
    expected = Source(uri="http://a.example/debian", suite="bookworm", components=("main", "contrib"), trusted=True)
    assert list(parse_one_line(text)) == [expected]


def test_deb822_stanzas_multiply_uris_by_suites():
    found = [(source.uri, source.suite, source.components) for source in parse_deb822(DEB822)]
    both = ("main", "contrib")
    assert found == [
        ("http://mirror.example/debian", "bookworm", both),
        ("http://mirror.example/debian", "bookworm-updates", both),
        ("http://second.example/debian/", "bookworm", both),
        ("http://second.example/debian/", "bookworm-updates", both),
    ]


def test_only_the_release_and_its_pockets_are_said_again():
    sources = [
        Source(uri="http://m.example/debian/", suite="bookworm"),
        Source(uri="http://m.example/debian", suite="bookworm"),
        Source(uri="http://m.example/security", suite="bookworm-security"),
        Source(uri="http://m.example/debian", suite="bookworm-backports"),
        Source(uri="http://vendor.example", suite="bookworm", components=("stable",)),
        Source(uri="file:/media/cdrom", suite="bookworm"),
    ]
    assert [(source.uri, source.suite) for source in for_suite(sources, "bookworm", "trixie")] == [
        ("http://m.example/debian", "trixie"),
        ("http://m.example/security", "trixie-security"),
    ]


def test_a_vendor_who_uses_debians_suite_names_is_not_debian():
    head = "Origin: {}\nSuite: stable\nCodename: trixie\n"
    assert is_debian(head.format("Debian"), "trixie")
    assert not is_debian(head.format("Vendor"), "trixie")
    assert not is_debian(head.format("Debian"), "trixie-updates")
    assert not is_debian("", "trixie")


def test_apts_options_are_carried_when_they_concern_mirrors():
    dump = 'APT "";\nAcquire::Check-Date "false";\nAcquire::http::Proxy "http://p:3128";\nDir "/";\n'
    assert carried_options(dump) == ['Acquire::Check-Date "false";', 'Acquire::http::Proxy "http://p:3128";']


def test_a_source_reads_as_sources_list_wants_it():
    line = Source(uri="http://m.example/debian", suite="trixie", trusted=True).line
    assert line == (
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg trusted=yes] http://m.example/debian trixie main"
    )
