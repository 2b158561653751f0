"""HTTP requests made by a host itself, with curl or wget (GNU's; for the plain ones busybox's).

Here is the shell that makes one, and what the answer says. Nothing of a request shows in a process list but paths:
it is written to a file that the program reads.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import field

from deployer.frozen import dataclass
from deployer.model.secret_names import URL_LOGIN
from deployer.modules._refusals import ArgumentRefusedError

AGENT = "ansible-httpget"
ANSWER_LIMIT = 8 * 2**20  # bytes of an answer that are read
_STATUS = re.compile(r"\s*HTTP/[\d.]+ (\d{3})\s*(.*)")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; redirects are followed if `follow` says so."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    user: str | None = None
    password: str | None = None
    validate_certs: bool = True
    timeout: int = 30  # seconds
    follow: bool = True
    unix_socket: str | None = None
    newer_than: str | None = None  # path of a file: only what is newer is asked for
    patient: bool = False  # `timeout` is for the silence between two pieces, not for the whole

    def script(self) -> str:
        """Shell that leaves `$d/head` and `$d/answer`, and in `$rc` and `$d/errors` how the program ended.

        `$d` is a folder that is gone with the shell. A status such as 404 is an answer, no error.
        """
        body = base64.encodebytes(self.body or b"").decode()
        return (
            'umask 077; d=$(mktemp -d); trap \'rm -f -- "$d"/*; rmdir -- "$d"\' EXIT; rc=0\n'
            f"base64 -d >\"$d/body\" <<'END_BODY'\n{body}END_BODY\n"
            f"cat >\"$d/curl\" <<'END_CURL'\n{self._curl()}END_CURL\n"
            f"cat >\"$d/wget\" <<'END_WGET'\n{self._wget()}END_WGET\n"
            f"{self._if_newer()}if command -v curl >/dev/null 2>&1; then\n"
            '  curl --config "$d/curl" --dump-header "$d/head" --output "$d/answer"'
            f'{self._curl_body()} >/dev/null 2>"$d/errors" || rc=$?\n'
            "elif wget --version >/dev/null 2>&1; then\n"
            f'  wget --config="$d/wget" --output-document="$d/answer"{self._wget_body()} 2>"$d/errors" || rc=$?\n'
            '  sed -n "s/^  //p" "$d/errors" >"$d/head"; [ ! -s "$d/head" ] || rc=0\n'
            f"{self._small_wget()}else\n"
            f'  echo "{self._missing()}: install curl"; exit 3\n'
            "fi\n"
            'touch "$d/head" "$d/answer"\n'
        )

    def _small_wget(self) -> str:
        """For busybox: its wget would show headers and passwords in the process list, so it gets none."""
        if not self._is_plain():
            return ""
        post = "" if self.body is None else ' --post-file "$d/body"'
        trust = "" if self.validate_certs else " --no-check-certificate"
        return (
            "elif command -v wget >/dev/null 2>&1; then\n"
            f"  timeout {3600 if self.patient else self.timeout} "
            f'wget -S{trust} -O "$d/answer"{post} {shlex.quote(self.url)} 2>"$d/errors" || rc=$?\n'
            '  sed -n "s/^  //p" "$d/errors" >"$d/head"; [ ! -s "$d/head" ] || rc=0\n'
        )

    def _is_plain(self) -> bool:
        """Whether it is a request without a login or a header of ours, and a GET that follows redirects or a POST."""
        method, follow = ("GET", self.follow) if self.body is None else ("POST", True)
        bare = (self.method, self.headers, self.user, self.unix_socket) == (method, {}, None, None)
        return bare and follow and URL_LOGIN.search(self.url) is None

    def _missing(self) -> str:
        return "neither curl nor wget is on this host" if self._is_plain() else "this takes curl or GNU wget"

    def _if_newer(self) -> str:
        """Shell that adds the header to both programs' files; a host whose `date` cannot say it asks for everything."""
        if self.newer_than is None:
            return ""
        date = f"date -u -r {shlex.quote(self.newer_than)} '+%a, %d %b %Y %H:%M:%S GMT'"
        return (
            f"if since=$(LC_ALL=C {date} 2>/dev/null); then\n"
            '  printf \'header = "If-Modified-Since: %s"\\n\' "$since" >>"$d/curl"\n'
            '  printf "header = If-Modified-Since: %s\\n" "$since" >>"$d/wget"\nfi\n'
        )

    def _curl(self) -> str:
        options = {"url": self.url, "user-agent": AGENT}
        limits = {"connect-timeout": self.timeout, "speed-limit": 1, "speed-time": self.timeout}
        options |= {
            name: str(value) for name, value in (limits if self.patient else {"max-time": self.timeout}).items()
        }
        if self.user is not None:
            options["user"] = f"{self.user}:{self.password or ''}"
        if self.unix_socket is not None:
            options["unix-socket"] = self.unix_socket
        if self.method != "HEAD":
            options["request"] = self.method
        flags = ["silent", "show-error", *(["location"] if self.follow else [])]
        flags += [*(["head"] if self.method == "HEAD" else []), *([] if self.validate_certs else ["insecure"])]
        lines = [f"{name} = {_quoted(value)}" for name, value in options.items()]
        lines += [f"header = {_quoted(f'{name}: {value}')}" for name, value in self.headers.items()]
        return "".join(f"{line}\n" for line in [*flags, *lines])

    def _curl_body(self) -> str:
        return "" if self.body is None else ' --data-binary @"$d/body"'

    def _wget(self) -> str:
        options = {
            "timeout": str(self.timeout), "tries": "1", "user_agent": AGENT, "server_response": "on", "verbose": "off",
            "http_keep_alive": "off",  # else the request after a redirect may go into a connection that is being closed
            "content_on_error": "on", "max_redirect": "20" if self.follow else "0",
            "check_certificate": "on" if self.validate_certs else "off",
        }  # fmt: skip
        if self.user is not None:
            options |= {"user": self.user, "password": self.password or "", "auth_no_challenge": "on"}
        lines = [f"{name} = {value}" for name, value in options.items()]
        lines += [f"header = {name}: {value}" for name, value in self.headers.items()]
        return "".join(f"{line}\n" for line in lines)

    def _wget_body(self) -> str:
        body = "" if self.body is None else ' --body-file="$d/body"'
        return f" --method={shlex.quote(self.method)}{body} {shlex.quote(self.url)}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The last answer to a request; status -1 and a message if there was none."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    message: str = ""  # "OK", "Not Found", or why there was no answer
    redirects: tuple[str, ...] = ()  # where they led

    @property
    def said(self) -> str:
        """The answer in Ansible's words."""
        if self.status == -1:
            return f"Request failed: {self.message}"
        if self.status >= 400:
            return f"HTTP Error {self.status}: {self.message}"
        return f"OK ({self.headers.get('content-length', 'unknown')} bytes)"


def read_head(head: str, errors: str) -> Answer:
    """An answer from the lines of its head, of which redirects have one each, and what the program said."""
    message = " ".join(line for line in errors.splitlines() if line.strip() and not line.startswith("  "))
    status, headers, redirects = -1, dict[str, str](), list[str]()
    message = message.removeprefix("curl: ").strip()
    for line in head.splitlines():
        if found := _STATUS.fullmatch(line.rstrip()):
            redirects += [headers["location"]] if "location" in headers and 300 <= status < 400 else []
            status, message, headers = int(found[1]), found[2], {}
        elif ":" in line:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
    return Answer(status=status, headers=headers, message=message, redirects=tuple(redirects))


def check_url(url: str) -> None:
    """Raise ArgumentRefusedError for what is no URL that a request can be made of."""
    if not re.fullmatch(r"(https?|ftp)://[^\s]+", url):
        raise ArgumentRefusedError(f"url: {url!r} is no URL", hint="it begins with https://, http:// or ftp://")


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise ArgumentRefusedError for a header that would be two."""
    for name, value in headers.items():
        if re.search(r"[\r\n]", f"{name}{value}") or ":" in name:
            raise ArgumentRefusedError(f"headers: {name!r} is no header", hint="write one line, `Name: value`")


def _quoted(text: str) -> str:
    """A value as curl's configuration writes it."""
    return json.dumps(text, ensure_ascii=False)
