"""The venue for programs: every operation, the feed, and order entry over WebSocket."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tapewire.client import admin_calls, contest_calls, market_calls, order_calls, pair_calls
from tapewire.client.addresses import find_addresses
from tapewire.client.calls import Call
from tapewire.client.link import LinkOptions
from tapewire.client.market_data import MarketDataClient, OnLag
from tapewire.client.methods import AsyncSender, awaited, awaited_items
from tapewire.client.order_entry import OrderEntry
from tapewire.client.rest import RestOptions, RestSender
from tapewire.client.stream import OnGap

Result = TypeVar("Result")


class Admin:
    """The operations of an administrator: `client.admin`."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    change_market = awaited(admin_calls.change_market)
    publish_instrument = awaited(admin_calls.publish_instrument)
    delist_instrument = awaited(admin_calls.delist_instrument)
    accounts = awaited_items(admin_calls.accounts)
    account = awaited(admin_calls.account)
    deposit = awaited(admin_calls.deposit)
    withdraw = awaited(admin_calls.withdraw)
    change_account = awaited(admin_calls.change_account)
    change_limits = awaited(admin_calls.change_limits)
    kill_account = awaited(admin_calls.kill_account)
    kill = awaited(admin_calls.kill)
    resume = awaited(admin_calls.resume)
    create_key = awaited(admin_calls.create_key)
    keys = awaited_items(admin_calls.keys)
    revoke_key = awaited(admin_calls.revoke_key)

    send_notice = awaited(contest_calls.send_notice)
    schedule_round = awaited(contest_calls.schedule_round)
    move_round = awaited(contest_calls.move_round)
    end_round = awaited(contest_calls.end_round)
    all_round_results = awaited(contest_calls.all_round_results)
    whole_leaderboard = awaited(contest_calls.whole_leaderboard)
    leaderboard_options = awaited(contest_calls.leaderboard_options)
    change_leaderboard_options = awaited(contest_calls.change_leaderboard_options)
    set_alias = awaited(contest_calls.set_alias)
    reset = awaited(contest_calls.reset)
    audit = awaited(contest_calls.audit)

    async def run(self, call: Call[Result]) -> Result:
        """Send a call. Raises as `VenueClient` does."""
        return await self._sender.run(call)


class VenueClient:
    """One account at one venue. `SyncVenueClient` has the same methods without `await`.

    Every method raises RequestRefused if the venue says no, Unreachable if no connection was made,
    OutcomeUnknown if an answer was lost in every attempt (place the order again with the same
    `client_order_id` to learn what became of it), and Unavailable if the venue cannot serve now.
    """

    def __init__(
        self,
        venue: str | os.PathLike[str] | None = None,
        *,
        market_data_url: str | None = None,
        account: str | None = None,
        api_key: str | None = None,
        ca_file: Path | None = None,
        options: RestOptions | None = None,
    ) -> None:
        """`venue` is a data directory or the URL of a gateway, as for `tapewire --venue`.

        Without `venue`: TAPEWIRE_VENUE, a venue in `.tapewire` of the current directory, the
        default ports of this machine. The feed of a gateway at a URL is expected on the next port,
        unless `market_data_url` says where. At a venue with keys `api_key` says whose orders they
        are, at an open venue `account` does (default: `demo`). `ca_file` has the certificates to
        trust (PEM) instead of the usual ones. Raises ConfigurationError.
        """
        self._addresses = find_addresses(venue, market_data_url, ca_file)
        options = options or RestOptions()
        self._options = replace(
            options,
            account=account or options.account,
            api_key=api_key or options.api_key,
        )
        self._sender = RestSender(self._addresses, self._options)
        self._opened: list[OrderEntry | MarketDataClient] = []
        self.admin = Admin(self._sender)

    place = awaited(order_calls.place)
    replace = awaited(pair_calls.replace)
    place_list = awaited(pair_calls.place_list)
    cancel_list = awaited(pair_calls.cancel_list)
    order_list = awaited(pair_calls.order_list)
    open_lists = awaited_items(pair_calls.open_lists)
    amend = awaited(order_calls.amend)
    cancel = awaited(order_calls.cancel)
    order = awaited(order_calls.order)
    cancel_all = awaited(order_calls.cancel_all)
    orders = awaited_items(order_calls.orders)
    fills = awaited_items(order_calls.fills)
    account = awaited(order_calls.account)
    batch = awaited(order_calls.batch)
    cancel_all_after = awaited(order_calls.cancel_all_after)

    performance = awaited(contest_calls.performance)
    leaderboard = awaited(contest_calls.leaderboard)
    round_now = awaited(contest_calls.round_now)
    round_results = awaited(contest_calls.round_results)
    notices = awaited(contest_calls.notices)

    instruments = awaited(market_calls.instruments)
    instrument = awaited(market_calls.instrument)
    time = awaited(market_calls.time)
    trades = awaited_items(market_calls.trades)
    book = awaited(market_calls.book)
    bbo = awaited(market_calls.bbo)
    ticker = awaited(market_calls.ticker)
    auction = awaited(market_calls.auction)
    candles = awaited(market_calls.candles)
    health = awaited(market_calls.health)
    alive = awaited(market_calls.alive)
    readiness = awaited(market_calls.readiness)
    metrics = awaited(market_calls.metrics)
    feed_health = awaited(market_calls.feed_health)
    feed_alive = awaited(market_calls.feed_alive)
    feed_readiness = awaited(market_calls.feed_readiness)
    feed_metrics = awaited(market_calls.feed_metrics)

    async def run(self, call: Call[Result]) -> Result:
        """Send a call of `tapewire.client.calls`."""
        return await self._sender.run(call)

    def order_entry(self, *, cancel_on_disconnect: bool = False) -> OrderEntry:
        """Order entry over WebSocket, many requests in flight; `async with` connects it."""
        entry = OrderEntry(
            self._addresses.gateway, self._options, cancel_on_disconnect=cancel_on_disconnect
        )
        self._keep(entry)
        return entry

    def feed(
        self,
        *,
        on_gap: OnGap = "raise",
        on_lag: OnLag = "disconnect",
        on_trouble: Callable[[str], None] | None = None,
    ) -> MarketDataClient:
        """The public and private streams of the same account."""
        options, address = self._options, self._addresses.feed
        feed = MarketDataClient(
            address.websocket_url,
            on_gap=on_gap,
            on_lag=on_lag,
            on_trouble=on_trouble,
            api_key=options.api_key,
            account=options.account,
            options=LinkOptions(ca_file=address.ca_file),
        )
        self._keep(feed)
        return feed

    def _keep(self, opened: OrderEntry | MarketDataClient) -> None:
        """Close it with this client, unless it is closed before."""
        self._opened = [*(each for each in self._opened if not each.closed), opened]

    async def aclose(self) -> None:
        """Close the connections, those of order entries and feeds too. Safe to call twice."""
        for opened in self._opened:
            await opened.aclose()
        await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
