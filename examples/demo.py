"""The demo: three bare hosts, a deployment, a broken release that is undone. It believes the hosts, not the tool."""

from __future__ import annotations

import http.cookiejar
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import ExitCode, LabError
from deployer.lab.fleet import Lab
from deployer.lab.host import LabHost

EXAMPLE = Path("examples/django")
BROKEN = Path(".lab/broken")
WORDS = "written through the page, before the broken release"
QUICK = ("-e", "gate_bake=5")


def say(text: str) -> None:
    """A line of the demo's own, set apart from what the tools print."""
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def deploy(*args: str, expect: ExitCode = ExitCode.OK) -> None:
    """Run the real command; raises LabError if it ends with another exit code than expected."""
    line = ["deploy", *args]
    print(f"$ {' '.join(line)}", flush=True)
    code = subprocess.run([str(Path(sys.executable).parent / line[0]), *args], check=False).returncode
    if code != expect:
        raise LabError(f"`{' '.join(line)}` ended with {code}, expected {int(expect)} ({expect.meaning})")


@dataclass(frozen=True)
class Page:
    """The guest book as a browser sees it."""

    address: str

    @property
    def url(self) -> str:
        return f"http://{self.address}:8000/"

    def write(self, text: str) -> None:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        with browser.open(self.url, timeout=10) as form:
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.read().decode())
        if token is None:
            raise LabError(f"{self.url} shows no form")
        fields = {"csrfmiddlewaretoken": token[1], "name": "demo", "text": text}
        with browser.open(self.url + "entries", urllib.parse.urlencode(fields).encode(), timeout=10):
            pass

    def read(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            content: bytes = answer.read()
        return content.decode().strip()

    def entries(self) -> list[str]:
        return [entry["text"] for entry in json.loads(self.read("entries.json"))["entries"]]


def current(host: LabHost) -> str:
    """The release that a host's own link names."""
    _, output = host.exec(["readlink", "/srv/guestbook/current"])
    return output.strip().rpartition("/")[2]


def rows(host: LabHost) -> int:
    """How often the demo's entry is in the database, as Postgres itself counts."""
    query = f"SELECT count(*) FROM entries_entry WHERE text = '{WORDS}'"
    psql = f'docker exec guestbook-db-1 psql -U guestbook -At -c "{query}" guestbook'
    status, output = host.exec(["sh", "-c", psql])
    return int(output) if status == 0 and output.strip().isdigit() else 0


def expect(what: str, is_so: Callable[[], bool]) -> None:
    """Check something and say it; raises LabError if it is not so."""
    if not is_so():
        raise LabError(f"it is not so that {what}")
    print(f"   seen: {what}", flush=True)


def run() -> None:
    """The story. Raises LabError at the first thing that is not as it should be."""
    say("three bare hosts: systemd, sshd, sudo, and no Docker")
    deploy("lab", "up")
    hosts = {host.name: host for host in _lab().hosts()}
    pages = [Page(hosts[name].address) for name in ("web1", "web2")]

    say("the first release: Docker is installed, images are built, the database is migrated")
    deploy("lab", *QUICK)
    first = current(hosts["db1"])
    expect(f"all three hosts are on release {first}", lambda: {current(host) for host in hosts.values()} == {first})
    expect(f"{pages[0].url}version says {first}", lambda: pages[0].read("version") == first)
    pages[0].write(WORDS)
    expect("an entry written on web1 is shown on web2", lambda: WORDS in pages[1].entries())

    say("a release that never becomes healthy")
    break_the_project()
    deploy("lab", *QUICK, "-e", f"deploy_source={BROKEN}", expect=ExitCode.ROLLED_BACK)

    say("what the hosts say")
    expect(f"all three hosts are on release {first}", lambda: {current(host) for host in hosts.values()} == {first})
    for page in pages:
        expect(f"{page.url}version says {first}", lambda page=page: page.read("version") == first)
        expect(f"{page.url} still shows the entry", lambda page=page: WORDS in page.entries())
    expect("the row is in Postgres, once", lambda: rows(hosts["db1"]) == 1)
    print(_closing(pages))


def break_the_project() -> None:
    """A copy of the example whose health check always fails."""
    shutil.rmtree(BROKEN, ignore_errors=True)
    shutil.copytree(EXAMPLE, BROKEN)
    views = BROKEN / "entries" / "views.py"
    text = views.read_text().replace('HttpResponse("ok\\n", ', 'HttpResponse("broken\\n", status=503, ')
    views.write_text(text)


def _lab() -> Lab:
    """The lab that `deploy lab up` has made."""
    from deployer.cli.lab import lab_of, specs_from_inventory

    return lab_of(specs_from_inventory(Path("inventories/lab.yml")))


def _closing(pages: list[Page]) -> str:
    return f"""
The guest book is served at {" and ".join(page.url for page in pages)}
Try next:
  deploy status lab              what every host serves
  deploy lab --check             nothing to do, and how it knows
  edit examples/django/entries/templates/entries/page.html, then: deploy lab --check; deploy lab
  deploy rollback lab            back again
  make demo-down                 take the hosts down
(`deploy` is .venv/bin/deploy)"""


def main() -> None:
    """Tell the story; exit 0 only if everything was seen on the hosts."""
    start = time.monotonic()
    try:
        run()
    except LabError as error:
        print(f"\nerror: {error}\nhint:  {error.hint or 'make demo-down, then make demo again'}", file=sys.stderr)
        sys.exit(ExitCode.BUG)
    print(f"\nAll of this was seen on the hosts, in {time.monotonic() - start:.0f} s.")


if __name__ == "__main__":
    main()
