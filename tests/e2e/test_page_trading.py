"""The trader's page in a real browser: what is traded is seen, what is clicked is done."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page.browser import trader_at
from tests.support.page.venue import PageVenue, running_page_venue


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """One venue for the tests of this module, each with accounts of its own."""
    with running_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def alice(venue: PageVenue, browser: Browser) -> Iterator[Page]:
    """Alice at her desk, with an empty book."""
    venue.cancel_all("alice", "bob")
    with trader_at(browser, venue.url, "alice") as page:
        yield page


def test_an_order_from_the_ticket_fills_and_is_seen_everywhere(
    venue: PageVenue, alice: Page
) -> None:
    """A price from the book, a size, one press: tape, fills, balances and orders follow."""
    venue.order("bob", "sell", "0.5", "60000.00")
    alice.locator(".book tr.ask button", has_text="60,000.00").click()
    expect(alice.get_by_label("Price", exact=True)).to_have_value("60000.00")
    alice.get_by_label("Size", exact=True).fill("0.8")
    expect(alice.locator(".summary")).to_contain_text("48,000 USDT")
    alice.get_by_role("button", name="Buy BTC").click()

    expect(alice.locator(".tape tr.mine .price")).to_have_text("60,000.00")
    rows = alice.locator(".work tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("62.5 %")
    alice.get_by_role("button", name="Fills").click()
    expect(rows).to_contain_text("Taker")
    alice.get_by_role("button", name="Balances").click()
    expect(alice.locator(".work tr", has_text="BTC")).to_contain_text("20,000,000.50000000")
    expect(alice.locator(".foot")).to_contain_text("book verified")


def test_a_click_on_a_size_fills_the_size_up_to_there(venue: PageVenue, alice: Page) -> None:
    """The second level brings the sum of both, and its price."""
    venue.order("bob", "sell", "0.2", "60000.00")
    venue.order("bob", "sell", "0.3", "60001.00")
    alice.locator(".book tr.ask", has_text="60,001.00").locator("td.size").click()
    expect(alice.get_by_label("Size", exact=True)).to_have_value("0.5")
    expect(alice.get_by_label("Price", exact=True)).to_have_value("60001.00")


def test_orders_are_changed_and_canceled_in_place(alice: Page) -> None:
    """A new price and size are sent from the row; a cancel takes the order out of the book."""
    alice.get_by_label("Price", exact=True).fill("50000")
    alice.get_by_label("Size", exact=True).fill("0.1")
    alice.get_by_role("button", name="Buy BTC").click()
    row = alice.locator(".work tbody tr")
    expect(row).to_contain_text("50,000.00")
    expect(alice.locator(".book tr.bid.mine")).to_contain_text("◆ 0.1")
    row.get_by_role("button", name="Change").click()
    alice.get_by_label("New price").fill("50001.00")
    alice.get_by_label("New size").fill("0.2")
    alice.get_by_label("New size").press("Enter")
    expect(row).to_contain_text("50,001.00")
    expect(alice.locator(".book tr.bid.mine")).to_contain_text("◆ 0.2")
    row.get_by_role("button", name="Cancel").click()
    expect(alice.locator(".work .empty")).to_contain_text("No open orders")
    expect(alice.locator(".book tr.bid.mine")).to_have_count(0)


def test_all_orders_are_canceled_at_once(venue: PageVenue, alice: Page) -> None:
    """One press ends what other programs of the account placed too."""
    for price in ("50000.00", "50001.00"):
        venue.order("alice", "buy", "0.1", price)
    expect(alice.locator(".work tbody tr")).to_have_count(2)
    alice.get_by_role("button", name="Cancel all").click()
    expect(alice.locator(".work .empty")).to_contain_text("No open orders")


def test_a_double_click_buys_once(venue: PageVenue, alice: Page) -> None:
    """The second click of a double click is no second order."""
    alice.get_by_label("Price", exact=True).fill("50000")
    alice.get_by_label("Size", exact=True).fill("0.1")
    alice.get_by_role("button", name="Buy BTC").dblclick()
    expect(alice.locator(".work tbody tr")).to_have_count(1)
    assert len(venue.open_orders("alice")) == 1


def test_a_refusal_stands_beside_its_field(alice: Page) -> None:
    """The page's own check and the venue's sentence both say which field is wrong."""
    price = alice.get_by_label("Price", exact=True)
    price.fill("60000.001")
    alice.get_by_label("Size", exact=True).fill("0.1")
    alice.get_by_role("button", name="Buy BTC").click()
    error = alice.locator("#ticket-price-error")
    expect(error).to_have_text("A price is a multiple of 0.01.")
    price.fill("99999999999.00")
    expect(error).to_have_count(0)
    alice.get_by_role("button", name="Buy BTC").click()
    expect(error).to_contain_text("price")
    assert price.get_attribute("aria-invalid") == "true"


def test_every_kind_of_order_can_be_sent(venue: PageVenue, alice: Page) -> None:
    """Market by amount, stop, stop limit, iceberg and post-only until a date arrive as meant."""
    venue.order("bob", "sell", "1", "60000.00")
    venue.order("bob", "buy", "1", "59000.00")
    ticket, place = alice.locator(".ticket"), alice.locator("button.place")
    ticket.get_by_role("button", name="Market").click()
    ticket.get_by_role("button", name="in USDT").click()
    ticket.get_by_label("Amount").fill("600")
    expect(alice.locator(".summary")).to_contain_text("≈ 60,000.00 USDT")
    place.click()
    alice.get_by_role("button", name="Fills").click()
    expect(alice.locator(".work tbody tr").first).to_contain_text("0.01")
    alice.get_by_role("button", name="Open orders").click()

    ticket.get_by_role("button", name="Stop", exact=True).click()
    ticket.get_by_label("Stop price").fill("61000.00")
    ticket.get_by_label("Size", exact=True).fill("0.1")
    place.click()
    expect(alice.locator(".work tbody tr")).to_contain_text("Stop, waits")

    ticket.get_by_role("button", name="Stop limit").click()
    ticket.get_by_label("Price", exact=True).fill("61500.00")
    place.click()
    expect(alice.locator(".work tbody tr")).to_have_count(2)

    for count, name in ((3, "Take profit"), (4, "Take profit limit")):
        ticket.get_by_role("button", name=name, exact=True).click()
        ticket.get_by_label("Trigger").fill("57000.00")
        place.click()
        expect(alice.locator(".work tbody tr")).to_have_count(count)
    expect(alice.locator(".work tbody tr").first).to_contain_text("Take profit limit, waits")

    ticket.get_by_role("button", name="Limit", exact=True).click()
    ticket.get_by_label("Price", exact=True).fill("58000.00")
    ticket.locator("summary").click()
    ticket.get_by_label("Valid").select_option("gtd")
    ticket.get_by_label("Ends").fill("2099-01-01T12:00:00")
    ticket.get_by_label("Show only").fill("0.01")
    ticket.get_by_label("Post-only").check()
    place.click()
    expect(alice.locator(".work tbody tr")).to_have_count(5)
    (iceberg,) = [order for order in venue.open_orders("alice") if order["price"] == "58000.00"]
    assert iceberg["display_quantity"] == "0.01000"
    assert iceberg["post_only"]
    assert iceberg["time_in_force"] == "gtd"


def test_sizes_come_from_what_is_available(venue: PageVenue, browser: Browser) -> None:
    """Shares are exact and rounded down to a lot; a fee is shown before it is paid."""
    venue.fund("carol", USDT="1000", BTC="0.12345678")
    with trader_at(browser, venue.url, "carol") as page:
        page.get_by_label("Price", exact=True).fill("59999.99")
        page.get_by_role("button", name="50 %").click()
        expect(page.get_by_label("Size", exact=True)).to_have_value("0.00833")
        page.locator(".sides").get_by_role("button", name="Sell").click()
        page.get_by_role("button", name="100 %").click()
        expect(page.get_by_label("Size", exact=True)).to_have_value("0.12345")
        page.get_by_label("Size", exact=True).fill("5")
        expect(page.locator(".summary")).to_contain_text("More than is available")


def test_the_ladder_moves_places_and_cancels(venue: PageVenue, alice: Page) -> None:
    """Armed, a click places the ticket's size; a click on the own order cancels it."""
    venue.order("bob", "sell", "1", "60000.00")
    venue.order("bob", "buy", "1", "59999.90")
    book = alice.locator(".book")
    book.get_by_role("button", name="Ladder").click()
    book.get_by_label("Group prices by").select_option("1")
    alice.get_by_label("Size", exact=True).fill("0.3")
    row = book.locator("tr", has_text="59,999.95")
    row.locator(".bids").click()
    expect(alice.get_by_label("Price", exact=True)).to_have_value("59999.95")
    assert venue.open_orders("alice") == []
    alice.get_by_role("button", name="Settings").click()
    alice.get_by_label("Arm").check()
    alice.keyboard.press("Escape")
    row.locator(".bids").click()
    expect(row.locator(".bids .own")).to_have_text("◆ 0.3")
    row.locator(".bids .own").drag_to(book.locator("tr", has_text="59,999.93").locator(".bids"))
    moved = book.locator("tr", has_text="59,999.93").locator(".bids .own")
    expect(moved).to_have_text("◆ 0.3")
    moved.click()
    expect(alice.locator(".work .empty")).to_contain_text("No open orders")
