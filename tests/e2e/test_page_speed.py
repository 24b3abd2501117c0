"""The page under a busy feed: nothing is lost, and what it costs is printed.

How fast a machine paints is not asserted here; `make bench-page` prints the figures that count.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tapewire.runtime.ports import free_port
from tests.support.page.bare_browser import opened_bare_page
from tests.support.running.processes import running_gateway

MESSAGES_PER_S = int(os.environ.get("PAGE_MESSAGES_PER_S", "5000"))
DURATION_S = float(os.environ.get("PAGE_SPEED_S", "2"))
# A page that kept what it paints would grow by more than this in a few seconds.
HEAP_GROWTH_BYTES_MAX = 40_000_000
COUNT_FRAMES = """{
  window.frames_ms = [];
  let last = performance.now();
  const count = (now) => { frames_ms.push(now - last); last = now; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


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


def text(selector: str) -> str:
    """An expression for the text of an element; empty while there is none."""
    return f"(document.querySelector({json.dumps(selector)})?.textContent ?? '')"


def test_a_busy_feed_is_shown_without_a_loss(redis_url: str, tmp_path: Path) -> None:
    """Every message is taken in order, the book stays proven, and memory does not grow."""
    port = free_port()
    trades = int(MESSAGES_PER_S * DURATION_S / 2)
    with (
        busy_feed(tmp_path, port) as feed,
        running_gateway(redis_url, tmp_path, {"TAPEWIRE_GATEWAY_FEED_URL": f":{port}"}) as gateway,
        opened_bare_page(tmp_path, f"{gateway.url}/?symbol=BTC-USDT") as page,
    ):
        verified = f"{text('.foot')}.includes('book verified')"
        page.wait_for(verified)
        before = page.metrics()
        page.evaluate(COUNT_FRAMES)
        feed.send_signal(signal.SIGUSR1)
        page.wait_for(f"{text('.foot .seq')} === 'seq {trades:,}'", DURATION_S + 60)
        after = page.metrics()
        page.wait_for(verified)
        rows = "document.querySelectorAll('#connection tr')"
        said = page.evaluate(
            f"Object.fromEntries([...{rows}].map(row => [...row.children].map(x => x.innerHTML)))"
        )
        frames_ms: list[float] = page.evaluate("frames_ms")
    assert said["Trades missed"] == "0"
    assert said["Book checksums that did not match"] == "0"
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < HEAP_GROWTH_BYTES_MAX
    report(before, after, frames_ms)


def report(before: dict[str, float], after: dict[str, float], frames_ms: list[float]) -> None:
    """Print what was measured."""
    lasted_s = after["Timestamp"] - before["Timestamp"]
    share = {
        name: 100 * (after[name] - before[name]) / lasted_s
        for name in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
    }
    rate = len(frames_ms) / (sum(frames_ms) / 1000)
    slowest = statistics.quantiles(frames_ms, n=100)[98]
    growth = (after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / 1e6
    sys.stdout.write(
        f"\n{MESSAGES_PER_S} messages/s for {DURATION_S:g} s: {rate:.0f} frames/s "
        f"(99 % within {slowest:.0f} ms), script {share['ScriptDuration']:.1f} %, "
        f"layout {share['LayoutDuration']:.1f} %, style {share['RecalcStyleDuration']:.1f} %, "
        f"all tasks {share['TaskDuration']:.1f} %, "
        f"heap {after['JSHeapUsedSize'] / 1e6:.1f} MB ({growth:+.1f} MB)\n"
    )


def test_the_first_paint_is_early(redis_url: str, tmp_path: Path) -> None:
    """The page paints before its chart is loaded; the times are printed."""
    files = "performance.getEntriesByType('resource')"
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    chart = f"{files}.find(file => file.name.includes('lightweight'))?.startTime"
    with (
        running_gateway(redis_url, tmp_path) as gateway,
        opened_bare_page(tmp_path, gateway.url) as page,
    ):
        page.wait_for(f"!!({paint} && {chart})")
        paint_ms, chart_ms = page.evaluate(f"[{paint}, {chart}]")
        sent = page.evaluate(f"{files}.reduce((sum, file) => sum + file.encodedBodySize, 0)")
    sys.stdout.write(f"\nfirst paint after {paint_ms:.0f} ms, {sent / 1000:.1f} kB in all\n")
    assert paint_ms <= chart_ms
