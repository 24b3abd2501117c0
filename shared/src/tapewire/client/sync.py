"""The same clients without `await`: they run the async ones on an event loop in a thread."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tapewire.client import admin_calls, contest_calls, market_calls, order_calls, pair_calls
from tapewire.client.calls import Call
from tapewire.client.loop_thread import LoopThread
from tapewire.client.market_data import OnLag
from tapewire.client.methods import SyncSender, blocking, blocking_items
from tapewire.client.rest import RestOptions
from tapewire.client.stream import OnGap
from tapewire.client.sync_streams import SyncMarketDataClient, SyncOrderEntry
from tapewire.client.venue import VenueClient

Result = TypeVar("Result")


class SyncAdmin:
    """The operations of an administrator: `client.admin`."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    change_market = blocking(admin_calls.change_market)
    publish_instrument = blocking(admin_calls.publish_instrument)
    delist_instrument = blocking(admin_calls.delist_instrument)
    accounts = blocking_items(admin_calls.accounts)
    account = blocking(admin_calls.account)
    deposit = blocking(admin_calls.deposit)
    withdraw = blocking(admin_calls.withdraw)
    change_account = blocking(admin_calls.change_account)
    change_limits = blocking(admin_calls.change_limits)
    kill_account = blocking(admin_calls.kill_account)
    kill = blocking(admin_calls.kill)
    resume = blocking(admin_calls.resume)
    create_key = blocking(admin_calls.create_key)
    keys = blocking_items(admin_calls.keys)
    revoke_key = blocking(admin_calls.revoke_key)

    send_notice = blocking(contest_calls.send_notice)
    schedule_round = blocking(contest_calls.schedule_round)
    move_round = blocking(contest_calls.move_round)
    end_round = blocking(contest_calls.end_round)
    all_round_results = blocking(contest_calls.all_round_results)
    whole_leaderboard = blocking(contest_calls.whole_leaderboard)
    leaderboard_options = blocking(contest_calls.leaderboard_options)
    change_leaderboard_options = blocking(contest_calls.change_leaderboard_options)
    set_alias = blocking(contest_calls.set_alias)
    reset = blocking(contest_calls.reset)
    audit = blocking(contest_calls.audit)

    def run(self, call: Call[Result]) -> Result:
        """Send a call. Raises as `SyncVenueClient` does."""
        return self._sender.run(call)


class SyncVenueClient:
    """`VenueClient` without `await`; it may be used by several threads."""

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
        """As `VenueClient`."""
        self._client = VenueClient(
            venue,
            market_data_url=market_data_url,
            account=account,
            api_key=api_key,
            ca_file=ca_file,
            options=options,
        )
        self._thread = LoopThread()
        self.admin = SyncAdmin(self)

    place = blocking(order_calls.place)
    replace = blocking(pair_calls.replace)
    place_list = blocking(pair_calls.place_list)
    cancel_list = blocking(pair_calls.cancel_list)
    order_list = blocking(pair_calls.order_list)
    open_lists = blocking_items(pair_calls.open_lists)
    amend = blocking(order_calls.amend)
    cancel = blocking(order_calls.cancel)
    order = blocking(order_calls.order)
    cancel_all = blocking(order_calls.cancel_all)
    orders = blocking_items(order_calls.orders)
    fills = blocking_items(order_calls.fills)
    account = blocking(order_calls.account)
    batch = blocking(order_calls.batch)
    cancel_all_after = blocking(order_calls.cancel_all_after)

    performance = blocking(contest_calls.performance)
    leaderboard = blocking(contest_calls.leaderboard)
    round_now = blocking(contest_calls.round_now)
    round_results = blocking(contest_calls.round_results)
    notices = blocking(contest_calls.notices)

    instruments = blocking(market_calls.instruments)
    instrument = blocking(market_calls.instrument)
    time = blocking(market_calls.time)
    trades = blocking_items(market_calls.trades)
    book = blocking(market_calls.book)
    bbo = blocking(market_calls.bbo)
    ticker = blocking(market_calls.ticker)
    auction = blocking(market_calls.auction)
    candles = blocking(market_calls.candles)
    health = blocking(market_calls.health)
    alive = blocking(market_calls.alive)
    readiness = blocking(market_calls.readiness)
    metrics = blocking(market_calls.metrics)
    feed_health = blocking(market_calls.feed_health)
    feed_alive = blocking(market_calls.feed_alive)
    feed_readiness = blocking(market_calls.feed_readiness)
    feed_metrics = blocking(market_calls.feed_metrics)

    def run(self, call: Call[Result]) -> Result:
        """Send a call of `tapewire.client.calls`."""
        return self._thread.run(self._client.run(call))

    def order_entry(self, *, cancel_on_disconnect: bool = False) -> SyncOrderEntry:
        """Order entry over WebSocket; `with` connects it."""
        entry = self._client.order_entry(cancel_on_disconnect=cancel_on_disconnect)
        return SyncOrderEntry(entry, self._thread)

    def feed(
        self,
        *,
        on_gap: OnGap = "raise",
        on_lag: OnLag = "disconnect",
        on_trouble: Callable[[str], None] | None = None,
    ) -> SyncMarketDataClient:
        """The public and private streams of the same account."""
        feed = self._client.feed(on_gap=on_gap, on_lag=on_lag, on_trouble=on_trouble)
        return SyncMarketDataClient(feed, self._thread)

    def close(self) -> None:
        """Close the connections, those of order entries and streams too. Safe to call twice."""
        if not self._thread.closed:
            self._thread.run(self._client.aclose())
            self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
