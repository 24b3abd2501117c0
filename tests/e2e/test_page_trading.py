"""The trader's page in a real browser: what is traded is seen, what is clicked is done."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page.browser import opened_page, running_browser
from tests.support.page.venue import PageVenue, running_page_venue


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this module."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """One venue for the tests of this module, each with accounts of its own."""
    with running_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def alice(venue: PageVenue, browser: Browser) -> Iterator[Page]:
    """Alice at her desk."""
    with opened_page(browser, f"{venue.url}/?account=alice&symbol=BTC-USDT") as page:
        expect(page.locator(".foot .phase")).to_contain_text("Live")
        yield page


def test_an_order_from_the_ticket_fills_and_is_seen_everywhere(
    venue: PageVenue, alice: Page
) -> None:
    """A price from the book, a size, one press: tape, fills, balances and orders follow."""
    venue.order("bob", "sell", "0.5", "60000.00")
    level = alice.locator(".book tr.ask button", has_text="60,000.00")
    level.click()
    expect(alice.get_by_label("Price", exact=True)).to_have_value("60000.00")
    alice.get_by_label("Size", exact=True).fill("0.8")
    expect(alice.locator(".summary")).to_contain_text("48,000 USDT")
    alice.get_by_role("button", name="Buy BTC").click()

    expect(alice.locator(".tape tr.mine .price")).to_have_text("60,000.00")
    orders = alice.locator(".work tbody tr")
    expect(orders).to_have_count(1)
    expect(orders).to_contain_text("62.5 %")
    alice.get_by_role("button", name="Fills").click()
    expect(alice.locator(".work tbody tr")).to_contain_text("Taker")
    alice.get_by_role("button", name="Balances").click()
    expect(alice.locator(".work tr", has_text="BTC")).to_contain_text("0.50000000")
    expect(alice.locator(".foot")).to_contain_text("book verified")
