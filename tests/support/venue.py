"""A venue for matching tests: the real engine, its Redis, and what it published.

Numbers are ticks and lots. `ODD` has a tick of 0.25 and a lot of 5; `HUGE` reaches up to 2^53.
"""

import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import redis.asyncio

from tapewire import keys
from tapewire.errors import StaleInstrument
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.engine import Engine, Placement
from tapewire.matching.queries import Queries
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async
from tapewire.values.instruments import parse_instruments
from tapewire.values.types import (
    Account,
    Instrument,
    Lots,
    Order,
    OrderCommand,
    OrderId,
    OrderType,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

# How long a busy machine may let Redis stand still in tests about what commands do.
STALL_MAX_S = 60.0

BTC = Symbol("BTC-USDT")
ODD = Symbol("ODD")
HUGE = Symbol("HUGE")
ALICE = Account("alice")
BOB = Account("bob")

HUGE_TICKS_MAX = 2**26
HUGE_LOTS_MAX = EXACT_INTEGER_MAX // HUGE_TICKS_MAX

_INSTRUMENTS = f"""
[[instrument]]
symbol = "{BTC}"
base = "BTC"
quote = "USDT"
tick_size = "0.01"
lot_size = "0.00001"
min_quantity = "0.00001"
max_quantity = "100"

[[instrument]]
symbol = "{ODD}"
base = "SHARE"
quote = "DOLLAR"
tick_size = "0.25"
lot_size = "5"
min_quantity = "5"
max_quantity = "1000000"

[[instrument]]
symbol = "{HUGE}"
base = "HUGE"
quote = "WHOLE"
tick_size = "1"
lot_size = "1"
min_quantity = "1"
max_quantity = "{HUGE_LOTS_MAX}"
base_decimals = 0
quote_decimals = 0
"""
INSTRUMENTS: Mapping[Symbol, Instrument] = parse_instruments(_INSTRUMENTS, "the tests")

_TIMES_IN_FORCE = {
    OrderType.LIMIT: TimeInForce.GTC,
    OrderType.MARKET: TimeInForce.IOC,
    OrderType.IOC: TimeInForce.IOC,
    OrderType.FOK: TimeInForce.FOK,
}

# The keys that live as long as the venue; all else is about one order and ends some time after it.
PERMANENT_KEYS = (
    "epoch",
    "clock_accepted",
    "broken",
    "instruments",
    "delisted",
    "last_order_id",
    "last_command",
    "market:",
    "format",
    "firing",
    "auctions",
    "libraries",
    "queue:",
    "levels:",
    "trades:",
    "candle_now:",
    "candles:",
    "journal",
    "open:",
    "stops:",
    "expiring",
    "dead_man",
    "account:",
    "account_log:",
    "accounts",
    "assets",
    "supply",
)


def order_command(
    side: Side,
    lots: int,
    ticks: int | None = None,
    order_type: OrderType | None = None,
    *,
    symbol: Symbol = BTC,
    account: Account = ALICE,
    client_order_id: str | None = None,
) -> OrderCommand:
    """A command; without `order_type` it is a limit order if it has a price, else a market one."""
    kind = order_type or (OrderType.MARKET if ticks is None else OrderType.LIMIT)
    return OrderCommand(
        account=account,
        symbol=symbol,
        side=side,
        order_type=kind,
        time_in_force=_TIMES_IN_FORCE[kind],
        quantity_lots=Lots(lots),
        price_ticks=None if ticks is None else Ticks(ticks),
        client_order_id=client_order_id,
    )


_READ_ALL: Mapping[str, Callable[[bytes], tuple[bytes | str | int, ...]]] = {
    "string": lambda name: ("GET", name),
    "hash": lambda name: ("HGETALL", name),
    "set": lambda name: ("SMEMBERS", name),
    "zset": lambda name: ("ZRANGE", name, 0, -1, "WITHSCORES"),
    "stream": lambda name: ("XRANGE", name, "-", "+"),
}


@dataclass(frozen=True, slots=True)
class Resting:
    """One order in the book, as the queue and its record show it."""

    order_id: str
    ticks: int
    lots: int


@dataclass(frozen=True, slots=True)
class Venue:
    """One engine, and a client that looks at what it wrote."""

    engine: Engine
    client: AsyncRedis

    @property
    def queries(self) -> Queries:
        """The reads of the same venue."""
        return Queries(self.engine.batcher)

    async def submit(
        self,
        side: Side,
        lots: int,
        ticks: int | None = None,
        order_type: OrderType | None = None,
        *,
        symbol: Symbol = BTC,
        account: Account = ALICE,
        client_order_id: str | None = None,
    ) -> Placement:
        """Place one order; see `order_command`. The instrument may be another one's by now."""
        command = order_command(
            side,
            lots,
            ticks,
            order_type,
            symbol=symbol,
            account=account,
            client_order_id=client_order_id,
        )
        try:
            return await self.engine.place(command)
        except StaleInstrument:
            instrument, _ = (await self.queries.instruments())[symbol]
            return await self.engine.place(replace(command, revision=instrument.revision))

    async def buy(
        self, lots: int, ticks: int | None = None, kind: OrderType | None = None, **more: Any
    ) -> Order:
        """Place a buy order."""
        return (await self.submit(Side.BUY, lots, ticks, kind, **more)).order

    async def sell(
        self, lots: int, ticks: int | None = None, kind: OrderType | None = None, **more: Any
    ) -> Order:
        """Place a sell order."""
        return (await self.submit(Side.SELL, lots, ticks, kind, **more)).order

    async def order(self, order: Order | str, account: Account = ALICE) -> Order:
        """Read an order as it stands."""
        order_id = order if isinstance(order, str) else order.order_id
        return await self.queries.order(account, OrderId(order_id))

    async def cancel(self, order: Order | str, account: Account = ALICE) -> Order:
        """Cancel an order."""
        order_id = order if isinstance(order, str) else order.order_id
        return await self.engine.cancel(account, OrderId(order_id))

    async def queue(self, side: Side, symbol: Symbol = BTC) -> list[Resting]:
        """Every resting order of one side, the next one to trade first."""
        client: Any = self.client
        members = await client.zrange(keys.queue(symbol, side), 0, -1, withscores=True)
        resting = []
        for member, score in members:
            order_id = member.decode().partition(":")[2]
            order = await self.queries.order(await self._owner(order_id), OrderId(order_id))
            lots = order.quantity_lots - order.executed_lots
            resting.append(Resting(order_id, abs(int(score)), lots))
        return resting

    async def depth(self, side: Side, symbol: Symbol = BTC) -> list[tuple[int, int]]:
        """Ticks and lots of every level of one side, best first."""
        client: Any = self.client
        levels = await client.hgetall(keys.levels(symbol, side))
        rows = [(int(ticks), int(lots)) for ticks, lots in levels.items()]
        return sorted(rows, reverse=side is Side.BUY)

    async def log(self, symbol: Symbol = BTC) -> list[bytes]:
        """The replay log: the published JSON of every trade, oldest first."""
        client: Any = self.client
        return [fields[b"event"] for _, fields in await client.xrange(keys.replay_log(symbol))]

    async def trades(self, symbol: Symbol = BTC) -> list[dict[str, Any]]:
        """The replay log, decoded."""
        return [json.loads(event) for event in await self.log(symbol)]

    async def dump(self) -> dict[str, tuple[object, bool]]:
        """Every key with its value, and whether it will expire."""
        client: Any = self.client
        names = sorted([key async for key in client.scan_iter(count=1_000)])
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.type(name)
        for name, kind in zip(names, await pipeline.execute(), strict=True):
            pipeline.execute_command(*_READ_ALL[kind.decode()](name))
            pipeline.pttl(name)
        found = await pipeline.execute()
        return {
            name.decode(): (value, ttl_ms >= 0)
            for name, value, ttl_ms in zip(names, found[::2], found[1::2], strict=True)
        }

    async def _owner(self, order_id: str) -> Account:
        client: Any = self.client
        terms = await client.hget(keys.order(OrderId(order_id)), "terms")
        return Account(terms.decode().split("|")[1])


def address_of(url: str, timeout_s: float = 5.0) -> RedisAddress:
    """An address with the bounds that tests use."""
    return RedisAddress(url, connect_timeout_s=2.0, timeout_s=timeout_s, client_name="tests")


@asynccontextmanager
async def open_venue(
    url: str, *, limits: MatchingLimits | None = None, timeout_s: float = 5.0
) -> AsyncIterator[Venue]:
    """A venue with `INSTRUMENTS` on the Redis at `url`."""
    address = address_of(url, timeout_s)
    engine = await Engine.open(address, limits)
    client = open_async(address)
    try:
        await engine.publish_instruments(INSTRUMENTS)
        yield Venue(engine, client)
    finally:
        await engine.close()
        await client.aclose()


class Listener:
    """A plain Redis subscriber that has heard everything up to the moment it is asked."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        """Use `listening` instead."""
        self._client = client
        self._pubsub = client.pubsub()
        self._marker = f"marker:{uuid.uuid4().hex}"
        self._heard: list[tuple[str, bytes]] = []

    async def subscribe(self) -> None:
        """Subscribe to every channel of the venue."""
        await self._pubsub.subscribe(
            keys.TRADE_CHANNEL,
            keys.BOOK_CHANNEL,
            keys.ACCOUNT_CHANNEL,
            keys.MARKET_CHANNEL,
            self._marker,
        )
        await self._read_until_marker()

    async def heard(self, channel: str) -> list[bytes]:
        """What was published on the channel until now, in order."""
        await self._read_until_marker()
        return [payload for name, payload in self._heard if name == channel]

    async def forget(self) -> None:
        """Drop what was published until now."""
        await self._read_until_marker()
        self._heard.clear()

    async def close(self) -> None:
        """Unsubscribe and disconnect."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._client.aclose()

    async def _read_until_marker(self) -> None:
        # Redis delivers to one subscriber in the order in which it ran the commands.
        mark = uuid.uuid4().hex.encode()
        await self._client.publish(self._marker, mark)
        while True:
            message = await self._pubsub.get_message(timeout=STALL_MAX_S)
            assert message is not None, "the marker did not come back"
            if message["type"] != "message":
                continue
            if message["data"] == mark:
                return
            self._heard.append((message["channel"].decode(), message["data"]))


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Listener]:
    """Hear what is published from now on."""
    listener = Listener(redis.asyncio.Redis.from_url(url))
    try:
        await listener.subscribe()
        yield listener
    finally:
        await listener.close()
