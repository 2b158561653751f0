"""`uri`: ask a web service, from the host. How the request is made is `_http`'s to say."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode, urljoin

from deployer.frozen import dataclass
from deployer.model.action import Action, Outcome, Script
from deployer.modules._guards import did_not_run, guard_facts, reason
from deployer.modules._http import ANSWER_LIMIT, Answer, Request, check_headers, check_url, read_head
from deployer.modules._refusals import ArgumentRefusedError
from deployer.modules.registry import module
from deployer.protocols import Fact, Facts

_TELL = (
    'printf "%s\\n" "$rc"; for f in errors head answer; do '
    f'if [ -f "$d/$f" ]; then head -c {ANSWER_LIMIT} "$d/$f" | base64 | tr -d "\\n"; fi; echo; done\n'
)


@module("uri")
@dataclass(frozen=True, kw_only=True)
class Uri:
    """Ask a web service from the host, with its curl or GNU wget; the task is *ok*, never *changed*.

    `register` gives `status`, `content` (with `return_content`), `json`, `msg`, `url`, `redirected`, and the answer's
    headers with `_` for `-`: `content_type`. With `until: answer.status == 200` it waits for a service.

    Examples:
        - name: The shop answers
          uri:
            url: http://127.0.0.1:8000/healthz
            return_content: true
          register: answer
          until: answer.status == 200
          retries: 5
          delay: 2
    """

    always_acts: ClassVar[bool] = True

    url: str  # https://…, http://…
    method: str = "GET"  # in capitals
    status_code: tuple[int, ...] = (200,)  # every other status fails the task; -1 is no answer at all
    return_content: bool = False  # register the answer's text as `content`
    body: Any = None  # text, or a value for `body_format`
    body_format: Literal["raw", "json", "form-urlencoded"] = "raw"  # how a body that is no text is written
    headers: Mapping[str, Any] = field(default_factory=dict)  # name to value
    url_username: str | None = None  # for basic authentication, which is sent at once
    url_password: str | None = None  # for basic authentication
    force_basic_auth: bool = True  # either way it is sent at once
    validate_certs: bool = True  # false: believe any certificate
    follow_redirects: Literal["safe", "all", "none", "yes", "no"] = "safe"  # safe: for GET and HEAD alone
    timeout: int = 30  # seconds
    unix_socket: str | None = None  # path of a socket to ask through
    creates: str | None = None  # not asked if this path exists
    removes: str | None = None  # not asked unless this path exists

    aliases: ClassVar[Mapping[str, str]] = {"user": "url_username", "password": "url_password"}

    def __post_init__(self) -> None:
        check_url(self.url)
        check_headers(self._headers())
        if not self.method.isalpha():
            raise ArgumentRefusedError(f"method: {self.method!r} is none", hint="such as GET or POST")
        if self.body is not None and self.body_format == "raw" and not isinstance(self.body, str):
            raise ArgumentRefusedError("body is no text", hint="say how to write it: body_format: json")

    def facts(self) -> tuple[Fact[Any], ...]:
        return guard_facts(None, self.creates, self.removes)

    def plan(self, seen: Facts) -> Iterator[Action]:
        why = reason(seen, chdir=None, creates=self.creates, removes=self.removes)
        if why is not None:
            yield Script(
                text=self._request().script() + _TELL, label=f"{self._method()} {self.url}", changes=False,
                answers=True, timeout=self.timeout + 60, because="the answer is asked for",
            )  # fmt: skip

    def returns(self, seen: Facts, done: Sequence[Outcome]) -> Mapping[str, Any]:
        """The answer; the task has failed if its status is none of those that are expected."""
        if not done:
            return did_not_run(seen, chdir=None, creates=self.creates, removes=self.removes)
        if done[-1].status != 0:
            return {}
        answer, content = _read(done[-1].output)
        values = {**_values(answer, self.url), **_decoded(answer, content)}
        failed = answer.status not in self.status_code
        if failed:
            values["msg"] = f"Status code was {answer.status} and not {list(self.status_code)}: {answer.said}"
        return {**values, "failed": failed, **({"content": _text(content)} if self.return_content else {})}

    def _request(self) -> Request:
        follow = {"safe": self._method() in ("GET", "HEAD"), "all": True, "yes": True}.get(self.follow_redirects, False)
        return Request(
            url=self.url, method=self._method(), headers=self._headers(), body=self._body(), user=self.url_username,
            password=self.url_password, validate_certs=self.validate_certs, timeout=self.timeout, follow=follow,
            unix_socket=self.unix_socket,
        )  # fmt: skip

    def _method(self) -> str:
        return self.method.upper()

    def _headers(self) -> dict[str, str]:
        types = {"json": "application/json", "form-urlencoded": "application/x-www-form-urlencoded"}
        own = {name: str(value) for name, value in self.headers.items()}
        if self.body_format in types and "content-type" not in {name.lower() for name in own}:
            own["Content-Type"] = types[self.body_format]
        return own

    def _body(self) -> bytes | None:
        if self.body is None or isinstance(self.body, str):
            return None if self.body is None else self.body.encode(errors="surrogateescape")
        if self.body_format == "json":
            return json.dumps(self.body).encode()
        return urlencode(self.body, doseq=True).encode()


def _read(output: str) -> tuple[Answer, bytes]:
    _status, errors, head, body = [*output.split("\n"), *[""] * 4][:4]
    texts = [base64.b64decode(one).decode(errors="replace") for one in (head, errors)]
    return read_head(*texts), base64.b64decode(body)


def _values(answer: Answer, url: str) -> dict[str, Any]:
    end = url
    for target in answer.redirects:
        end = urljoin(end, target)
    headers = {name.replace("-", "_"): value for name, value in answer.headers.items()}
    return {**headers, "status": answer.status, "msg": answer.said, "url": end, "redirected": end != url}


def _decoded(answer: Answer, content: bytes) -> dict[str, Any]:
    """The answer as `json`, if it says that it is some."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind.endswith(("/json", "+json", "/javascript"))):
        return {}
    try:
        return {"json": json.loads(content)}
    except ValueError:
        return {}


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
