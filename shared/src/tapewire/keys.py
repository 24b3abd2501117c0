"""Every Redis key and channel of the venue. Field by field: docs/matching.md.

All keys share the hash tag `{tw}`, so that one atomic step may touch any of them and a Redis
Cluster keeps them on one node. The Lua library writes the same names.
"""

from tapewire.values.types import OrderId, Side, Symbol

PREFIX = "{tw}:"

EPOCH = PREFIX + "epoch"
INSTRUMENTS = PREFIX + "instruments"
DELISTED = PREFIX + "delisted"
BROKEN = PREFIX + "broken"
FORMAT = PREFIX + "format"
LIBRARIES = PREFIX + "libraries"
LAST_ORDER_ID = PREFIX + "last_order_id"
EXPIRING = PREFIX + "expiring"
DEAD_MAN = PREFIX + "dead_man"
FIRING = PREFIX + "firing"
AUCTIONS = PREFIX + "auctions"
JOURNAL = PREFIX + "journal"
LAST_COMMAND = PREFIX + "last_command"
ACCOUNTS = PREFIX + "accounts"
SUPPLY = PREFIX + "supply"
ASSETS = PREFIX + "assets"
API_KEYS = PREFIX + "api_keys"
# No command ever makes it. Every call of a function names it, because a Cluster that moves the slot
# refuses calls with a missing key. A write that names it proves that Redis accepts writes.
ABSENT = PREFIX + "absent"
# Written by gateways that have replicas confirm their commands; it says nothing and expires.
CONFIRMED = PREFIX + "confirmed"
# Redis TIME, in microseconds, when an operator said that the clock is right.
CLOCK_ACCEPTED = PREFIX + "clock_accepted"

# Of classes and competitions; no command of the matching library reads or writes them.
NOTICES = PREFIX + "contest:notices"
ROUND = PREFIX + "contest:round"
CONTEST_OPTIONS = PREFIX + "contest:options"
CONTEST_LOCK = PREFIX + "contest:lock"
ALIASES = PREFIX + "contest:aliases"
LEADERBOARDS = PREFIX + "contest:leaderboards"

TRADE_CHANNEL = "trade_events"
BOOK_CHANNEL = "book_updates"
MARKET_CHANNEL = "market_events"
ACCOUNT_CHANNEL = "account_events"
VENUE_CHANNEL = "venue_events"

# The account that collects fees. Clients cannot name it, because client names have no `@`.
FEE_ACCOUNT = "@fees"


def market(symbol: Symbol) -> str:
    """Hash: the instrument's numbers, the trade and book sequence, the last price."""
    return f"{PREFIX}market:{symbol}"


def order(order_id: OrderId) -> str:
    """Hash: one order with its fills."""
    return f"{PREFIX}order:{order_id}"


def queue(symbol: Symbol, side: Side) -> str:
    """Sorted set: the resting orders of one side, best price first, then by arrival."""
    return f"{PREFIX}queue:{symbol}:{side}"


def levels(symbol: Symbol, side: Side) -> str:
    """Hash: price in ticks -> resting lots at that price."""
    return f"{PREFIX}levels:{symbol}:{side}"


def replay_log(symbol: Symbol) -> str:
    """Stream: every trade of the symbol; the entry id is the trade's seq."""
    return f"{PREFIX}trades:{symbol}"


def candle_now(symbol: Symbol) -> str:
    """Hash: base interval in seconds -> the newest candle of it."""
    return f"{PREFIX}candle_now:{symbol}"


def candles(symbol: Symbol, base_s: int) -> str:
    """Stream: every closed candle of a base interval; the entry id is its start in milliseconds."""
    return f"{PREFIX}candles:{symbol}:{base_s}"


def client_order(account: str, client_order_id: str) -> str:
    """String: the order id for this client order id of the account."""
    return f"{PREFIX}client_order:{account}:{client_order_id}"


def client_list(account: str, client_list_id: str) -> str:
    """String: the list id for this client list id of the account."""
    return f"{PREFIX}client_list:{account}:{client_list_id}"


def stops(symbol: Symbol, side: Side) -> str:
    """Sorted set: the waiting stop orders of one side."""
    return f"{PREFIX}stops:{symbol}:{side}"


def open_orders(account: str, symbol: Symbol) -> str:
    """Sorted set: the account's open orders in a symbol, by order number."""
    return f"{PREFIX}open:{account}:{symbol}"


def order_history(account: str) -> str:
    """Stream that data of format 1 has; `account_log` says the same (matching/upgrade.py)."""
    return f"{PREFIX}orders:{account}"


def fill_history(account: str) -> str:
    """Stream that data of format 1 has; `account_log` says the same (matching/upgrade.py)."""
    return f"{PREFIX}fills:{account}"


def account(name: str) -> str:
    """Hash: the account's profile, balances per asset, limits per symbol, sequences."""
    return f"{PREFIX}account:{name}"


def account_log(name: str) -> str:
    """Stream: events of the account's orders and balances."""
    return f"{PREFIX}account_log:{name}"


def transfer(account: str, reference: str) -> str:
    """String: the deposit or withdrawal with this reference."""
    return f"{PREFIX}transfer:{account}:{reference}"


def api_key(key_id: str) -> str:
    """Hash: one API key, without its secret."""
    return f"{PREFIX}api_key:{key_id}"


def account_fold(name: str) -> str:
    """String: the result of an account, folded from its log."""
    return f"{PREFIX}contest:fold:{name}"


def round_start(number: int) -> str:
    """String: the figures of every account when a round opened."""
    return f"{PREFIX}contest:start:{number}"


def round_results(number: int) -> str:
    """String: the leaderboard of a round that ended."""
    return f"{PREFIX}contest:results:{number}"


def canary_channel(instance: str) -> str:
    """Channel on which a market-data process receives its own canary messages."""
    return f"tapewire_canary:{instance}"
