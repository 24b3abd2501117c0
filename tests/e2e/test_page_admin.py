"""The organiser's page: what an organiser does there, traders see at once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page.axe import findings
from tests.support.page.browser import (
    DESKTOP,
    PHONE,
    Scheme,
    opened_page,
    trader_at,
)
from tests.support.page.venue import PageVenue, running_page_venue


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """One open venue for the tests of this module, each with accounts of its own."""
    with running_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def organiser(venue: PageVenue, browser: Browser) -> Iterator[Page]:
    """The organiser's page; every market trades, and no order is open."""
    venue.mend()
    with opened_page(browser, f"{venue.url}/admin") as page:
        expect(page.get_by_role("row", name="BTC-USDT")).to_be_visible()
        yield page


def confirm(page: Page, name: str) -> None:
    """Press a button and the one that the page asks for then."""
    page.get_by_role("button", name=name, exact=True).click()
    page.locator("dialog[open]").get_by_role("button", name=name, exact=True).click()


def escape(page: Page) -> None:
    """Close the open dialog with the keyboard."""
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_halt_is_seen_on_the_page_of_a_trader(
    venue: PageVenue, organiser: Page, browser: Browser
) -> None:
    """One market, then all of them; the trader's banner follows without a reload."""
    with trader_at(browser, venue.url, "alice") as trader:
        row = organiser.get_by_role("row", name="BTC-USDT")
        row.get_by_role("button", name="Halted").click()
        expect(trader.locator(".banners")).to_contain_text("BTC-USDT is halted")
        row.get_by_role("button", name="Trading").click()
        expect(trader.locator(".banners")).to_be_empty()
        confirm(organiser, "Cancel-only all")
        expect(trader.locator(".banners")).to_contain_text("BTC-USDT takes cancels only")
        confirm(organiser, "Open all")
        expect(trader.locator(".banners")).to_be_empty()


def test_an_instrument_is_delisted(venue: PageVenue, organiser: Page) -> None:
    """The page asks first; then the market and its orders are gone."""
    body = {
        "symbol": "LEAVES-USDT", "base": "LEAVES", "quote": "USDT", "tick_size": "0.05",
        "lot_size": "1", "min_quantity": "1", "max_quantity": "1000",
    }  # fmt: skip
    venue.ask("POST", "/v1/admin/instruments", body=body)
    venue.order("alice", "buy", "1", "10.00", symbol="LEAVES-USDT")
    row = organiser.get_by_role("row", name="LEAVES-USDT")
    row.get_by_role("button", name="Delist LEAVES-USDT").click()
    organiser.locator("dialog[open]").get_by_role("button", name="Back").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Delist LEAVES-USDT").click()
    organiser.locator("dialog[open]").get_by_role("button", name="Delist", exact=True).click()
    expect(organiser.locator(".notices")).to_contain_text("1 orders were canceled")
    expect(row).to_have_count(0)
    assert venue.open_orders("alice") == []


def test_stopping_all_trading_cancels_every_order(
    venue: PageVenue, organiser: Page, browser: Browser
) -> None:
    """The page asks first; then no order is open, and resuming opens the markets."""
    venue.order("alice", "buy", "0.1", "50000.00")
    with trader_at(browser, venue.url, "alice") as trader:
        expect(trader.locator(".work tbody tr")).to_have_count(1)
        organiser.get_by_role("button", name="Stop all trading").click()
        organiser.locator("dialog[open]").get_by_role("button", name="Back").click()
        expect(trader.locator(".work tbody tr")).to_have_count(1)
        confirm(organiser, "Stop all trading")
        expect(trader.locator(".work .empty")).to_be_visible()
        expect(organiser.locator(".notices")).to_contain_text("1 orders were canceled")
        organiser.get_by_role("button", name="Resume trading").click()
        expect(trader.locator(".banners")).to_be_empty()


def test_accounts_are_added_funded_blocked_and_limited(venue: PageVenue, organiser: Page) -> None:
    """Twenty names in one line; each figure is as the venue has it."""
    organiser.get_by_role("button", name="Add accounts").click()
    dialog = organiser.locator("dialog[open]")
    dialog.get_by_label("Names").fill("team-[01-20]")
    dialog.get_by_label("Money").fill("USDT=2500.5")
    dialog.get_by_role("button", name="Add accounts").click()
    expect(dialog).to_contain_text("20 accounts are there.")
    dialog.get_by_role("button", name="Close").click()
    organiser.get_by_label("Search accounts").fill("team-07")
    expect(organiser.locator("section[aria-labelledby=accounts-title] tbody tr")).to_have_count(1)
    row = organiser.get_by_role("row", name="team-07")
    expect(row).to_contain_text("2,500.5 USDT")
    row.get_by_role("button", name="Money and limits").click()
    dialog.get_by_label("Amount", exact=True).fill("0.25")
    dialog.get_by_role("button", name="Deposit").click()
    expect(organiser.locator(".notices")).to_contain_text("2,500.75 USDT available")
    dialog.get_by_label("Largest order").fill("3")
    dialog.get_by_role("button", name="Save limits").click()
    expect(organiser.locator(".notices")).to_contain_text("Limits of team-07")
    dialog.get_by_role("button", name="Close").click()
    row.get_by_role("button", name="Block").click()
    expect(row).to_contain_text("Blocked")
    account = venue.ask("GET", "/v1/admin/accounts/team-07")
    assert account["state"] == "blocked"
    assert account["limits"][0]["order_quantity_max"] == "3.00000"


def test_axe_finds_nothing_serious(venue: PageVenue, browser: Browser) -> None:
    """On a desktop and a phone, dialogs included, in both schemes."""
    venue.order("anna", "buy", "0.1", "50000.00")
    looks: list[tuple[tuple[int, int], Scheme]] = [(DESKTOP, "dark"), (PHONE, "light")]
    for size, scheme in looks:
        with opened_page(browser, f"{venue.url}/admin", size=size, scheme=scheme) as page:
            expect(page.get_by_role("row", name="anna")).to_be_visible()
            assert findings(page) == []
            page.get_by_role("button", name="Add accounts").click()
            assert findings(page, "dialog[open]") == []
            escape(page)
            page.get_by_role("row", name="anna").get_by_role("button", name="Money").click()
            assert findings(page, "dialog[open]") == []
            escape(page)
            page.get_by_role("button", name="Halt all").click()
            assert findings(page, "dialog[open]") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_no_control_is_wider_than_its_card(venue: PageVenue, browser: Browser) -> None:
    """The fields and the button of a round can be reached on a phone."""
    with opened_page(browser, f"{venue.url}/admin", size=PHONE) as page:
        expect(page.get_by_role("row", name="BTC-USDT")).to_be_visible()
        for control in page.locator(".card:not(.wide-card) :is(input, select, button)").all():
            box = control.bounding_box()
            assert box is None or box["x"] + box["width"] <= PHONE[0], control


def test_a_gateway_that_is_away_is_told_and_comes_back(venue: PageVenue, organiser: Page) -> None:
    """The page says so in a sentence, and goes on by itself."""
    venue.gateway.stop()
    expect(organiser.locator(".banners")).to_contain_text("cannot be reached")
    venue.start_gateway(venue.gateway.port)
    expect(organiser.locator(".banners")).to_be_empty()
