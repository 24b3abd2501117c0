"""An answer or a frame that comes late changes nothing that belongs to somebody else by then."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page.browser import PHONE, trader_at
from tests.support.page.held_answers import HeldAnswers, paint_frames
from tests.support.page.strict_chart import LIBRARY, watch_use
from tests.support.page.venue import PageVenue, running_page_venue


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """Two markets that have traded, each at its own price."""
    with running_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
        for symbol, price in (("BTC-USDT", "60000.00"), ("ETH-USDT", "3000.00")):
            running.order("bob", "sell", "0.5", price, symbol=symbol)
            running.order("carol", "buy", "0.5", price, symbol=symbol)
        yield running


def open_tab(page: Page, name: str) -> None:
    """Choose a panel on a phone; the former panel is gone then."""
    page.locator(".phone-bar").get_by_role("button", name=name).click()
    expect(page.locator(".phone-bar [aria-current=page]")).to_have_text(name)


def test_a_chart_that_is_closed_is_left_alone(venue: PageVenue, browser: Browser) -> None:
    """Neither candles that come later nor a frame that waits touch it: the library would throw."""
    with trader_at(browser, venue.url, "alice", size=PHONE) as page:
        page.route(LIBRARY, watch_use)
        held = HeldAnswers(page, "/v1/candles/")
        open_tab(page, "Chart")
        held.wait()
        open_tab(page, "Orders")
        held.release()
        # Paused, the chart waits for its frame with candles that it has.
        page.keyboard.press("p")
        held = HeldAnswers(page, "/v1/candles/")
        open_tab(page, "Chart")
        held.wait()
        held.release()
        open_tab(page, "Orders")
        page.keyboard.press("p")
        paint_frames(page)
