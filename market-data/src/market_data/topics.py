"""The vocabulary of subscriptions: channels, topics, and which topics a request names. Pure.

A topic is a channel and a symbol. In a topic of a private channel the account takes the place of
the symbol. A subscription is a set of topics.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from market_data.errors import RequestError
from tapewire.market.candles import INTERVAL_NAMES

Topic: TypeAlias = tuple[str, str]
"""(channel, symbol or account)"""

Subscription: TypeAlias = frozenset[Topic]

EVERY_SYMBOL = "*"
"""The symbol of a topic that covers all symbols of its channel, also those that are added later."""

Depth: TypeAlias = Literal[10, 50, "all"]

TRADES = "trades"
BBO = "bbo"
ORDERS = "orders"
BALANCES = "balances"

BOOK_DEPTHS: Mapping[str, Depth] = MappingProxyType({"book": "all", "book10": 10, "book50": 50})
"""The channels of books, and how many levels of each side they show."""

CANDLES: Mapping[str, str] = MappingProxyType({name: f"candles:{name}" for name in INTERVAL_NAMES})
"""The channel of each interval."""

PUBLIC_CHANNELS = (TRADES, BBO, *BOOK_DEPTHS, *CANDLES.values())
ACCOUNT_CHANNELS = frozenset({ORDERS, BALANCES})
"""The private channels: of one account; a request names no symbols for them."""

CHANNELS = (*PUBLIC_CHANNELS, ORDERS, BALANCES)

STATE_CHANNELS = frozenset({BBO})
"""Numbered channels whose newest message replaces the earlier ones of its symbol."""

RESUMED_CHANNELS = frozenset({TRADES, ORDERS})
"""The channels that a client resumes by number."""

STARTING_STATES = (BBO, *BOOK_DEPTHS, *CANDLES.values(), BALANCES)
"""The channels whose subscribers are sent the present state first."""

HEARTBEATS = "heartbeat"
"""Not a channel that clients name: of the heartbeats that wait for a client the newest counts."""

TOPICS_MAX = 1_000
"""Topics of one client; all symbols of a channel count as one."""

_SHORT_NAMES = {"candles": CANDLES["1m"]}
_NAME_CHARACTERS_SHOWN_MAX = 40


def full_name(channel: str) -> str:
    """The name of a channel that may have a short one: `candles` is `candles:1m`."""
    return _SHORT_NAMES.get(channel, channel)


def read_topics(
    channels: Iterable[str],
    symbols: Iterable[str],
    known_symbols: Collection[str],
    account: str | None = None,
) -> Subscription:
    """Every public channel for every symbol, and every private channel for the account.

    No symbol, or `*`, means all symbols. Raises RequestError: unknown_channel, unknown_symbol,
    too_many_subscriptions, authentication_required (a private channel without an account).
    """
    names = {full_name(channel) for channel in channels}
    for name in sorted(names):
        if name not in CHANNELS:
            raise RequestError(
                "unknown_channel",
                f"{_shown(name)} is not a channel; the channels are {', '.join(CHANNELS)}",
            )
    wanted = set(symbols) or {EVERY_SYMBOL}
    for symbol in sorted(wanted):
        if symbol != EVERY_SYMBOL and symbol not in known_symbols:
            raise RequestError(
                "unknown_symbol",
                f"{_shown(symbol)} is not traded here; GET /v1/instruments of the gateway lists "
                "all symbols",
            )
    private = names & ACCOUNT_CHANNELS
    topics = normalised(frozenset((name, symbol) for name in names - private for symbol in wanted))
    if private:
        if account is None:
            raise RequestError(
                "authentication_required", f"{min(private)} is private: authenticate first"
            )
        topics |= {(name, account) for name in private}
    return _counted(topics)


def added(current: Subscription, more: Subscription) -> Subscription:
    """The union. Raises RequestError too_many_subscriptions."""
    return _counted(normalised(current | more))


def removed(current: Subscription, less: Subscription) -> Subscription:
    """The remaining topics. Raises RequestError not_subscribed for a topic that `current` lacks."""
    everything = {channel for channel, symbol in less if symbol == EVERY_SYMBOL}
    for topic in sorted(less):
        channel, symbol = topic
        if topic in current or (symbol == EVERY_SYMBOL and _has_channel(current, channel)):
            continue
        hint = ""
        if (channel, EVERY_SYMBOL) in current:
            hint = f"; you get {channel} of every symbol, which only ends as a whole"
        raise RequestError("not_subscribed", f"not subscribed to {written(topic)}{hint}")
    return frozenset(topic for topic in current - less if topic[0] not in everything)


def normalised(subscription: Subscription) -> Subscription:
    """The subscription without symbols that all symbols of their channel cover."""
    channels = {channel for channel, symbol in subscription if symbol == EVERY_SYMBOL}
    return frozenset(
        (channel, symbol)
        for channel, symbol in subscription
        if symbol == EVERY_SYMBOL or channel not in channels
    )


def written(topic: Topic) -> str:
    """A topic as acknowledgements show it: `trades`, `bbo:BTC-USDT`, `candles:1m:ETH-USDT`."""
    channel, symbol = topic
    return channel if symbol == EVERY_SYMBOL else f"{channel}:{symbol}"


def seq_name(topic: Topic) -> str:
    """The client's name for the numbers of a topic: the symbol for trades, else the channel."""
    channel, symbol = topic
    return symbol if channel == TRADES else channel


def covering(topic: Topic) -> tuple[Topic, Topic]:
    """The two topics either of which brings the messages of `topic`."""
    return topic, (topic[0], EVERY_SYMBOL)


def covers(subscription: Subscription, channel: str, symbol: str) -> bool:
    """Whether the subscription includes a channel of a symbol."""
    return (channel, symbol) in subscription or (channel, EVERY_SYMBOL) in subscription


def follows(subscription: Subscription, symbol: str) -> bool:
    """Whether the subscription includes any public channel of a symbol."""
    return any(
        name in {symbol, EVERY_SYMBOL} and channel not in ACCOUNT_CHANNELS
        for channel, name in subscription
    )


def symbols_of(subscription: Subscription, channel: str, known: Iterable[str]) -> list[str]:
    """The known symbols of which the subscription includes the channel, sorted.

    Of a private channel, its account.
    """
    if channel in ACCOUNT_CHANNELS:
        return sorted(name for topic, name in subscription if topic == channel)
    return sorted(symbol for symbol in known if covers(subscription, channel, symbol))


def _counted(topics: Subscription) -> Subscription:
    if len(topics) > TOPICS_MAX:
        raise RequestError("too_many_subscriptions", f"at most {TOPICS_MAX} topics per client")
    return topics


def _has_channel(current: Subscription, channel: str) -> bool:
    return any(name == channel for name, _ in current)


def _shown(name: str) -> str:
    return repr(name[:_NAME_CHARACTERS_SHOWN_MAX])
