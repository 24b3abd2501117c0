"""The real venue and the reference venue, given the same commands and compared after each.

The reference runs all commands first; then the real venue gets them in one go, with a look at its
whole state between each two (one queue carries both, so each look sees exactly one command more).
"""

import asyncio
import copy
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tapewire import keys
from tapewire.errors import TapewireError
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.engine import Placement
from tapewire.matching.treasury import Transfer
from tapewire.packed.records import read_order, read_pairs
from tapewire.values.decimals import format_units
from tapewire.values.types import Account, Instrument, MarketState, Order, OrderId, Symbol
from tests.support.reference.account_commands import Deposit
from tests.support.reference.accounts import Transferred
from tests.support.reference.machine_world import ACCOUNTS, INSTRUMENTS, SYMBOLS, opening_balances
from tests.support.reference.order import ReferenceOrder, Refused
from tests.support.reference.venue import Placed, PlacedList, ReferenceVenue, Replaced
from tests.support.reference.venue_calls import (
    Call,
    call_engine,
    call_reference,
    code_of,
    resolve,
)
from tests.support.reference.venue_commands import (
    Amend,
    Cancel,
    CancelAll,
    CancelClientOrder,
    Control,
    Delist,
    FireStops,
    Place,
    PlaceList,
    Replace,
    Step,
)
from tests.support.reference.venue_expectations import LOOK_KEYS, Look, as_record, expected_look
from tests.support.reference.venue_money import (
    MONEY_KEYS,
    Money,
    check_money,
    expected_money,
    read_money,
)
from tests.support.venue import Venue

CLOCK_START_US = 1_000_000
WAITS_FOR_UNCROSS = (
    Place, PlaceList, Replace, Amend, Cancel, CancelClientOrder, CancelAll, Control,
    Delist,
)  # fmt: skip

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


@dataclass(slots=True)
class Expectation:
    """What the reference says of one step: the reply, the state, the records that changed."""

    step: Step
    call: Call
    reply: object
    look: Look
    money: Money
    records: dict[str, Order]
    trades: dict[Symbol, list[tuple[object, ...]]]
    trades_before: dict[Symbol, int]


@dataclass(slots=True)
class Pair:
    """One run of commands through both."""

    venue: Venue
    limits: MatchingLimits
    wealth: int = 1
    reference: ReferenceVenue = field(init=False)
    instruments: dict[Symbol, Instrument] = field(init=False)
    clock_us: int = CLOCK_START_US
    records: dict[str, Order] = field(default_factory=dict)
    fills: dict[Account, list[str]] = field(default_factory=dict)
    balance_seqs: Counter[Account] = field(default_factory=Counter)
    # Available and held of everyone after the last step.
    balances: dict[tuple[Account, str], tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Both begin empty, with the same instruments and bounds."""
        self.instruments = dict(INSTRUMENTS)
        self.reference = ReferenceVenue(
            self.instruments,
            self.limits.makers_per_command_max,
            self.limits.stops_per_command_max,
            self.limits.funds_checked,
            self.limits.fok_makers_max,
        )

    async def run(self, steps: Sequence[Step]) -> None:
        """Give all steps to both. Raises AssertionError naming the first one that differs."""
        engine = self.venue.engine
        engine._limits = self.limits.packed()
        engine.clock_us = str(CLOCK_START_US)
        await self.venue.client.flushdb()
        await engine.publish_instruments(self.instruments)
        await engine.ready()
        planned = [*self._opening(), *steps]
        expected = [item for step in planned for item in self._expectations(step)]
        started = [self._start(item) for item in expected]
        # All of them end here, also after a failure: the next run begins with an empty venue.
        await asyncio.gather(*(task for pair in started for task in pair), return_exceptions=True)
        for index, (item, (reply, seen)) in enumerate(zip(expected, started, strict=True)):
            try:
                compare_reply(reply.result(), item.reply)
                compare_state(seen.result(), item)
                found = read_money(seen.result()[-len(MONEY_KEYS) :])
                check_money(found, item.money, funds_checked=self.limits.funds_checked)
            except AssertionError as error:
                error.add_note(f"step {index}: {item.step}")
                raise

    def _expectations(self, step: Step) -> Iterator[Expectation]:
        """One step, behind a step for each round that it would wait for: fired stops, an uncross.

        Without these steps the engine would run the rounds by itself and send the order again,
        behind the commands that are on their way.
        """
        if isinstance(step.command, WAITS_FOR_UNCROSS):
            for symbol in SYMBOLS:
                while self.reference.markets[symbol].uncross is not None:
                    yield self._expect(Step(FireStops(symbol), 0))
        if isinstance(step.command, Place | PlaceList | Replace | Amend):
            for symbol in SYMBOLS:
                market = self.reference.markets[symbol]
                while market.is_firing and market.state is MarketState.TRADING:
                    yield self._expect(Step(FireStops(symbol), 0))
        yield self._expect(step)

    def _opening(self) -> list[Step]:
        """Everyone begins with the same money."""
        return [
            Step(Deposit(account, asset, units))
            for account in ACCOUNTS
            for asset, units in opening_balances(self.wealth).items()
        ]

    def _expect(self, step: Step) -> Expectation:
        """Run one step through the reference."""
        self.clock_us = max(1, self.clock_us + step.clock_change_us)
        reference = self.reference
        before = {symbol: len(reference.markets[symbol].trades) for symbol in SYMBOLS}
        was_open = {order.order_id for order in reference.orders.values() if order.is_open}
        balances = self.balances
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
        # One message about an account for each command that changed its balances.
        after = reference.accounts.snapshot()
        changed = {place[0] for place in after if after[place] != balances.get(place, (0, 0))}
        self.balance_seqs.update(changed)
        self.balances = after
        return Expectation(
            step, call, reply, expected_look(reference),
            expected_money(reference, self.balance_seqs), fresh, trades, before,
        )  # fmt: skip

    def _show(self, outcome: object) -> object:
        """A reply of the reference, fixed as it is now."""
        shown: object = copy.copy(outcome)
        match outcome:
            case Placed(order, replayed):
                shown = Placement(as_record(order), replayed=replayed)
            case ReferenceOrder():
                shown = as_record(outcome)
            case PlacedList(first, second, replayed):
                shown = as_record(first), as_record(second), replayed
            case Replaced(canceled, placed):
                shown = self._show(canceled), self._show(placed)
            case Refused():
                shown = outcome.code
            case Transferred(available, replayed):
                shown = Transfer(available, replayed=replayed)
        return shown

    def _trades(self, symbol: Symbol, known: int) -> list[tuple[object, ...]]:
        instrument = self.instruments[symbol]
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
                for order_id, liquidity, fee in (
                    (trade.taker_id, "m" if trade.is_uncross else "t", trade.taker_fee),
                    (trade.maker_id, "m", trade.maker_fee),
                ):
                    order = self.reference.orders[order_id]
                    self.fills.setdefault(order.account, []).append(
                        f"{order_id},{symbol},{order.side},{trade.seq},{trade.price},"
                        f"{trade.lots},{liquidity},{market.now_us},{fee}"
                    )

    def _start(self, item: Expectation) -> tuple[asyncio.Task[object], asyncio.Task[list[Any]]]:
        """Queue one step and, right behind it, a look at the state that it leaves.

        Tasks begin in the order in which they are made, and each queues its commands at once.
        """
        submit = self.venue.engine.batcher.submit
        records = [keys.order(OrderId(order_id)) for order_id in item.records]
        looked_at = [*LOOK_KEYS, *records, *MONEY_KEYS]
        unseen = [item.trades_before[symbol] + 1 for symbol in SYMBOLS]
        look = submit("EVAL", LOOK, len(looked_at), *looked_at, *unseen)
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
    logs, look = seen[: len(SYMBOLS)], seen[len(SYMBOLS) : -len(MONEY_KEYS)]
    places = LOOK_KEYS[len(SYMBOLS) :]
    for key, found, expected in zip(places, look, item.look, strict=False):
        assert scored(found) == list(expected.items()) or (
            "levels:" in key and dict(scored(found)) == expected
        ), f"{key}: {scored(found)} is not {expected}"
    for (order_id, expected_record), fields in zip(
        item.records.items(), look[len(places) :], strict=True
    ):
        found_record = read_order(order_id, fields)
        assert found_record == expected_record, f"{item.call}: {found_record} {expected_record}"
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
    if not order.has_more_fills:
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
