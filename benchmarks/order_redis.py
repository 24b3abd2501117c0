"""The cost of one order in Redis alone, beside the cost of a pair of cheap commands.

The figure is the processor time of the server process as the scheduler counts it. Time of other
processes does not count; their effect on the caches does. The figure includes the whole order: the
function, the reading of its arguments, the append-only file. The pair is an HMGET of three fields
and an HSET of one, called from a script. The pair measures the machine and the server.
"""

import asyncio
import random
import statistics
from dataclasses import dataclass, replace
from pathlib import Path

from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.engine import Engine
from tapewire.redis.client import RedisAddress
from tapewire.redis.server import RedisServer
from tapewire.values.instruments import packaged_instruments
from tapewire.values.paper_money import PaperMoney
from tapewire.values.types import (
    Account,
    Lots,
    OrderCommand,
    OrderType,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

ORDERS_PER_ROUND = 4_000
WARM_UP_ORDERS = 2_000
IN_FLIGHT = 100
ACCOUNTS = 20
SEED = 1
PAIRS = 20_000
PAIRS_PER_CALL = 1_000
TIMEOUT_S = 60.0
MAKER_FEE_PPM, TAKER_FEE_PPM = 200, 500
MID_TICKS = 6_000_000
MARKET_SHARE, CROSSING_SHARE = 0.15, 0.25

PAIR_KEY = "{tw}:pair"
PAIR_SCRIPT = """
for _ = 1, tonumber(ARGV[1]) do
  local found = redis.call('HMGET', KEYS[1], 'one', 'two', 'three')
  redis.call('HSET', KEYS[1], 'one', found[2])
end
"""


@dataclass(frozen=True, slots=True)
class RedisCost:
    """Processor time of Redis in microseconds, medians of all rounds; fills an order."""

    order_us: float
    pair_us: float
    fills: float

    def __str__(self) -> str:
        return (
            f"Redis alone, funds checked, fees taken, {self.fills:.2f} fills an order: "
            f"{self.order_us:.0f} us of its processor time an order. A pair of HMGET and HSET "
            f"called from a script: {self.pair_us:.1f} us. An order costs "
            f"{self.order_us / self.pair_us:.0f} pairs."
        )


def standard_order(chance: random.Random) -> OrderCommand:
    """The standard mix: of 20 orders 3 are market orders, 5 cross the spread, 12 stay away."""
    side = chance.choice(list(Side))
    kind, away = chance.random(), chance.randint(0, 50)
    up = 1 if side is Side.BUY else -1
    price, order_type, in_force = None, OrderType.MARKET, TimeInForce.IOC
    if kind >= MARKET_SHARE:
        order_type, in_force = OrderType.LIMIT, TimeInForce.GTC
        crosses = kind < MARKET_SHARE + CROSSING_SHARE
        price = Ticks(MID_TICKS + (away if crosses else -1 - away) * up)
    return OrderCommand(
        account=Account(f"trader-{chance.randint(1, ACCOUNTS)}"),
        symbol=Symbol("BTC-USDT"),
        side=side,
        order_type=order_type,
        time_in_force=in_force,
        quantity_lots=Lots(chance.randint(1, 200)),
        price_ticks=price,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
    )


def measure_redis(folder: Path, rounds: int) -> RedisCost:
    """Orders and pairs in turn, on a server of their own that syncs every second."""
    with RedisServer(folder, fsync="everysec") as server:
        return asyncio.run(_measure(server, rounds))


async def _measure(server: RedisServer, rounds: int) -> RedisCost:
    address = RedisAddress(
        server.url, connect_timeout_s=TIMEOUT_S, timeout_s=TIMEOUT_S, client_name="bench"
    )
    limits, money = MatchingLimits(funds_checked=True), PaperMoney({"*": "80000000"})
    engine = await Engine.open(address, limits, money)
    try:
        await engine.ready()
        await engine.publish_instruments(
            {
                symbol: replace(item, maker_fee_ppm=MAKER_FEE_PPM, taker_fee_ppm=TAKER_FEE_PPM)
                for symbol, item in packaged_instruments().items()
            }
        )
        await engine.client.hset(PAIR_KEY, mapping={"one": "1", "two": "22", "three": "333"})
        chance = random.Random(SEED)
        await _place(engine, chance, WARM_UP_ORDERS)
        orders, pairs, fills = [], [], 0
        for _ in range(rounds):
            begin_us = processor_us(server.pid)
            fills += await _place(engine, chance, ORDERS_PER_ROUND)
            middle_us = processor_us(server.pid)
            for _ in range(PAIRS // PAIRS_PER_CALL):
                await engine.batcher.submit("EVAL", PAIR_SCRIPT, 1, PAIR_KEY, PAIRS_PER_CALL)
            orders.append((middle_us - begin_us) / ORDERS_PER_ROUND)
            pairs.append((processor_us(server.pid) - middle_us) / PAIRS)
    finally:
        await engine.close()
    return RedisCost(
        statistics.median(orders), statistics.median(pairs), fills / rounds / ORDERS_PER_ROUND
    )


async def _place(engine: Engine, chance: random.Random, count: int) -> int:
    """Place orders, IN_FLIGHT at a time; returns how many fills they took."""
    fills = 0
    for _ in range(count // IN_FLIGHT):
        placed = await asyncio.gather(
            *(engine.place(standard_order(chance)) for _ in range(IN_FLIGHT))
        )
        fills += sum(len(item.order.fills) for item in placed)
    return fills


def processor_us(pid: int) -> float:
    """Processor time that the main thread of a process has used."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1_000
