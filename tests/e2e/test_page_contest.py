"""A round from its announcement to its results, on the organiser's page and on a trader's."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.page.axe import findings
from tests.support.page.browser import opened_page, trader_at
from tests.support.page.keyboard import Keyboard
from tests.support.page.venue import PageVenue, running_page_venue

HOSTILE = "<img src=x onerror=alert(1)>"
MONEY = "USDT=100000,BTC=10,ETH=10,SOL=0"


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """An open venue whose accounts begin with little money."""
    folder = tmp_path_factory.mktemp("page")
    with running_page_venue(module_redis_url, folder, TAPEWIRE_PAPER_BALANCES=MONEY) as running:
        yield running


@pytest.fixture
def organiser(venue: PageVenue, browser: Browser) -> Iterator[Page]:
    """The organiser's page."""
    venue.mend()
    with opened_page(browser, f"{venue.url}/admin") as page:
        expect(page.get_by_role("row", name="BTC-USDT")).to_be_visible()
        yield page


def card(page: Page, name: str) -> Locator:
    """A card of the organiser's page."""
    return page.locator("section.card", has=page.get_by_role("heading", name=name, exact=True))


def confirm(page: Page, verb: str) -> None:
    """Press the button that a question asks for."""
    page.locator("dialog[open]").get_by_role("button", name=verb, exact=True).click()


def test_a_round_is_run_and_everybody_follows_it(
    venue: PageVenue, organiser: Page, browser: Browser
) -> None:
    """Clock, notices, prolonged end, closed markets, results; text of others stays text."""
    venue.ask("PUT", "/v1/admin/accounts/bob/alias", body={"alias": HOSTILE})
    with trader_at(browser, venue.url, "alice") as trader:
        rounds = card(organiser, "Round")
        rounds.get_by_label("Name").fill("Finals")
        rounds.get_by_label("Minutes").fill("15")
        rounds.get_by_role("button", name="Begin the round").click()
        expect(trader.locator(".round")).to_contain_text("Finals ends in 14:")
        expect(trader.locator(".notices")).to_contain_text("Finals has begun.")
        rounds.get_by_role("button", name="5 minutes more").click()
        expect(trader.locator(".round")).to_contain_text("Finals ends in 19:")

        notices = card(organiser, "Tell all traders")
        notices.get_by_label("Message to all traders").fill(f"Good luck {HOSTILE}")
        notices.get_by_role("button", name="Send").click()
        expect(trader.locator(".notice-bar")).to_contain_text(f"Good luck {HOSTILE}")
        expect(notices.locator(".sent")).to_contain_text(f"Good luck {HOSTILE}")

        venue.order("bob", "sell", "0.1", "60000.00")
        venue.order("alice", "buy", "0.1", "60000.00")
        venue.order("carol", "buy", "0.01", "60100.00")
        venue.order("bob", "sell", "0.01", "60100.00")
        trader.get_by_role("button", name="P&L").click()
        expect(trader.locator(".work .figures")).to_contain_text("+10.00")
        trader.get_by_role("button", name="Leaderboard").click()
        expect(trader.locator("#leaderboard tr.mine")).to_contain_text("+10.00")
        assert findings(trader) == []
        board = card(organiser, "Leaderboard")
        board.get_by_label("Names").select_option("aliases")
        expect(board.locator(".ranks")).to_contain_text(HOSTILE)
        expect(trader.locator("#leaderboard .ranks")).to_contain_text(HOSTILE)
        board.get_by_label("Seen by").select_option("admins")
        expect(trader.locator("#leaderboard")).to_contain_text("administrators")
        for page in (organiser, trader):
            assert page.locator("img[src=x]").count() == 0

        rounds.get_by_role("button", name="End the round").click()
        confirm(organiser, "End the round")
        expect(trader.locator(".round")).to_contain_text("Finals: over")
        expect(trader.locator(".banners")).to_contain_text("BTC-USDT takes cancels only")
        rounds.locator("summary").click()
        expect(rounds.locator("details .ranks tbody tr").first).to_contain_text("+10.00")
        assert findings(organiser) == []


def test_an_auction_collects_orders_and_opens_at_one_price(
    venue: PageVenue, organiser: Page, browser: Browser
) -> None:
    """The organiser calls it, traders see where it would open, and at which price it did."""
    with trader_at(browser, venue.url, "alice", symbol="ETH-USDT") as trader:
        row = organiser.get_by_role("row", name="ETH-USDT")
        row.get_by_role("button", name="Auction").click()
        expect(trader.locator(".banners")).to_contain_text("ETH-USDT collects orders")
        venue.order("gina", "buy", "0.2", "3000.00", symbol="ETH-USDT")
        # Its hidden half counts, which only the venue knows.
        venue.order("hugo", "buy", "0.1", "2999.00", symbol="ETH-USDT", display_quantity="0.05")
        venue.order("ines", "sell", "0.3", "2998.00", symbol="ETH-USDT")
        opens = trader.locator(".book tr:not(.bid):not(.ask)", has_text="Opens at")
        expect(opens).to_contain_text("2,998.50")
        expect(opens).to_contain_text("0.3000")
        assert findings(trader, ".book") == []
        row.get_by_role("button", name="Trading").click()
        expect(trader.locator(".notices")).to_contain_text(
            "The auction of ETH-USDT traded 0.3 ETH at 2,998.50."
        )
        prices = trader.locator(".tape tbody tr:not([aria-hidden]) td.price")
        expect(prices).to_have_text(["2,998.50", "2,998.50"])
        expect(trader.locator(".banners")).to_be_empty()


def test_a_round_begins_with_an_auction(
    venue: PageVenue, organiser: Page, browser: Browser
) -> None:
    """Its clock counts to the opening, and then to the end."""
    with trader_at(browser, venue.url, "alice") as trader:
        rounds = card(organiser, "Round")
        rounds.get_by_label("Seconds of auction").fill("300")
        rounds.get_by_role("button", name="Begin the round").click()
        expect(trader.locator(".round")).to_contain_text("auction ends in 4:")
        expect(trader.locator(".banners")).to_contain_text("BTC-USDT collects orders")
        rounds.get_by_role("button", name="End the round").click()
        confirm(organiser, "End the round")
        expect(trader.locator(".round")).to_contain_text("over")


def test_everybody_starts_again_and_the_audit_proves_it(venue: PageVenue, organiser: Page) -> None:
    """What is asked for is checked first; then every account has exactly that."""
    venue.order("dave", "buy", "0.1", "50000.00")
    check = card(organiser, "Fresh start and audit")
    check.get_by_label("Balances of every account").fill("much")
    check.get_by_role("button", name="Fresh start …").click()
    expect(check.locator(".error")).to_contain_text("ASSET=AMOUNT")
    check.get_by_label("Balances of every account").fill("USDT=500")
    check.get_by_role("button", name="Fresh start …").click()
    confirm(organiser, "Start again")
    expect(organiser.locator(".notices")).to_contain_text("start again; 1 orders were canceled")
    account = venue.ask("GET", "/v1/account", "dave")
    held = {each["asset"]: each["total"] for each in account["balances"]}
    assert {asset for asset, total in held.items() if total.strip("0.")} == {"USDT"}
    assert held["USDT"].rstrip("0") == "500."
    check.get_by_role("button", name="Audit the venue").click()
    expect(organiser.locator(".notices")).to_contain_text("Everything adds up.")
    expect(check.locator(".sent .good").first).to_be_visible()
    expect(check.locator(".sent .bad")).to_have_count(0)


def test_the_organiser_needs_no_mouse(venue: PageVenue, organiser: Page, browser: Browser) -> None:
    """A market is halted, accounts added, a notice sent, a round begun and ended by keyboard."""
    keys = Keyboard(organiser)
    with trader_at(browser, venue.url, "alice") as trader:
        keys.press("tr:has(th:text-is('BTC-USDT')) [data-value=halted]")
        expect(trader.locator(".banners")).to_contain_text("BTC-USDT is halted")
        keys.press("tr:has(th:text-is('BTC-USDT')) [data-value=trading]")
        expect(trader.locator(".banners")).to_be_empty()
        keys.type("[aria-label='Message to all traders']", "Hello")
        organiser.keyboard.press("Enter")
        expect(trader.locator(".notice-bar")).to_contain_text("Hello")
        keys.press("button:text-is('Begin the round')")
        expect(trader.locator(".round")).to_contain_text("ends in")
        keys.press("button:text-is('End the round')")
        keys.press("dialog[open] button:text-is('End the round')")
        expect(trader.locator(".round")).to_contain_text("over")
    keys.press("button:text-is('Add accounts')")
    expect(organiser.locator("#new-names")).to_be_focused()
    keys.type("#new-names", "eve")
    keys.press("dialog[open] button:text-is('Add accounts')")
    expect(organiser.locator("dialog[open]")).to_contain_text("1 accounts are there.")
    organiser.keyboard.press("Escape")
    expect(organiser.locator("dialog[open]")).to_have_count(0)
    keys.press("tr:has(th:text-is('eve')) button:text('Block')")
    expect(organiser.locator("tr:has(th:text-is('eve'))")).to_contain_text("Blocked")


def test_a_trader_chooses_everything_without_a_mouse(venue: PageVenue, browser: Browser) -> None:
    """Market, account, looks, tabs and the leaderboard; Escape closes what was opened."""
    with trader_at(browser, venue.url, "alice") as page:
        keys = Keyboard(page)
        keys.press(".symbol")
        keys.press("#markets button:has-text('ETH-USDT')")
        expect(page.locator(".symbol h1")).to_have_text("ETH-USDT")
        keys.press(".account")
        keys.type("#account-name", "frida")
        page.keyboard.press("Enter")
        expect(page.locator(".account")).to_have_text("frida")
        keys.press("[aria-label='Settings']")
        keys.press("#settings [data-value=light]")
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        page.keyboard.press("Escape")
        expect(page.locator("#settings")).to_be_hidden()
        keys.press("[aria-label='Leaderboard']")
        expect(page.locator("#leaderboard")).to_be_visible()
        page.keyboard.press("Escape")
        for tab in ("fills", "balances", "performance", "orders"):
            keys.press(f".work [data-value={tab}]")
            expect(page.locator(f".work [data-value={tab}]")).to_have_attribute(
                "aria-pressed", "true"
            )
