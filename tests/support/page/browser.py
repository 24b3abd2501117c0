"""Chromium for tests of the pages: found on this machine, started once, watched for errors."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

# The first has no window of a browser around its pages, which saves a third of the processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Recent versions draw the suggestions of the address bar with two pages of their own. Each window
# loads both, which costs more processor time than a page of the venue.
ADDRESS_BAR = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "PreloadTopChromeWebUI",
)  # fmt: skip
# What Playwright switches off, because this list replaces the list of Playwright.
SERVICES = (
    "AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)  # fmt: skip
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--in-process-gpu", "--renderer-process-limit=1",
    "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    f"--disable-features={','.join((*SERVICES, *ADDRESS_BAR))}",
)  # fmt: skip
MISSING = "no Chromium on this machine; on Debian: apt-get install chromium-headless-shell"
DESKTOP = (1440, 900)
PHONE = (390, 844)
TIMEOUT_MS = 20_000

Scheme = Literal["dark", "light"]

expect.set_options(timeout=TIMEOUT_MS)


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
        pytest.skip(MISSING)
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
    scheme: Scheme = "dark",
    scale: float = 1,
    quiet: bool = True,
) -> Iterator[Page]:
    """A page in a profile of its own. With `quiet` an error on its console fails the test.

    An error that the page does not catch fails every test.
    """
    width, height = size
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": height}, "color_scheme": scheme,
        "has_touch": size == PHONE, "device_scale_factor": scale,
        "reduced_motion": "reduce",
    }  # fmt: skip
    context = browser.new_context(**options)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    uncaught: list[str] = []
    logged: list[str] = []
    page.on("pageerror", lambda error: uncaught.append(str(error)))
    page.on("console", lambda message: logged.append(message.text) if is_fault(message) else None)
    try:
        page.goto(url)
        yield page
    finally:
        context.close()
    assert not uncaught, "\n".join(uncaught)
    assert not (quiet and logged), "\n".join(logged)


def is_fault(message: ConsoleMessage) -> bool:
    """Whether a message on the console tells of a fault of the page.

    Chromium logs every answer that refuses something, too; the page says those itself.
    """
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@contextmanager
def trader_at(
    browser: Browser, url: str, account: str, *, symbol: str = "BTC-USDT", **options: Any
) -> Iterator[Page]:
    """The trader's page of an account at an open venue, once it is live."""
    with opened_page(browser, f"{url}/?account={account}&symbol={symbol}", **options) as page:
        expect(page.locator(".foot .phase")).to_contain_text("Live")
        expect(page.locator(".account")).to_have_text(account)
        yield page
