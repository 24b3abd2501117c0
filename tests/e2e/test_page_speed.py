"""The page under a busy feed: nothing is lost, and what it costs is printed.

How fast a machine paints is not asserted here; `make bench-page` prints the figures that count.
"""

import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page.browser import opened_page, running_browser
from tests.support.running.processes import free_port, running_gateway

MESSAGES_PER_S = int(os.environ.get("PAGE_MESSAGES_PER_S", "5000"))
DURATION_S = float(os.environ.get("PAGE_SPEED_S", "4"))
# A page that kept what it paints would grow by more than this in a few seconds.
HEAP_GROWTH_BYTES_MAX = 40_000_000
COUNT_FRAMES = """() => {
  window.frames_s = [];
  let last = performance.now();
  const count = (now) => { frames_s.push(now - last); last = now; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this module."""
    with running_browser() as running:
        yield running


@contextmanager
def busy_feed(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the feed there until the block ends."""
    command = [sys.executable, "-m", "benchmarks.busy_feed", str(port)]
    with (folder / "busy-feed.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(MESSAGES_PER_S), str(DURATION_S)],
            cwd=Path(__file__).parents[2],
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def metrics(page: Page, session: Any) -> dict[str, float]:
    """What Chromium counts of the page: seconds of script, of all tasks, bytes of heap."""
    session.send("HeapProfiler.collectGarbage")
    found = session.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in found}


def test_a_busy_feed_is_shown_without_a_loss(
    redis_url: str, tmp_path: Path, browser: Browser
) -> None:
    """Every message is taken in order, the book stays proven, and memory does not grow."""
    port = free_port()
    with (
        busy_feed(tmp_path, port) as feed,
        running_gateway(redis_url, tmp_path, {"TAPEWIRE_GATEWAY_FEED_URL": f":{port}"}) as gateway,
        # The busy feed has no REST, so the page logs that it cannot read the last 24 hours.
        opened_page(browser, "about:blank", quiet=False) as page,
    ):
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(f"{gateway.url}/?symbol=BTC-USDT")
        expect(page.locator(".foot")).to_contain_text("book verified")
        before = metrics(page, session)
        page.evaluate(COUNT_FRAMES)
        feed.send_signal(signal.SIGUSR1)
        trades = int(MESSAGES_PER_S * DURATION_S / 2)
        expect(page.locator(".foot .seq")).to_have_text(
            f"seq {trades:,}", timeout=(DURATION_S + 30) * 1000
        )
        after = metrics(page, session)
        expect(page.locator(".foot")).to_contain_text("book verified")
        page.get_by_role("button", name="Details").click()
        details = page.locator("#connection").inner_text()
        frames_ms: list[float] = page.evaluate("frames_s")
    assert "Trades missed\t0" in details
    assert "Book checksums that did not\t0" in details
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < HEAP_GROWTH_BYTES_MAX
    report(before, after, frames_ms)


def report(before: dict[str, float], after: dict[str, float], frames_ms: list[float]) -> None:
    """Print what was measured."""
    lasted_s = after["Timestamp"] - before["Timestamp"]
    share = {
        name: 100 * (after[name] - before[name]) / lasted_s
        for name in ("ScriptDuration", "LayoutDuration", "TaskDuration")
    }
    rate = len(frames_ms) / (sum(frames_ms) / 1000)
    slowest = statistics.quantiles(frames_ms, n=100)[98]
    growth = (after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / 1e6
    sys.stdout.write(
        f"\n{MESSAGES_PER_S} messages/s for {DURATION_S:g} s: {rate:.0f} frames/s "
        f"(99 % within {slowest:.0f} ms), script {share['ScriptDuration']:.1f} %, "
        f"layout {share['LayoutDuration']:.1f} %, all tasks {share['TaskDuration']:.1f} %, "
        f"heap {after['JSHeapUsedSize'] / 1e6:.1f} MB ({growth:+.1f} MB)\n"
    )


def test_the_first_paint_is_early(redis_url: str, tmp_path: Path, browser: Browser) -> None:
    """The page paints before its chart is loaded; the times are printed."""
    with (
        running_gateway(redis_url, tmp_path) as gateway,
        opened_page(browser, gateway.url, quiet=False) as page,
    ):
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        files = "performance.getEntriesByType('resource')"
        chart = f"{files}.find(file => file.name.includes('lightweight'))?.startTime"
        page.wait_for_function(f"{paint} && {chart}")
        paint_ms, chart_ms = page.evaluate(f"[{paint}, {chart}]")
        sent = page.evaluate(f"{files}.reduce((sum, file) => sum + file.encodedBodySize, 0)")
    sys.stdout.write(f"\nfirst paint after {paint_ms:.0f} ms, {sent / 1000:.1f} kB in all\n")
    assert paint_ms <= chart_ms
