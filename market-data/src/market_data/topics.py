"""What a client may ask for, and how it is written. Pure.

A channel is `trades`, `bbo`, `book` (all levels), `book10`, `book50`, or `candles:<interval>`
(`candles` alone means one minute); for one account `orders` and `balances`. A subscription is a set
of (channel, symbol) topics; those of an account have it in the place of the symbol.
"""

from collections.abc import Collection, Iterable

from market_data.errors import RequestError
from market_data.fanout.hub import EVERY_SYMBOL, Subscription, Topic, normalised
from market_data.fanout.lag import ACCOUNT_CHANNELS, BALANCES, ORDERS, TRADES
from market_data.market.books import BBO_CHANNEL, BOOK_CHANNELS
from market_data.market.candles import INTERVALS

PUBLIC_CHANNELS = (
    TRADES, BBO_CHANNEL, *BOOK_CHANNELS, *(f"candles:{name}" for name in INTERVALS),
)  # fmt: skip
CHANNELS = (*PUBLIC_CHANNELS, ORDERS, BALANCES)

_SHORT_NAMES = {"candles": "candles:1m"}

# Topics of one client; a wildcard counts as one.
TOPICS_MAX = 1_000


def read_topics(
    channels: Iterable[str],
    symbols: Iterable[str],
    known_symbols: Collection[str],
    account: str | None = None,
) -> Subscription:
    """Every channel for every symbol, those of an account for it alone.

    No symbol, or `*`, means all of them. Raises RequestError: unknown_channel, unknown_symbol,
    too_many_subscriptions, authentication_required (a private channel without an account).
    """
    names = {_SHORT_NAMES.get(channel, channel) for channel in channels}
    for name in sorted(names):
        if name not in CHANNELS:
            raise RequestError(
                "unknown_channel", f"{_shown(name)} is not a channel; there are {_listed(CHANNELS)}"
            )
    wanted = set(symbols) or {EVERY_SYMBOL}
    for symbol in sorted(wanted):
        if symbol != EVERY_SYMBOL and symbol not in known_symbols:
            raise RequestError("unknown_symbol", f"{_shown(symbol)} is not traded here")
    private = names & ACCOUNT_CHANNELS
    topics = normalised(frozenset((name, symbol) for name in names - private for symbol in wanted))
    if private:
        if account is None:
            raise RequestError(
                "authentication_required", f"{min(private)} is private: authenticate first"
            )
        topics |= {(name, account) for name in private}
    if len(topics) > TOPICS_MAX:
        raise RequestError("too_many_subscriptions", f"at most {TOPICS_MAX} per client")
    return topics


def added(current: Subscription, more: Subscription) -> Subscription:
    """The union. Raises RequestError too_many_subscriptions."""
    topics = normalised(current | more)
    if len(topics) > TOPICS_MAX:
        raise RequestError("too_many_subscriptions", f"at most {TOPICS_MAX} per client")
    return topics


def removed(current: Subscription, less: Subscription) -> Subscription:
    """What is left. Raises RequestError not_subscribed if one of them is not there."""
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


def written(topic: Topic) -> str:
    """A topic as acknowledgements show it: `trades`, `bbo:BTC-USDT`, `candles:1m:ETH-USDT`."""
    channel, symbol = topic
    return channel if symbol == EVERY_SYMBOL else f"{channel}:{symbol}"


def covers(subscription: Subscription, channel: str, symbol: str) -> bool:
    """Whether the subscription includes a channel of a symbol."""
    return (channel, symbol) in subscription or (channel, EVERY_SYMBOL) in subscription


def symbols_of(subscription: Subscription, channel: str, known: Iterable[str]) -> list[str]:
    """The known symbols of which the subscription includes the channel, sorted.

    Of a private channel, its account.
    """
    if channel in ACCOUNT_CHANNELS:
        return sorted(name for topic, name in subscription if topic == channel)
    return sorted(symbol for symbol in known if covers(subscription, channel, symbol))


def _has_channel(current: Subscription, channel: str) -> bool:
    return any(name == channel for name, _ in current)


def _shown(name: str) -> str:
    return repr(name[:40])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
