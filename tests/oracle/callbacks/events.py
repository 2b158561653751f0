"""Ansible's own events as lines of JSON: which task ended how on which host, and the counts at the end."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-not-found]


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "events"

    def _write(self, **words: Any) -> None:
        with open(os.environ["EVENTS"], "a") as file:
            file.write(json.dumps(words) + "\n")

    def _ended(self, result: Any, status: str) -> None:
        self._write(host=result._host.get_name(), task=result._task.get_name(), status=status)

    def v2_runner_on_ok(self, result: Any) -> None:
        if result._task.action.split(".")[-1] != "include_tasks":
            self._ended(result, "changed" if result._result.get("changed") else "ok")

    def v2_playbook_on_include(self, included_file: Any) -> None:
        for host in included_file._hosts:
            self._write(host=host.get_name(), task=included_file._task.get_name(), status="ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        if result._task.action.split(".")[-1] != "meta":
            self._ended(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._ended(result, "ignored" if result._task.ignore_unreachable else "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._write(counts={host: stats.summarize(host) for host in sorted(stats.processed)})
