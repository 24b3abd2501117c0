"""An answer or a frame that comes late changes nothing that belongs to something else by then."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page.browser import PHONE, opened_page, trader_at
from tests.support.page.held_answers import HeldAnswers, paint_frames
from tests.support.page.strict_chart import DRAWN, LIBRARY, watch_use
from tests.support.page.venue import PageVenue, running_page_venue

EMPTY = {
    "symbol": "ACME-USDT", "base": "ACME", "quote": "USDT", "tick_size": "0.05", "lot_size": "1",
    "min_quantity": "1", "max_quantity": "1000", "min_notional": "1",
}  # fmt: skip
TAPE_PRICES = ".tape tbody tr:not([aria-hidden]) td.price"


@pytest.fixture(scope="module")
def module_venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """Two markets that have traded, each at its own price, and one that has not."""
    with running_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
        running.ask("POST", "/v1/admin/instruments", body=EMPTY)
        for symbol, price in (("BTC-USDT", "60000.00"), ("ETH-USDT", "3000.00")):
            running.order("bob", "sell", "0.5", price, symbol=symbol)
            running.order("carol", "buy", "0.5", price, symbol=symbol)
        yield running


@pytest.fixture
def venue(module_venue: PageVenue) -> PageVenue:
    """The venue without open orders; every market trades."""
    module_venue.mend()
    return module_venue


def open_tab(page: Page, name: str) -> None:
    """Choose a panel on a phone; the former panel is gone then."""
    page.locator(".phone-bar").get_by_role("button", name=name).click()
    expect(page.locator(".phone-bar [aria-current=page]")).to_have_text(name)


def choose(page: Page, symbol: str) -> None:
    """Choose a market."""
    page.locator(".symbol").click()
    page.locator("#markets").get_by_role("button", name=symbol).click()
    expect(page.locator(".symbol h1")).to_have_text(symbol)


def type_account(page: Page, name: str) -> None:
    """Ask for another account; its answer may come later."""
    if not page.locator("#account").is_visible():
        page.locator(".account").click()
    page.locator("#account-name").fill(name)
    page.keyboard.press("Enter")


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


def test_the_library_of_the_chart_is_asked_for_again(venue: PageVenue, browser: Browser) -> None:
    """A gateway that is away when the chart opens is told in the panel; the chart appears later."""
    with trader_at(browser, venue.url, "alice", size=PHONE, quiet=False) as page:
        away = "**/lightweight-charts.mjs*"
        page.route(away, lambda route: route.abort())
        open_tab(page, "Chart")
        expect(page.locator(".chart [role=status]")).to_contain_text("The page tries again.")
        open_tab(page, "Orders")
        open_tab(page, "Chart")
        expect(page.locator(".chart [role=status]")).to_contain_text("The page tries again.")
        page.unroute(away)
        expect(page.locator(".chart canvas").first).to_be_visible()
        expect(page.locator(".chart [role=status]")).to_have_count(0)


def test_reads_that_fail_are_repeated(venue: PageVenue, browser: Browser) -> None:
    """Markets and trades appear once they can be read; an account chosen meanwhile stays."""
    with opened_page(browser, "about:blank", quiet=False) as page:
        away = ("**/v1/instruments", "**/v1/trades/**")
        for path in away:
            page.route(path, lambda route: route.abort())
        page.goto(f"{venue.url}/?account=alice&symbol=ETH-USDT")
        expect(page.locator(".banners")).to_contain_text("cannot be reached")
        type_account(page, "erin")
        expect(page.locator(".account")).to_have_text("erin")
        page.unroute(away[0])
        expect(page.locator(".symbol h1")).to_have_text("ETH-USDT")
        expect(page.locator(".foot")).to_contain_text("book verified")
        expect(page.locator(TAPE_PRICES)).to_have_count(0)
        page.unroute(away[1])
        expect(page.locator(TAPE_PRICES)).to_have_text(["3,000.00"])
        expect(page.locator(".account")).to_have_text("erin")


def test_a_tape_that_is_scrolled_shows_no_trade_of_the_market_before(
    venue: PageVenue, browser: Browser
) -> None:
    """The rows below the visible ones are rewritten too, and the tape is at its top again."""
    for _ in range(15):
        venue.order("bob", "sell", "1", "150.00", symbol="SOL-USDT")
        venue.order("carol", "buy", "1", "150.00", symbol="SOL-USDT")
    with trader_at(browser, venue.url, "alice", symbol="SOL-USDT", size=(1440, 600)) as page:
        expect(page.locator(TAPE_PRICES).first).to_have_text("150.00")
        page.locator(".tape .rows").evaluate("rows => { rows.scrollTop = 60; }")
        expect(page.locator(TAPE_PRICES)).to_have_count(15)
        choose(page, "ETH-USDT")
        expect(page.locator(TAPE_PRICES)).to_have_text(["3,000.00"])
        assert page.locator(".tape .rows").evaluate("rows => rows.scrollTop") == 0


def test_a_market_that_was_left_shows_nothing_in_the_next_one(
    venue: PageVenue, browser: Browser
) -> None:
    """Answers, a painter that waits, the scrolled tape, typed prices, rows of the ladder."""
    venue.order("bob", "sell", "0.5", "60010.00")
    with opened_page(browser, "about:blank", size=(1440, 900)) as page:
        page.route(LIBRARY, watch_use)
        page.goto(f"{venue.url}/?account=alice&symbol=ETH-USDT")
        expect(page.locator(TAPE_PRICES)).to_have_text(["3,000.00"])
        held = HeldAnswers(page, "/BTC-USDT")
        choose(page, "BTC-USDT")
        held.wait(3)  # trades, candles, ticker
        page.keyboard.press("p")
        venue.order("carol", "buy", "0.1", "60010.00")
        expect(page.locator(".foot .seq")).to_have_text("seq 2")
        page.get_by_label("Price", exact=True).fill("60000")
        page.get_by_label("Size", exact=True).fill("5")
        choose(page, "ETH-USDT")
        expect(page.get_by_label("Price", exact=True)).to_have_value("")
        expect(page.get_by_label("Size", exact=True)).to_have_value("")
        page.evaluate(f"{DRAWN}.length = 0")
        page.keyboard.press("p")
        held.release()
        expect(page.locator(TAPE_PRICES)).to_have_text(["3,000.00"])
        expect(page.locator(".stats .last")).to_contain_text("3,000.00")
        assert "60010" not in json.dumps(page.evaluate(DRAWN))

        choose(page, "BTC-USDT")
        page.locator(".book").get_by_role("button", name="Ladder").click()
        expect(page.locator(".ladder tr.best").first).to_contain_text("60,010.00")
        choose(page, "ACME-USDT")
        expect(page.locator(".foot")).to_contain_text("book verified")
        paint_frames(page)
        expect(page.locator(".chart [role=status]")).to_have_text("No trades yet.")
        assert page.locator(".ladder tbody").inner_text().strip() == ""
        assert page.locator(".ladder tbody button:enabled").count() == 0


def test_an_account_that_was_left_shows_nothing_in_the_next_one(
    venue: PageVenue, browser: Browser
) -> None:
    """Neither its figures, nor a refusal of its name, nor the round and the notice of before."""
    with trader_at(browser, venue.url, "carol") as page:
        page.get_by_role("button", name="P&L").click()
        trades = page.locator(".figures div", has_text="Trades").locator("dd")
        expect(trades).not_to_have_text("0")
        held = HeldAnswers(page, "/v1/account", "/v1/round", "/v1/notices")
        type_account(page, "bob")
        held.wait(2, "/v1/account")  # the account and its performance
        type_account(page, "no name")
        held.wait(3, "/v1/account")
        type_account(page, "erin")
        held.wait(5, "/v1/account")
        venue.ask("POST", "/v1/admin/round", body={"name": "Finals", "duration_s": 600})
        venue.ask("POST", "/v1/admin/notices", body={"text": "Good luck"})
        expect(page.locator(".round")).to_contain_text("Finals ends in")
        expect(page.locator(".notice-bar")).to_contain_text("Good luck")
        held.release()
        expect(page.locator(".account")).to_have_text("erin")
        expect(trades).to_have_text("0")
        expect(page.locator(".round")).to_contain_text("Finals ends in")
        expect(page.locator(".notice-bar")).to_contain_text("Good luck")
        assert page.evaluate("localStorage['tapewire.account']") == "erin"
        venue.ask("POST", "/v1/admin/round/end")
        type_account(page, "Ζωή")
        expect(page.locator("#account .error")).to_contain_text("plain letters")
        expect(page.locator(".banners")).not_to_contain_text("reached")


def test_a_market_that_changes_while_the_list_is_read_is_as_it_is_now(
    venue: PageVenue, browser: Browser
) -> None:
    """An answer of before a halt does not open the market again on the page."""
    with trader_at(browser, venue.url, "alice") as page:
        held = HeldAnswers(page, "/v1/instruments")
        venue.ask("POST", "/v1/admin/instruments", body=EMPTY | {"symbol": "LATE-USDT"})
        held.wait()
        venue.switch("BTC-USDT", "halted")
        expect(page.locator(".banners")).to_contain_text("BTC-USDT is halted")
        held.release()
        page.locator(".symbol").click()
        expect(page.locator("#markets")).to_contain_text("LATE-USDT")
        expect(page.locator(".banners")).to_contain_text("BTC-USDT is halted")
        venue.ask("DELETE", "/v1/admin/instruments/LATE-USDT")
        expect(page.locator("#markets")).not_to_contain_text("LATE-USDT")


def test_an_organiser_sees_the_answer_to_the_last_question(
    venue: PageVenue, browser: Browser
) -> None:
    """The search that was typed last counts; a message that is typed meanwhile stays."""
    with opened_page(browser, f"{venue.url}/admin") as page:
        names = page.locator("section[aria-labelledby=accounts-title] tbody th")
        expect(names.filter(has_text="bob")).to_have_count(1)
        held = HeldAnswers(page, "/v1/admin/accounts?")
        for text in ("b", "c"):
            page.get_by_label("Search accounts").fill(text)
        for text in ("b", "c"):
            held.wait(1, f"prefix={text}")
        held.release()
        # The page reads the accounts again every few seconds, so the test does not wait.
        assert names.all_inner_texts() == ["carol"]
        held = HeldAnswers(page, "/v1/admin/notices")
        message = page.get_by_label("Message to all traders")
        message.fill("First")
        page.keyboard.press("Enter")
        held.wait()
        message.fill("Second")
        held.release()
        expect(page.locator(".sent")).to_contain_text("First")
        expect(message).to_have_value("Second")
        page.get_by_role("row", name="carol").get_by_role("button", name="Money").click()
        dialog = page.locator("dialog[open]")
        dialog.get_by_label("Largest order").fill("3")
        dialog.get_by_label("Market").select_option("ETH-USDT")
        expect(dialog.get_by_label("Largest order")).to_have_value("")
        expect(dialog.get_by_role("button", name="Save limits")).to_be_disabled()
