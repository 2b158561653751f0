"""Users, while hosts are switched and fail: somebody who asks for every page, again and again."""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field

PERIOD = 0.2  # seconds between two requests for a page
PATIENCE = 2.0  # seconds that a user waits


@dataclass
class Polls:
    """Requests while it is entered, and how many of them failed."""

    urls: Sequence[str]
    asked: int = 0
    failed: int = 0
    _end: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Polls:
        self._threads = [threading.Thread(target=self._poll, args=(url,), daemon=True) for url in self.urls]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, url: str) -> None:
        while not self._end.wait(PERIOD):
            answered = _answers(url)
            with self._lock:
                self.asked += 1
                self.failed += not answered

    def __str__(self) -> str:
        return f"{self.failed} of {self.asked}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            answer.read()
            return True
    except urllib.error.HTTPError as refused:
        refused.close()
        return False
    except (OSError, ValueError, http.client.HTTPException):
        return False
