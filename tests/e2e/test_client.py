"""The client library against a real venue: every operation, async and sync."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from tapewire.client import (
    Amend,
    Cancel,
    Place,
    PlacedOrder,
    RequestRefused,
    RestOptions,
    SyncVenueClient,
    Unreachable,
    VenueClient,
)
from tapewire.client.order_calls import cancel, place
from tapewire.client.order_requests import SideText
from tapewire.values.types import OrderStatus
from tests.support.running.processes import start, wait_until_ready
from tests.support.running.whole_venue import WholeVenue, running_venue
from tests.support.wait import wait_until

SYMBOL = "BTC-USDT"
SELL_THEN_BUY: tuple[SideText, SideText] = ("sell", "buy")
FAR = "2099-12-31T23:59:59Z"


@pytest.fixture(scope="module")
def running(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WholeVenue]:
    """A venue for the tests of this module; each test has accounts of its own."""
    with running_venue(module_redis_url, tmp_path_factory.mktemp("venue")) as venue:
        yield venue


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An account that no other test uses."""
    return str(request.node.name)[:60]


@pytest_asyncio.fixture
async def client(running: WholeVenue, name: str) -> AsyncIterator[VenueClient]:
    """An async client."""
    async with VenueClient(
        running.gateway.url, market_data_url=running.market_data.url, account=name
    ) as opened:
        yield opened


@pytest.fixture
def sync_client(running: WholeVenue, name: str) -> Iterator[SyncVenueClient]:
    """A client without await."""
    with SyncVenueClient(
        running.gateway.url, market_data_url=running.market_data.url, account=name
    ) as opened:
        yield opened


async def test_an_order_takes_every_option(client: VenueClient) -> None:
    """Options come back as they were asked for, as exact numbers."""
    iceberg = await client.place(
        SYMBOL, "sell", "5", Decimal(61000), time_in_force="gtd", expire_at=FAR,
        post_only=True, display_quantity="0.5", self_trade_prevention="decrement",
        client_order_id="mine",
    )  # fmt: skip
    assert (iceberg.price, iceberg.display_quantity) == (Decimal(61000), Decimal("0.5"))
    assert (iceberg.time_in_force, iceberg.expire_at) == ("gtd", "2099-12-31T23:59:59.000000Z")
    assert (iceberg.post_only, iceberg.self_trade_prevention) == (True, "decrement")
    stop = await client.place(
        SYMBOL, "buy", "1", "70000", order_type="stop_limit", stop_price="69000"
    )
    assert (stop.order_type, stop.stop_price) == ("stop_limit", Decimal(69000))
    spent = await client.place(SYMBOL, "buy", order_type="market", quote_quantity="1000")
    assert (spent.status, spent.quote_quantity) == ("expired", Decimal(1000))
    assert spent.reason == "self_trade" or not spent.fills


async def test_a_limit_order_without_a_price_is_an_error(client: VenueClient) -> None:
    """A limit order without a price never becomes a market order."""
    with pytest.raises(RequestRefused) as refused:
        await client.place(SYMBOL, "buy", "1")
    assert (refused.value.code, refused.value.field) == ("price_required", "price")
    assert not [order async for order in client.orders()]


async def test_the_life_of_an_order(client: VenueClient) -> None:
    """Placed, amended, read by both ids, canceled; a second cancel is refused."""
    order = await client.place(SYMBOL, "buy", 2, 50_000, client_order_id="life")
    amended = await client.amend(order.order_id, quantity="1.5", price="50001")
    assert (amended.quantity, amended.price) == (Decimal("1.5"), Decimal(50001))
    assert await client.order(client_order_id="life") == amended
    canceled = await client.cancel(client_order_id="life")
    assert (canceled.order_id, canceled.status) == (order.order_id, "canceled")
    with pytest.raises(RequestRefused) as refused:
        await client.cancel(order.order_id)
    assert (refused.value.status, refused.value.code) == (409, "order_closed")


async def test_lists_are_iterators_over_all_pages(client: VenueClient) -> None:
    """However small a page is, every order and fill comes once, newest first."""
    placed = [await client.place(SYMBOL, "buy", "0.01", 40_000 + n) for n in range(5)]
    async with asyncio.timeout(20):
        found = [order.order_id async for order in client.orders(page_size=2)]
    assert found == [order.order_id for order in reversed(placed)]
    assert await client.cancel_all(SYMBOL) == [order.order_id for order in placed]
    assert [order async for order in client.orders(status="open")] == []
    sells = [
        await client.place(SYMBOL, side, "0.01", 40_000, self_trade_prevention="none")
        for _ in range(3)
        for side in SELL_THEN_BUY
    ]
    fills = [fill async for fill in client.fills(SYMBOL, page_size=2)]
    assert len(fills) == 6
    assert {fill.order_id for fill in fills} == {order.order_id for order in sells}
    assert {fill.liquidity for fill in fills} == {"maker", "taker"}
    only = [fill async for fill in client.fills(order_id=sells[0].order_id)]
    assert [fill.price for fill in only] == [Decimal(40_000)]


async def test_a_batch_has_a_result_for_each_item(client: VenueClient) -> None:
    """A refused item is its exception, and stops no other."""
    results = await client.batch(
        [
            Place(symbol=SYMBOL, side="buy", quantity="1", price="45000", client_order_id="a"),
            Amend(client_order_id="a", quantity="0.5"),
            Cancel(order_id="999999"),
            Cancel(client_order_id="a"),
        ]
    )
    first, second, third, fourth = results
    assert isinstance(first, PlacedOrder)
    assert isinstance(second, PlacedOrder)
    assert isinstance(fourth, PlacedOrder)
    assert (first.quantity, second.quantity) == (Decimal(1), Decimal("0.5"))
    assert fourth.status is OrderStatus.CANCELED
    assert isinstance(third, RequestRefused)
    assert third.code == "order_not_found"


async def test_money_and_the_timer_of_an_account(client: VenueClient, name: str) -> None:
    """Balances are numbers; the dead-man timer is armed and disarmed."""
    await client.place(SYMBOL, "buy", "1", "50000")
    account = await client.account()
    assert account.account == name
    balance = account.balance("USDT")
    assert balance.held >= 50_000
    assert balance.available + balance.held == balance.total
    timer = await client.cancel_all_after(60)
    assert timer.timeout_s == 60
    assert timer.fires_at is not None
    assert (await client.cancel_all_after(0)).fires_at is None


async def test_the_market_is_read(client: VenueClient) -> None:
    """Instruments, book, best prices, trades, ticker and candles."""
    instrument = await client.instrument("ETH-USDT")
    assert instrument in await client.instruments()
    assert instrument.tick_size == Decimal("0.01")
    for side in SELL_THEN_BUY:
        await client.place(
            "ETH-USDT",
            side,
            "2",
            "3000",
            self_trade_prevention="none",
        )
    resting = await client.place("ETH-USDT", "sell", "1", "3001")

    async def seen() -> bool:
        book = await client.book("ETH-USDT", 10)
        return [level.price for level in book.asks] == [Decimal(3001)]

    await wait_until(seen, "the book shows the resting order")
    prices = await client.bbo("ETH-USDT")
    assert prices.ask is not None
    assert prices.ask.quantity == resting.quantity
    trades = [trade async for trade in client.trades("ETH-USDT", since=0, page_size=1)]
    assert [trade.seq for trade in trades] == [1]
    ticker = await client.ticker("ETH-USDT")
    assert (ticker.last, ticker.volume, ticker.trades) == (Decimal(3000), Decimal(2), 1)
    candles = await client.candles("ETH-USDT", "1h", start="2020-01-01T00:00:00Z", limit=5)
    assert [(candle.close, candle.trades) for candle in candles] == [(Decimal(3000), 1)]
    with pytest.raises(RequestRefused, match="unknown_symbol"):
        await client.book("NO-NE")


async def test_services_are_looked_after(client: VenueClient) -> None:
    """Health, life and readiness of both services, and figures."""
    assert (await client.health()).is_healthy
    assert (await client.feed_health()).is_healthy
    assert (await client.alive()).service == "order-gateway"
    assert (await client.feed_alive()).service == "market-data"
    assert (await client.readiness()).is_ready
    assert (await client.feed_readiness()).checks["redis"] == "ok"
    assert "# HELP" in await client.feed_metrics()
    assert "# HELP" in await client.metrics()
    assert (await client.time()).unix_us > 10**15


async def test_an_administrator_runs_the_venue(client: VenueClient, name: str) -> None:
    """Instruments, markets, accounts, keys, limits, the kill switch."""
    admin = client.admin
    added = await admin.publish_instrument(
        "ACME-USDT", base="ACME", quote="USDT", tick_size="0.01", lot_size="1",
        min_quantity="1", max_quantity="1000", base_decimals=0,
    )  # fmt: skip
    assert added.min_notional == 0
    changed = await admin.change_market(
        "ACME-USDT", state="post_only", maker_fee_ppm=10, allow_coarse_fees=True
    )
    assert (changed.state, changed.maker_fee_ppm) == ("post_only", 10)
    deposit = await admin.deposit(name, "ACME", 5, reference="once")
    assert await admin.deposit(name, "ACME", 5, reference="once") == deposit
    taken = await admin.withdraw(name, "ACME", "2")
    assert taken.amount == deposit.available - taken.available == Decimal(2)
    account = await admin.change_account(name, state="blocked", taker_fee_ppm=7)
    assert (account.state, account.taker_fee_ppm) == ("blocked", 7)
    account = await admin.change_account(name, state="active", taker_fee_ppm=None)
    assert (account.state, account.taker_fee_ppm) == ("active", None)
    limited = await admin.change_limits(name, "ACME-USDT", open_orders_max=3, position_max="9")
    assert [bounds.position_max for bounds in limited.limits] == [Decimal(9)]
    kept = await admin.change_limits(name, "ACME-USDT", open_orders_max=None)
    (bounds,) = kept.limits
    assert (bounds.open_orders_max, bounds.position_max) == (None, Decimal(9))
    names = [each.account async for each in admin.accounts(page_size=2)]
    assert name in names
    assert (await admin.account(name)).account == name
    key = await admin.create_key(name, ["trade"], label="bot", expires_at=FAR)
    assert key.key.startswith("tw_")
    listed = [each.key_id async for each in admin.keys(page_size=1)]
    assert key.key_id in listed
    assert (await admin.revoke_key(key.key_id)).revoked_at is not None
    killed = await admin.kill_account(name)
    assert killed.state == "blocked"
    gone = await admin.delist_instrument("ACME-USDT")
    assert (gone.symbol, gone.canceled_count) == ("ACME-USDT", 0)
    assert "ACME-USDT" not in {item.symbol for item in await client.instruments()}
    stopped = await admin.kill()
    assert SYMBOL in stopped.switched
    assert SYMBOL in await admin.resume()


async def test_many_orders_are_in_flight(client: VenueClient) -> None:
    """A thousand orders and cancels over one connection, done in the order they were made."""
    async with client.order_entry() as entry:
        placing = [
            entry.submit(place(SYMBOL, "buy", "0.001", 30_000 + n % 7, client_order_id=f"n{n}"))
            for n in range(500)
        ]
        canceling = [entry.submit(cancel(client_order_id=f"n{n}")) for n in range(500)]
        orders = await asyncio.gather(*placing)
        canceled = await asyncio.gather(*canceling)
        assert (await entry.account()).balance("USDT").held == 0
        await entry.ping()
    ids = [int(order.order_id) for order in orders]
    assert ids == sorted(ids)
    assert {order.status for order in canceled} == {"canceled"}
    assert [order.order_id for order in canceled] == [order.order_id for order in orders]


async def test_order_entry_outlives_its_gateway(
    running: WholeVenue, name: str, tmp_path: Path
) -> None:
    """A gateway is killed with requests in flight; each order is at the venue exactly once."""
    settings = {"REDIS_URL": running.redis_url, "TAPEWIRE_PAPER_BALANCES": "*=20000000"}
    service = start("order_gateway", "TAPEWIRE_GATEWAY_PORT", settings, tmp_path)
    second = None
    try:
        wait_until_ready(service)
        options = RestOptions(attempts_max=200, retry_delay_max_s=0.2)
        client = VenueClient(service.url, account=name, options=options)
        async with client, client.order_entry() as entry:
            placing = [entry.submit(place(SYMBOL, "buy", "0.001", "30000")) for _ in range(300)]
            await asyncio.wait(placing, return_when=asyncio.FIRST_COMPLETED)
            service.process.kill()
            service.process.wait()
            second = start(
                "order_gateway", "TAPEWIRE_GATEWAY_PORT", settings, tmp_path, service.port
            )
            orders = await asyncio.gather(*placing)
            assert entry.connections > 1
            found = {order.order_id async for order in client.orders(SYMBOL)}
    finally:
        for each in (service, second):
            if each is not None:
                each.stop()
    assert len({order.order_id for order in orders}) == 300
    assert found == {order.order_id for order in orders}


async def test_the_feed_is_that_of_the_account(client: VenueClient) -> None:
    """Public and private streams, from the same object."""
    feed = client.feed()
    reports = feed.orders()
    assert await reports.receive(0.3) is None
    order = await client.place(SYMBOL, "buy", "1", "31000")
    async with asyncio.timeout(10):
        report = await anext(reports)
        balances = await anext(feed.balances())
    assert report.data.order_id == order.order_id
    assert "USDT" in balances


def test_a_sync_client_does_the_same(sync_client: SyncVenueClient, name: str) -> None:
    """Orders, iterators, order entry, streams and administration without await."""
    order = sync_client.place(SYMBOL, "buy", "0.01", "32000")
    assert [each.order_id for each in sync_client.orders(page_size=1)] == [order.order_id]
    assert sync_client.admin.account(name).balance("USDT").held > 0
    with sync_client.order_entry() as entry:
        futures = [entry.submit(place(SYMBOL, "buy", "0.01", 32_001 + n)) for n in range(50)]
        ids = [int(future.result(10).order_id) for future in futures]
        assert ids == sorted(ids)
        assert len(entry.cancel_all()) == 51
    feed = sync_client.feed()
    with feed.trades(["SOL-USDT"]) as trades:
        assert trades.receive(0.3) is None
        for side in SELL_THEN_BUY:
            sync_client.place("SOL-USDT", side, 1, 150, self_trade_prevention="none")
        assert next(trades).price_decimal == 150
        assert trades.position.seqs == {"SOL-USDT": 1}
    with pytest.raises(RequestRefused):
        sync_client.place(SYMBOL, "buy", "0.01")


def test_a_closed_sync_client_says_so(running: WholeVenue) -> None:
    """Closing twice is safe; using it afterwards is an error."""
    client = SyncVenueClient(running.gateway.url)
    client.instruments()
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.instruments()


def test_a_sync_client_tells_that_nobody_listens() -> None:
    """As the async one."""
    options = RestOptions(attempts_max=1)
    with SyncVenueClient("http://127.0.0.1:1", options=options) as client:
        with pytest.raises(Unreachable):
            client.instruments()
        with pytest.raises(Unreachable), client.order_entry():
            pass
