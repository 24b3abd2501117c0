"""What goes wrong under an open page is said in a sentence, and the page recovers by itself."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.support.page.browser import PHONE, opened_page, trader_at
from tests.support.page.venue import PageVenue, running_page_venue
from tests.support.wait import wait_for

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def module_venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """One venue for the tests of this module."""
    with running_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def venue(module_venue: PageVenue) -> PageVenue:
    """A venue that a test may break: whole again, without open orders."""
    module_venue.mend()
    return module_venue


def trade(venue: PageVenue, quantity: str, symbol: str = "BTC-USDT") -> None:
    """Bob and carol trade."""
    price = {"BTC-USDT": "60000.00", "ETH-USDT": "3000.00"}[symbol]
    venue.order("bob", "sell", quantity, price, symbol=symbol)
    venue.order("carol", "buy", quantity, price, symbol=symbol)


def details(page: Page) -> dict[str, str]:
    """What the footer says of the connection."""
    page.get_by_role("button", name="Details").click()
    rows = page.locator("#connection tr").all()
    said = {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows}
    page.keyboard.press("Escape")
    return said


def test_a_feed_that_is_killed_costs_no_trade(venue: PageVenue, browser: Browser) -> None:
    """Trades made while there was no feed are on the tape afterwards, each once, in order."""
    with trader_at(browser, venue.url, "alice", symbol="ETH-USDT", quiet=False) as page:
        trade(venue, "0.01", "ETH-USDT")
        sizes = page.locator(".tape tbody tr:not([aria-hidden]) td.size")
        expect(sizes).to_have_text(["0.0100"])
        port = venue.kill_feed()
        expect(page.locator(".banners")).to_contain_text("Reconnecting to the feed")
        for number in range(2, 7):
            trade(venue, f"0.0{number}", "ETH-USDT")
        venue.start_feed(port)
        expect(sizes).to_have_text([f"0.0{number}00" for number in range(6, 0, -1)])
        expect(page.locator(".banners")).to_be_empty()
        expect(page.locator(".foot")).to_contain_text("book verified")
        said = details(page)
        assert said["Trades missed"] == "0"
        assert said["Repeated trades that were dropped"] == "0"
        assert said["Connections"] != "1"


def test_orders_of_the_meantime_are_known_after_a_feed_was_away(
    venue: PageVenue, browser: Browser
) -> None:
    """Reports are resumed too: what filled while there was no feed is a fill."""
    with trader_at(browser, venue.url, "alice", quiet=False) as page:
        venue.order("alice", "sell", "0.1", "60000.00")
        expect(page.locator(".work tbody tr")).to_have_count(1)
        port = venue.kill_feed()
        venue.order("bob", "buy", "0.1", "60000.00")
        venue.start_feed(port)
        expect(page.locator(".work .empty")).to_contain_text("No open orders")
        page.get_by_role("button", name="Fills").click()
        expect(page.locator(".work tbody tr")).to_contain_text("Maker")


def test_a_gateway_that_is_away_is_told_and_comes_back(venue: PageVenue, browser: Browser) -> None:
    """An order that cannot be sent is told, sent again by itself, and is one order."""
    with trader_at(browser, venue.url, "alice", quiet=False) as page:
        port = venue.gateway.port
        venue.gateway.stop()
        page.get_by_label("Price", exact=True).fill("50000")
        page.get_by_label("Size", exact=True).fill("0.1")
        place = page.locator("button.place")
        place.click()
        expect(page.locator(".banners")).to_contain_text("cannot be reached")
        expect(place).to_have_text("Sending …")
        venue.start_gateway(port)
        expect(page.locator(".work tbody tr")).to_have_count(1)
        expect(page.locator(".banners")).to_be_empty()
        assert len(venue.open_orders("alice")) == 1


def test_states_of_a_market_and_an_account_are_told(venue: PageVenue, browser: Browser) -> None:
    """A halt, its end, a blocked account and its end are seen without a reload or an order."""
    with trader_at(browser, venue.url, "alice", quiet=False) as page:
        venue.switch("BTC-USDT", "halted")
        expect(page.locator(".banners")).to_contain_text("BTC-USDT is halted")
        page.get_by_label("Price", exact=True).fill("50000")
        page.get_by_label("Size", exact=True).fill("0.1")
        page.locator("button.place").click()
        expect(page.locator(".submit .error")).to_contain_text("halted")
        venue.switch("BTC-USDT", "trading")
        expect(page.locator(".banners")).to_be_empty()
        venue.ask("PATCH", "/v1/admin/accounts/alice", body={"state": "blocked"})
        expect(page.locator(".banners")).to_contain_text("This account is blocked")
        venue.ask("PATCH", "/v1/admin/accounts/alice", body={"state": "active"})
        expect(page.locator(".banners")).to_be_empty()
        # What changes while the feed is away is known when it is back.
        port = venue.kill_feed()
        expect(page.locator(".banners")).to_contain_text("Reconnecting")
        venue.ask("PATCH", "/v1/admin/accounts/alice", body={"state": "blocked"})
        venue.start_feed(port)
        expect(page.locator(".banners")).to_contain_text("This account is blocked")
        venue.ask("PATCH", "/v1/admin/accounts/alice", body={"state": "active"})
        expect(page.locator(".banners")).to_be_empty()


ACME = {
    "symbol": "ACME-USDT", "base": "ACME", "quote": "USDT", "tick_size": "0.05", "lot_size": "1",
    "min_quantity": "1", "max_quantity": "1000", "min_notional": "1",
}  # fmt: skip


def test_a_market_that_is_added_appears_and_one_that_is_gone_is_left(
    venue: PageVenue, browser: Browser
) -> None:
    """Without a reload: it is traded by its own steps, and after a reset without it the page
    says so and shows what is there, of the new epoch.
    """
    with trader_at(browser, venue.url, "alice", quiet=False) as page:
        venue.ask("POST", "/v1/admin/instruments", body=ACME)
        page.locator(".symbol").click()
        page.locator("#markets").get_by_role("button", name="ACME-USDT").click()
        expect(page.locator(".symbol h1")).to_have_text("ACME-USDT")
        page.get_by_label("Price", exact=True).fill("10.02")
        page.get_by_label("Size", exact=True).fill("1")
        page.locator("button.place").click()
        expect(page.locator("#ticket-price-error")).to_have_text("A price is a multiple of 0.05.")
        venue.order("alice", "buy", "1", "10.00", symbol="ACME-USDT")
        expect(page.locator(".work tbody tr")).to_have_count(1)
        empty(venue)
        expect(page.locator(".notices")).to_contain_text("ACME-USDT is no longer traded.")
        expect(page.locator(".symbol h1")).to_have_text("BTC-USDT")
        expect(page.locator(".tape tbody tr:not([aria-hidden]) td.size")).to_have_text(["0.70000"])
        expect(page.locator(".work .empty")).to_contain_text("No open orders")
        expect(page.locator(".banners")).to_be_empty()


def test_a_delisted_market_is_left(venue: PageVenue, browser: Browser) -> None:
    """The page says so, shows another market and keeps the fills; listed again it can be chosen."""
    venue.ask("POST", "/v1/admin/instruments", body=ACME | {"symbol": "GONE-USDT"})
    with trader_at(browser, venue.url, "dora", symbol="GONE-USDT") as page:
        venue.fund("bob", ACME="1")
        venue.order("dora", "buy", "2", "10.00", symbol="GONE-USDT")
        venue.order("bob", "sell", "1", "10.00", symbol="GONE-USDT")
        expect(page.locator(".work tbody tr")).to_have_count(1)
        venue.ask("DELETE", "/v1/admin/instruments/GONE-USDT")
        expect(page.locator(".notices")).to_contain_text("GONE-USDT is no longer traded.")
        expect(page.locator(".symbol h1")).not_to_have_text("GONE-USDT")
        expect(page.locator(".work .empty")).to_contain_text("No open orders")
        page.get_by_role("button", name="Fills").click()
        expect(page.locator(".work tbody tr")).to_contain_text("GONE-USDT")
        expect(page.locator(".banners")).to_be_empty()
        venue.ask("POST", "/v1/admin/instruments", body=ACME | {"symbol": "GONE-USDT"})
        page.locator(".symbol").click()
        page.locator("#markets").get_by_role("button", name="GONE-USDT").click()
        expect(page.locator(".symbol h1")).to_have_text("GONE-USDT")
        expect(page.locator(".tape tbody tr:not([aria-hidden]) td.size")).to_have_text(["1"])


def empty(venue: PageVenue) -> None:
    """Empty the venue under its open pages; 0.7 BTC trade before the feed is back."""
    feed_port, gateway_port = venue.market_data.port, venue.gateway.port
    venue.gateway.stop()
    venue.market_data.stop()
    with redis.Redis.from_url(venue.redis_url) as client:
        client.flushall()
    venue.start_gateway(gateway_port)
    trade(venue, "0.7")
    venue.start_feed(feed_port)


def test_a_wrong_clock_is_told(venue: PageVenue, browser: Browser) -> None:
    """The page says by how much this computer is off."""
    with opened_page(browser, "about:blank") as page:
        page.add_init_script("const now = Date.now.bind(Date); Date.now = () => now() - 42_000;")
        page.goto(f"{venue.url}/?account=alice")
        expect(page.locator(".banners")).to_contain_text("clock is 42 s behind")


def test_names_of_others_are_text(venue: PageVenue, browser: Browser) -> None:
    """What a link or another trader wrote cannot become markup."""
    with opened_page(browser, f"{venue.url}/?account={HOSTILE}&symbol={HOSTILE}") as page:
        expect(page.locator(".notices")).to_contain_text("X-Account must be")
        expect(page.locator(".symbol h1")).to_have_text("BTC-USDT")
        assert page.locator("img[src=x]").count() == 0


def test_what_is_not_shown_is_not_sent(venue: PageVenue, browser: Browser) -> None:
    """On a phone only the panel of the tab is subscribed; it is current when its tab comes back."""
    venue.order("bob", "sell", "0.5", "60000.00")
    with opened_page(browser, "about:blank", size=PHONE) as page:
        sent: list[dict[str, Any]] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framesent", lambda text: sent.append(json.loads(text))),
        )
        page.goto(f"{venue.url}/?account=alice&symbol=BTC-USDT")
        expect(page.locator(".book tr.ask.best")).to_contain_text("60,000.00")
        page.locator(".phone-bar").get_by_role("button", name="Orders").click()
        expect(page.locator(".foot")).not_to_contain_text("book")
        wait_for(lambda: page.evaluate("1") and has_asked(sent, "unsubscribe", "book"), "no book")
        assert not has_asked(sent, "subscribe", "trades")
        venue.order("bob", "sell", "0.5", "59990.00")
        page.locator(".phone-bar").get_by_role("button", name="Book").click()
        expect(page.locator(".book tr.ask.best")).to_contain_text("59,990.00")


def test_a_hidden_tab_takes_the_newest_state_only(venue: PageVenue, browser: Browser) -> None:
    """Hidden, the page asks the feed to conflate; shown again, to keep everything."""
    with opened_page(browser, "about:blank") as page:
        sent: list[dict[str, Any]] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framesent", lambda text: sent.append(json.loads(text))),
        )
        page.goto(f"{venue.url}/?account=alice&symbol=BTC-USDT")
        expect(page.locator(".foot")).to_contain_text("book verified")
        hide(page, hidden=True)
        # Playwright hears of frames while it is asked something.
        wait_for(lambda: page.evaluate("1") and lag(sent) == "conflate", "it asks to conflate")
        hide(page, hidden=False)
        wait_for(lambda: page.evaluate("1") and lag(sent) == "disconnect", "it asks for all")


def test_the_feed_refuses_nothing_that_the_page_asks_for(
    venue: PageVenue, browser: Browser
) -> None:
    """Ten refused requests would end the connection for good: looking away, leaving an interval
    that all markets are followed with, leaving a market before it is there, leaving topics twice
    before the feed has answered once.
    """
    with opened_page(browser, "about:blank") as page:
        asked: set[int] = set()
        answers: dict[int, str] = {}

        def listen(socket: WebSocket) -> None:
            socket.on("framesent", lambda text: asked.add(json.loads(text)["id"]))
            socket.on("framereceived", take)

        def take(text: str | bytes) -> None:
            message = json.loads(text)
            if "id" in message:
                answers[message["id"]] = str(text)

        page.on("websocket", listen)
        page.goto(f"{venue.url}/?account=alice&symbol=BTC-USDT")
        expect(page.locator(".foot")).to_contain_text("book verified")
        # In one task of the page, so that no answer comes between.
        page.evaluate(
            """() => ["5m", "1m", "5m", "1m", "5m", "15m"].forEach((name) =>
              document.querySelector(`.chart [data-value='${name}']`).click())"""
        )
        wait_for(lambda: page.evaluate("1") and asked == answers.keys(), "all is answered")
        for _ in range(6):
            hide(page, hidden=True)
            hide(page, hidden=False)
        for symbol in ("BTC-USDT", "ETH-USDT") * 6:
            for interval in ("1d", "1m"):
                page.locator(f".chart [data-value='{interval}']").dispatch_event("click")
            page.locator("#markets button", has_text=symbol).dispatch_event("click")
        venue.order("bob", "sell", "0.5", "3010.00", symbol="ETH-USDT")
        expect(page.locator(".book tr.ask.best")).to_contain_text("3,010.00")
        wait_for(lambda: page.evaluate("1") and asked == answers.keys(), "all is answered")
        expect(page.locator(".foot .phase")).to_contain_text("Live")
        assert [text for text in answers.values() if '"type":"error"' in text] == []


def has_asked(sent: list[dict[str, Any]], op: str, channel: str) -> bool:
    """Whether the page has sent this request for a channel."""
    return any(each["op"] == op and channel in each.get("channels", ()) for each in sent)


def lag(sent: list[dict[str, Any]]) -> str:
    """What the page last asked the feed to do when it reads too slowly."""
    return next(str(each["on_lag"]) for each in reversed(sent) if "on_lag" in each)


def hide(page: Page, *, hidden: bool) -> None:
    """Tell the page what a browser tells when its tab is put away or shown."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )
