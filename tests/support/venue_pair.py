"""The real venue and the reference venue, given the same commands and compared after each.

The reference runs all commands first; then the real venue gets them in one go, with a look at its
whole state between each two (one queue carries both, so each look sees exactly one command more).
"""

import asyncio
import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tapewire import keys
from tapewire.decimals import format_units
from tapewire.errors import InvalidField, Refusal, StaleInstrument, TapewireError
from tapewire.matching.engine import MatchingLimits, Placement
from tapewire.matching.records import read_order, read_pairs
from tapewire.types import (
    Account,
    Instrument,
    Lots,
    Order,
    OrderId,
    Side,
    Symbol,
    Ticks,
)
from tests.support.reference_market import ReferenceOrder, Refused
from tests.support.reference_venue import Placed, ReferenceVenue
from tests.support.venue import INSTRUMENTS, Venue
from tests.support.venue_calls import Call, call_engine, call_reference, resolve
from tests.support.venue_commands import ACCOUNTS, SYMBOLS, Step

CLOCK_START_US = 1_000_000

# Reads every key as what it is; of the streams, which come first, what is new.
LOOK = """
local found = {}
for index, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'zset' then found[index] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'stream' then found[index] = redis.call('XRANGE', key, ARGV[index], '+')
  elseif kind == 'hash' then found[index] = redis.call('HGETALL', key)
  else found[index] = {} end
end
return found
"""
LOOK_KEYS = (
    [keys.replay_log(symbol) for symbol in SYMBOLS]
    + [keys.queue(symbol, side) for symbol in SYMBOLS for side in Side]
    + [keys.levels(symbol, side) for symbol in SYMBOLS for side in Side]
    + [keys.stops(symbol, side) for symbol in SYMBOLS for side in Side]
    + [keys.open_orders(account, symbol) for account in ACCOUNTS for symbol in SYMBOLS]
    + [keys.EXPIRING, keys.DEAD_MAN]
)

Look = list[dict[str, int]]


@dataclass(slots=True)
class Expectation:
    """What the reference says of one step: the reply, the state, the records that changed."""

    step: Step
    call: Call
    reply: object
    look: Look
    records: dict[str, Order]
    trades: dict[Symbol, list[tuple[object, ...]]]
    trades_before: dict[Symbol, int]


@dataclass(slots=True)
class Pair:
    """One run of commands through both."""

    venue: Venue
    limits: MatchingLimits
    reference: ReferenceVenue = field(init=False)
    instruments: dict[Symbol, Instrument] = field(init=False)
    clock_us: int = CLOCK_START_US
    records: dict[str, Order] = field(default_factory=dict)
    fills: dict[Account, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Both begin empty, with the same instruments and bounds."""
        self.instruments = {symbol: INSTRUMENTS[symbol] for symbol in SYMBOLS}
        self.reference = ReferenceVenue(
            self.instruments,
            self.limits.fills_per_order_max,
            self.limits.stops_per_command_max,
        )

    async def run(self, steps: Sequence[Step]) -> None:
        """Give all steps to both. Raises AssertionError naming the first one that differs."""
        engine = self.venue.engine
        engine._limits = self.limits.packed()
        engine.clock_us = str(CLOCK_START_US)
        await self.venue.client.flushdb()
        await engine.publish_instruments(self.instruments)
        await engine.ready()
        expected = [self._expect(step) for step in steps]
        started = [self._start(item) for item in expected]
        await asyncio.gather(*(task for pair in started for task in pair))
        for index, (item, (reply, seen)) in enumerate(zip(expected, started, strict=True)):
            try:
                compare_reply(reply.result(), item.reply)
                compare_state(seen.result(), item)
            except AssertionError as error:
                error.add_note(f"step {index}: {item.step}")
                raise

    def _expect(self, step: Step) -> Expectation:
        """Run one step through the reference."""
        self.clock_us = max(1, self.clock_us + step.clock_change_us)
        reference = self.reference
        before = {symbol: len(reference.markets[symbol].trades) for symbol in SYMBOLS}
        was_open = {order.order_id for order in reference.orders.values() if order.is_open}
        call = resolve(step.command, self.clock_us, reference, self.instruments)
        reply: object
        try:
            reply = self._show(call_reference(reference, call))
        except Refused as refused:
            reply = refused
        fresh = {
            order_id: record
            for order_id, order in reference.orders.items()
            if order.is_open or order_id in was_open or order_id not in self.records
            if (record := as_record(order)) != self.records.get(order_id)
        }
        self.records |= fresh
        trades = {symbol: self._trades(symbol, before[symbol]) for symbol in SYMBOLS}
        self._note_fills(before)
        return Expectation(step, call, reply, expected_look(reference), fresh, trades, before)

    def _show(self, outcome: object) -> object:
        """A reply of the reference, fixed as it is now."""
        match outcome:
            case Placed(order, replayed):
                return Placement(as_record(order), replayed=replayed)
            case ReferenceOrder():
                return as_record(outcome)
        return copy.copy(outcome)

    def _trades(self, symbol: Symbol, known: int) -> list[tuple[object, ...]]:
        instrument = INSTRUMENTS[symbol]
        return [
            (
                trade.seq, trade.maker_id, trade.taker_id, trade.aggressor_side,
                format_units(trade.price * instrument.tick_units, instrument.price_decimals),
                format_units(trade.lots * instrument.lot_units, instrument.quantity_decimals),
            )
            for trade in self.reference.markets[symbol].trades[known:]
        ]  # fmt: skip

    def _note_fills(self, before: Mapping[Symbol, int]) -> None:
        """Every account's history of fills, in the words of `fills:<account>`."""
        for symbol in SYMBOLS:
            market = self.reference.markets[symbol]
            for trade in market.trades[before[symbol] :]:
                for order_id, liquidity in ((trade.taker_id, "t"), (trade.maker_id, "m")):
                    order = self.reference.orders[order_id]
                    self.fills.setdefault(order.account, []).append(
                        f"{order_id},{symbol},{order.side},{trade.seq},{trade.price},"
                        f"{trade.lots},{liquidity},{market.now_us}"
                    )

    def _start(self, item: Expectation) -> tuple[asyncio.Task[object], asyncio.Task[list[Any]]]:
        """Queue one step and, right behind it, a look at the state that it leaves.

        Tasks begin in the order in which they are made, and each queues its commands at once.
        """
        submit = self.venue.engine.batcher.submit
        records = [keys.order(OrderId(order_id)) for order_id in item.records]

        unseen = [item.trades_before[symbol] + 1 for symbol in SYMBOLS]
        look = submit(
            "EVAL", LOOK, len(LOOK_KEYS) + len(records), *LOOK_KEYS, *records, *unseen
        )  # fmt: skip
        return asyncio.ensure_future(self._answer(item.call)), asyncio.ensure_future(look)

    async def _answer(self, call: Call) -> object:
        """The reply of the engine, or what it raised."""
        try:
            return await call_engine(self.venue.engine, call)
        except TapewireError as error:
            return error


def compare_reply(found: object, expected: object) -> None:
    """An answer or a refusal must be the one of the reference."""
    if isinstance(expected, Refused):
        assert code_of(found) == expected.code
    else:
        assert found == expected


def compare_state(seen: list[Any], item: Expectation) -> None:
    """Queues, levels, stops, indexes, changed records and new trades are those of the reference."""
    logs, look = seen[: len(SYMBOLS)], seen[len(SYMBOLS) :]
    places = LOOK_KEYS[len(SYMBOLS) :]
    for key, found, expected in zip(places, look, item.look, strict=False):
        assert scored(found) == list(expected.items()) or (
            "levels:" in key and dict(scored(found)) == expected
        ), f"{key}: {scored(found)} is not {expected}"
    for (order_id, expected_record), fields in zip(
        item.records.items(), look[len(places) :], strict=True
    ):
        assert read_order(order_id, fields) == expected_record
        check_record(expected_record, read_pairs(fields))
    for symbol, log in zip(SYMBOLS, logs, strict=True):
        events = [json.loads(fields[1]) for _, fields in log]
        shown = [
            (
                event["seq"], event["maker_order_id"], event["taker_order_id"],
                event["aggressor_side"], event["price"], event["quantity"],
            )
            for event in events
        ]  # fmt: skip
        assert shown == item.trades[symbol]


def check_record(order: Order, record: Mapping[str, str]) -> None:
    """What an order says adds up."""
    assert sum(fill.quantity_lots for fill in order.fills) == order.executed_lots
    assert order.executed_notional == sum(
        fill.quantity_lots * fill.price_ticks for fill in order.fills
    )
    assert order.remaining_lots >= 0
    assert order.is_open <= (order.remaining_lots > 0)


def scored(reply: list[bytes] | dict[bytes, bytes]) -> list[tuple[str, int]]:
    """Members with scores, or fields with values, in the order in which Redis gives them."""
    if isinstance(reply, dict):
        return [(name.decode(), int(value)) for name, value in reply.items()]
    texts = [item.decode() for item in reply]
    return [(name, int(value)) for name, value in zip(texts[::2], texts[1::2], strict=True)]


def code_of(found: object) -> str:
    """A refusal in the words of the reference."""
    match found:
        case InvalidField():
            return f"{found.field} {found.code}"
        case Refusal():
            return found.code
        case StaleInstrument():
            return "stale_instrument"
    return f"not refused: {found}"


def as_record(order: ReferenceOrder) -> Order:
    """The order as the venue must tell it."""
    command = order.command
    return Order(
        order_id=OrderId(order.order_id),
        account=command.account,
        symbol=command.symbol,
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        status=order.status,
        price_ticks=None if order.price is None else Ticks(order.price),
        quantity_lots=Lots(order.quantity or 0),
        executed_lots=Lots(order.executed),
        executed_notional=order.notional,
        client_order_id=command.client_order_id,
        created_us=order.created_us,
        updated_us=order.updated_us,
        fills=tuple(order.fills),
        prevented_lots=Lots(order.prevented),
        self_trade_prevention=command.self_trade_prevention,
        post_only=command.post_only,
        display_lots=command.display_lots,
        stop_price_ticks=None if order.stop_price is None else Ticks(order.stop_price),
        triggered_us=order.triggered_us,
        quote_notional=command.quote_notional,
        expire_us=command.expire_us,
        reason=order.reason,
    )


def expected_look(reference: ReferenceVenue) -> Look:
    """What `LOOK_KEYS` must hold."""
    look: Look = []
    for symbol in SYMBOLS:
        for side in Side:
            sign = -1 if side is Side.BUY else 1
            look.append(
                {
                    member(order): sign * (order.price or 0)
                    for order in reference.markets[symbol].queue(side)
                }
            )
    for symbol in SYMBOLS:
        for side in Side:
            depth = reference.markets[symbol].depth(side)
            look.append({str(price): lots for price, lots in depth.items()})
    for symbol in SYMBOLS:
        for side in Side:
            sign = 1 if side is Side.BUY else -1
            stops = [order for order in reference.markets[symbol].stops if order.side is side]
            stops.sort(key=lambda order: (sign * (order.stop_price or 0), order.number))
            look.append({member(order): sign * (order.stop_price or 0) for order in stops})
    for account in ACCOUNTS:
        for symbol in SYMBOLS:
            orders = reference.open_orders(account, symbol)
            look.append({order.order_id: int(order.order_id) for order in orders})
    look.append({order_id: at_us for at_us, order_id in sorted(
        (at_us, order_id) for order_id, at_us in reference.expiring())})  # fmt: skip
    timers = sorted((at_us, account) for account, at_us in reference.dead_man.items())
    look.append({account: at_us for at_us, account in timers})
    return look


def member(order: ReferenceOrder) -> str:
    """How an order stands in a sorted set."""
    return f"{order.number:016d}:{order.order_id}"
