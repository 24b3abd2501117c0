"""Counters and gauges of one process at `/metrics`, in Prometheus' text format.

Read from the objects that count, at the moment of the scrape: nothing is counted twice.
"""

from collections.abc import Callable, Iterator, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from market_data.clients.conversation import Conversations
from market_data.fanout.hub import Hub
from market_data.fanout.memory_budget import MemoryBudget
from market_data.feed.canary import Canary
from market_data.feed.feed import Feed
from market_data.http.trade_stream import TradeStreams

Reading = tuple[str, Callable[[], float]]


class ProcessMetrics(Collector):
    """What one market-data process tells of itself."""

    def __init__(self, gauges: Mapping[str, Reading], counters: Mapping[str, Reading]) -> None:
        self._gauges = gauges
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """Read everything now."""
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(f"tapewire_{name}", text, value=read())
        for name, (text, read) in self._counters.items():
            yield CounterMetricFamily(f"tapewire_{name}", text, value=read())


def market_data_metrics(
    feed: Feed,
    hub: Hub,
    canary: Canary,
    *,
    conversations: Conversations,
    streams: TradeStreams,
    budget: MemoryBudget,
) -> ProcessMetrics:
    """The figures of docs/operations.md."""
    counters, accounts = feed.counters, feed.accounts
    return ProcessMetrics(
        gauges={
            "websocket_clients": ("Connected WebSocket clients", lambda: len(hub.sessions)),
            "event_streams": ("Open server-sent event streams", lambda: streams.active),
            "subscription_groups": ("Different subscriptions", lambda: hub.group_count),
            "feed_memory_bytes": ("Bytes that wait for slow clients", budget.used_bytes),
            "accounts_followed": ("Accounts that clients listen to", lambda: len(accounts.names)),
            "redis_subscribed": ("Whether the subscription works", lambda: int(feed.subscribed)),
            "canary_round_trip_seconds": (
                "How long the last canary took through Redis",
                lambda: canary.round_trip_s,
            ),
        },
        counters={
            "trades": ("Trades sent to subscribers", lambda: counters.trades),
            "trades_refilled": ("Trades read from the replay log", lambda: counters.refilled),
            "trades_lost": ("Trades that left the log unread", lambda: counters.lost),
            "execution_reports": ("Reports sent to subscribers", lambda: counters.reports),
            "account_messages_refilled": (
                "Messages of accounts read from their logs",
                lambda: counters.account_messages_refilled,
            ),
            "account_messages_lost": (
                "Messages of accounts that left their logs unread",
                lambda: counters.account_messages_lost,
            ),
            "garbage_messages": ("Messages on our channels not ours", lambda: counters.garbage),
            "redis_reconnects": ("Subscriptions made anew", lambda: counters.reconnects),
            "slow_disconnects": ("Clients closed as too slow", lambda: hub.slow_disconnects),
            "gap_notices": ("Gaps told to lagging clients", lambda: hub.gaps),
            "messages_skipped": ("Messages lagging clients missed", lambda: hub.skipped),
            "request_errors": ("Requests refused on WebSockets", lambda: conversations.errors),
            "stalled_streams": ("Event streams that took nothing", lambda: streams.stalled_streams),
        },
    )


router = APIRouter()


@router.get(
    "/metrics",
    tags=["health"],
    summary="Counters in Prometheus' text format",
    response_class=PlainTextResponse,
)
def metrics(request: Request) -> Response:
    """Figures of this process only; with several workers, scrapes meet them in turn."""
    registry = CollectorRegistry()
    registry.register(request.app.state.metrics)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
