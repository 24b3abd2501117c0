"""Chromium for tests of the pages: found on this machine, started once, watched for errors."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP = (1440, 900)
PHONE = (390, 844)
TIMEOUT_MS = 15_000


def find_chromium() -> Path | None:
    """The browser of this machine; the variable CHROMIUM names another one."""
    named = os.environ.get("CHROMIUM")
    if named:
        return Path(named)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return None if found is None else Path(found)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run a headless Chromium until the block ends; skip the test where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, headless=True)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened_page(
    browser: Browser,
    url: str,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: str = "dark",
    quiet: bool = True,
) -> Iterator[Page]:
    """A page in a profile of its own. With `quiet` an error on its console fails the test."""
    width, height = size
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": height}, "color_scheme": scheme,
        "has_touch": size == PHONE,
    }  # fmt: skip
    context = browser.new_context(**options)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"uncaught: {error}"))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    try:
        page.goto(url)
        yield page
    finally:
        context.close()
    uncaught = [error for error in errors if quiet or error.startswith("uncaught")]
    assert not uncaught, "\n".join(uncaught)
