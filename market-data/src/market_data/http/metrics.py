"""The figures of a market-data process, beside those that every service has."""

from collections.abc import Callable

from market_data.fanout.audience import Audience
from market_data.fanout.hub import Hub
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.http.trade_stream import TradeStreams
from tapewire.web.metrics import Readings


def market_data_metrics(
    feed: Feed,
    hub: Hub,
    canary: Canary,
    *,
    audience: Audience,
    request_errors: Callable[[], int],
    streams: TradeStreams,
) -> Readings:
    """The figures of docs/operations.md."""
    counters, accounts = feed.counters, feed.accounts
    return Readings(
        gauges={
            "websocket_clients": ("Connected WebSocket clients", lambda: audience.clients),
            "event_streams": ("Open server-sent event streams", lambda: streams.active),
            "subscription_groups": ("Groups of equal subscriptions", lambda: audience.groups),
            "feed_memory_bytes": ("Bytes that wait for slow clients", audience.used_bytes),
            "accounts_followed": ("Accounts that clients follow", lambda: len(accounts.names)),
            "redis_subscribed": ("Whether the subscription works", lambda: int(feed.subscribed)),
            "canary_round_trip_seconds": (
                "How long the last canary took through Redis",
                lambda: canary.round_trip_s,
            ),
        },
        counters={
            "trades": ("Trades sent to subscribers", lambda: counters.trades),
            "trades_refilled": ("Trades read from the replay log", lambda: counters.refilled),
            "trades_lost": ("Trades that left the replay log unread", lambda: counters.lost),
            "execution_reports": ("Reports sent to subscribers", lambda: counters.reports),
            "account_messages_refilled": (
                "Messages of accounts read from their logs",
                lambda: counters.account_messages_refilled,
            ),
            "account_messages_lost": (
                "Messages of accounts that left their logs unread",
                lambda: counters.account_messages_lost,
            ),
            "garbage_messages": ("Messages of other programs", lambda: counters.garbage),
            "redis_reconnects": ("Subscriptions that were renewed", lambda: counters.reconnects),
            "slow_disconnects": ("Clients closed as too slow", lambda: audience.slow_disconnects),
            "gap_notices": ("Gap messages to lagging clients", lambda: hub.terms.gaps),
            "messages_skipped": ("Messages that lagging clients missed", lambda: hub.terms.skipped),
            "request_errors": ("Requests refused on WebSockets", request_errors),
            "stalled_streams": ("Event streams that did not read", lambda: streams.stalled_streams),
        },
    )
