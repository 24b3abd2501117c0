"""The page for people with a keyboard, a screen reader, a phone, another scheme of colours."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.page.axe import AXE, findings
from tests.support.page.browser import DESKTOP, PHONE, trader_at
from tests.support.page.keyboard import Keyboard
from tests.support.page.venue import PageVenue, running_page_venue

# Buttons of the page, and what they open.
POPOVERS = {
    "Market: BTC-USDT": "#markets", "Account: alice": "#account", "Leaderboard": "#leaderboard",
    "Settings": "#settings", "Details": "#connection",
}  # fmt: skip


def test_axe_is_installed() -> None:
    """Without axe-core the other tests of the pages say nothing about its findings."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed; make page-types fetches it with npm")


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """A market with a book, trades, and orders of alice."""
    with running_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
        for index in range(1, 6):
            running.order("bob", "sell", f"0.{index}", f"6000{index}.00")
            running.order("bob", "buy", f"0.{index}", f"5999{index}.00")
        running.order("carol", "buy", "0.05", "60001.00")
        running.order("alice", "buy", "0.2", "59995.00")
        yield running


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(
    venue: PageVenue, browser: Browser, size: tuple[int, int]
) -> None:
    """Every panel and every popover, in both schemes, on both sizes."""
    with trader_at(browser, venue.url, "alice", size=size) as page:
        expect(page.locator(".book tr.mine")).to_have_count(1)
        assert findings(page, other="light") == []
        if size == PHONE:
            for tab in ("Chart", "Trades", "Orders"):
                page.locator(".phone-bar").get_by_role("button", name=tab).click()
                assert findings(page, other="light") == [], tab
            page.locator(".phone-bar").get_by_role("button", name="Buy").click()
            assert findings(page, other="light") == []
            return
        page.locator("button.place").click()
        expect(page.locator("#ticket-price-error")).to_be_visible()
        page.locator("details summary").click()
        page.locator(".book").get_by_role("button", name="Ladder").click()
        expect(page.locator(".book table.ladder:not(.loading) tr.best").first).to_be_visible()
        assert findings(page, other="light") == []
        page.get_by_role("button", name="P&L").click()
        expect(page.locator(".work .figures")).to_be_visible()
        for name, popover in POPOVERS.items():
            page.get_by_role("button", name=name, exact=True).click()
            assert findings(page, popover, other="light") == [], name
            page.keyboard.press("Escape")


def test_a_trade_is_made_by_keyboard_alone(venue: PageVenue, browser: Browser) -> None:
    """From the price in the book to the order, its change and its cancel, without a mouse."""
    with trader_at(browser, venue.url, "dora") as page:
        expect(page.locator(".book tr.ask.best")).to_be_visible()
        keys = Keyboard(page)
        keys.focus(".book tbody button[tabindex='0']")
        page.keyboard.press("Home")
        for _ in range(60):
            if page.evaluate("document.activeElement.closest('tr').matches('.ask.best')"):
                break
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Price", exact=True)).to_have_value("60001.00")
        page.keyboard.press("b")
        expect(page.get_by_label("Price", exact=True)).to_be_focused()
        page.keyboard.press("PageDown")
        page.keyboard.press("ArrowUp")
        expect(page.get_by_label("Price", exact=True)).to_have_value("60000.91")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Size", exact=True)).to_be_focused()
        page.keyboard.type("0.1")
        page.keyboard.press("Enter")
        expect(page.locator(".work tbody tr")).to_contain_text("60,000.91")
        keys.press(".work tbody button")
        expect(page.get_by_label("New price")).to_be_focused()
        page.keyboard.type("59000.00")
        page.keyboard.press("Enter")
        expect(page.locator(".work tbody tr")).to_contain_text("59,000.00")
        keys.press(".work tbody button.danger")
        expect(page.locator(".work .empty")).to_be_visible()


def test_trading_keys_are_off_until_armed(venue: PageVenue, browser: Browser) -> None:
    """No key trades by accident, and none while something is typed."""
    with trader_at(browser, venue.url, "emil") as page:
        page.get_by_label("Size", exact=True).fill("0.01")
        page.locator(".tape .rows").focus()
        page.keyboard.press("Shift+B")
        expect(page.locator(".notices li")).to_have_count(0)
        page.keyboard.press("?")
        page.get_by_label("Arm").check()
        page.keyboard.press("Escape")
        page.get_by_label("Size", exact=True).focus()
        page.keyboard.press("Shift+B")
        expect(page.get_by_label("Size", exact=True)).to_have_value("0.01B")
        page.get_by_label("Size", exact=True).fill("0.01")
        page.locator(".tape .rows").focus()
        page.keyboard.press("Shift+B")
        expect(page.locator(".notices")).to_contain_text("Bought 0.01 BTC at 60,001.00")
        page.reload()
        page.get_by_role("button", name="Settings").click()
        expect(page.get_by_label("Arm")).not_to_be_checked()


def test_what_moves_can_be_paused(venue: PageVenue, browser: Browser) -> None:
    """Paused, the tape stands still; resumed, it shows what is new."""
    with trader_at(browser, venue.url, "alice") as page:
        newest = page.locator(".tape td.price").first
        expect(newest).to_have_text("60,001.00")
        seq = page.locator(".foot .seq")
        before = seq.inner_text()
        page.keyboard.press("p")
        expect(page.get_by_role("button", name="Pause updates")).to_have_attribute(
            "aria-pressed", "true"
        )
        venue.order("carol", "sell", "0.01", "59995.00")
        expect(seq).not_to_have_text(before)
        expect(newest).to_have_text("60,001.00")
        page.keyboard.press("p")
        expect(newest).to_have_text("59,995.00")


def test_nothing_is_wider_than_a_phone(venue: PageVenue, browser: Browser) -> None:
    """No tab scrolls sideways at 390 pixels, and buttons are large enough for a thumb."""
    with trader_at(browser, venue.url, "alice", size=PHONE) as page:
        for tab in ("Book", "Chart", "Trades", "Orders"):
            page.locator(".phone-bar").get_by_role("button", name=tab).click()
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE[0], tab
        for button in page.locator(".phone-bar button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
