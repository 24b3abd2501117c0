"""A page of Chromium without a driver that listens to its network, for measuring what it costs.

Playwright has every WebSocket frame sent to itself. At thousands of frames a second that costs more
than the page does.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.page.browser import DESKTOP, FLAGS, MISSING, find_chromium
from tests.support.running.process_table import members_of
from tests.support.wait import wait_for

ANSWER_TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0
MESSAGE_BYTES_MAX = 64_000_000


class BarePage:
    """One page, asked over the DevTools protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        """Use `opened_bare_page` instead."""
        self._connection = connection
        self._requests = 0

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser; events are passed over. Raises AssertionError for a refusal."""
        self._requests += 1
        message = {"id": self._requests, "method": method, "params": params}
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv(ANSWER_TIMEOUT_S))
            if answer.get("id") == self._requests:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of the page. Raises AssertionError if it throws."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression: str, timeout_s: float = 30.0) -> None:
        """Wait until an expression is true. Raises AssertionError if late."""
        wait_for(lambda: self.evaluate(expression), expression, timeout_s)

    def metrics(self) -> dict[str, float]:
        """What Chromium counts of the page: seconds of script, of all tasks, bytes of heap."""
        self.ask("HeapProfiler.collectGarbage")
        return {
            each["name"]: each["value"] for each in self.ask("Performance.getMetrics")["metrics"]
        }


@contextmanager
def opened_bare_page(folder: Path, url: str) -> Iterator[BarePage]:
    """Run a browser with this page until the block ends; skip the test where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    width, height = DESKTOP
    command = [
        str(path), *FLAGS, "--headless=new", "--remote-debugging-port=0",
        f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}", "about:blank",
    ]  # fmt: skip
    with (folder / "chromium.log").open("wb") as log:
        # The command may be a script that starts the browser: what ends is the session of both.
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        with connect(_page_address(folder / "profile"), max_size=MESSAGE_BYTES_MAX) as connection:
            page = BarePage(connection)
            page.ask("Performance.enable")
            page.ask("Page.navigate", url=url)
            yield page
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(END_TIMEOUT_S)
        wait_for(lambda: _has_ended(process.pid), "the browser ends", END_TIMEOUT_S)


def _has_ended(group: int) -> bool:
    """Whether a group of processes has no living member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    # On Linux the process that began the run becomes the parent of orphans (`leftovers.py`), and
    # does not read their exit status: they stay members, as zombies.
    return sys.platform == "linux" and not members_of(group)


def _page_address(profile: Path) -> str:
    """Where the DevTools protocol of the only page is."""
    port_file = profile / "DevToolsActivePort"
    wait_for(lambda: port_file.is_file() and port_file.read_text("utf-8").count("\n"), "a browser")
    port = port_file.read_text("utf-8").splitlines()[0]

    def pages() -> list[str]:
        targets = httpx.get(f"http://127.0.0.1:{port}/json/list", timeout=10).json()
        return [each["webSocketDebuggerUrl"] for each in targets if each["type"] == "page"]

    wait_for(pages, "a page")
    return pages()[0]
