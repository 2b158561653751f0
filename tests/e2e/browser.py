"""The example project's page as a browser sees it, cookie and token included."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import requests

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Guestbook:
    """The guest book of one web host, on port 8000."""

    address: str
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self.session.trust_env = False  # lab hosts are on this machine: no proxy

    def read(self, path: str = "") -> str:
        answer = self.session.get(f"http://{self.address}:8000/{path}", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.text.strip()

    def write(self, text: str, attachment: tuple[str, bytes] | None = None) -> None:
        """Fill in the form and send it, as a person would."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.read())
        assert token, "the page shows no form"
        fields = {"csrfmiddlewaretoken": token[1], "name": "visitor", "text": text}
        files = {"attachment": attachment} if attachment else None
        url = f"http://{self.address}:8000/entries"
        self.session.post(url, data=fields, files=files, timeout=TIMEOUT).raise_for_status()

    def entries(self) -> list[dict[str, Any]]:
        answer = self.session.get(f"http://{self.address}:8000/entries.json", timeout=TIMEOUT)
        found: list[dict[str, Any]] = answer.json()["entries"]
        return found

    def texts(self) -> list[str]:
        return [entry["text"] for entry in self.entries()]
