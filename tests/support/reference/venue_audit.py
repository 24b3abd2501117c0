"""At the end of a run of commands: what was published, what is kept, and whether it all adds up.

`venue_pair` compares the state after each command; this looks at what needs to be read once.
"""

import json
from collections import defaultdict
from itertools import groupby
from typing import Any

from tapewire import keys
from tapewire.packed.layout import STATE
from tapewire.packed.records import (
    new_orders_of,
    read_account_fill,
    read_order,
    trade_order,
    unread_fills_of,
)
from tapewire.values.types import AccountFill, MarketState, Order, OrderId, Side
from tests.support.reference.account_log_audit import check_account_logs
from tests.support.reference.machine_world import SYMBOLS
from tests.support.reference.performance import check_performance
from tests.support.reference.venue_expectations import as_record
from tests.support.reference.venue_money import MONEY_KEYS, check_holds, read_money
from tests.support.reference.venue_pair import Pair
from tests.support.venue import PERMANENT_KEYS, Listener


async def audit(pair: Pair, listener: Listener) -> None:
    """Check everything; the listener has heard this run and nothing before it."""
    dump = await pair.venue.dump()
    trades = await listener.heard(keys.TRADE_CHANNEL)
    books = await listener.heard(keys.BOOK_CHANNEL)
    check_publication(dump, trades)
    check_book_updates(dump, books)
    records = read_records(pair, dump)
    check_levels(dump, records)
    check_not_crossed(pair)
    check_histories(pair, dump)
    check_lifetimes(dump, records)
    heard = await listener.heard(keys.ACCOUNT_CHANNEL)
    # Changes of an account by an administrator are in no log.
    check_account_logs(dump, [event for event in heard if not event.startswith(b"{")])
    hashes: Any = [dump.get(key, ({}, False))[0] for key in MONEY_KEYS]
    check_performance(pair, dump)
    check_holds(read_money(hashes), list(records.values()), pair.instruments)


def check_publication(dump: dict[str, tuple[object, bool]], heard: list[bytes]) -> None:
    """The replay log of each symbol is what was published, byte for byte, under its seq."""
    for symbol in SYMBOLS:
        log: Any = dump.get(keys.replay_log(symbol), ([], False))[0]
        published = [event for event in heard if json.loads(event)["symbol"] == symbol]
        assert [fields for _, fields in log] == [{b"event": event} for event in published]
        assert [name for name, _ in log] == [b"%d-0" % seq for seq in range(1, len(log) + 1)]


def check_book_updates(dump: dict[str, tuple[object, bool]], heard: list[bytes]) -> None:
    """The updates of each symbol have no gap, and all of them together give its levels."""
    seqs: dict[str, int] = defaultdict(int)
    levels: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for payload in heard:
        update = json.loads(payload)
        symbol = update["symbol"]
        seqs[symbol] += 1
        assert update["seq"] == seqs[symbol]
        for name in ("bids", "asks"):
            for price, quantity in update[name]:
                levels[symbol, name][price] = quantity
                if not quantity.strip("0."):
                    del levels[symbol, name][price]
    for symbol in SYMBOLS:
        for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            kept: Any = dump.get(keys.levels(symbol, side), ({}, False))[0]
            assert len(levels[symbol, name]) == len(kept)


def read_records(pair: Pair, dump: dict[str, tuple[object, bool]]) -> dict[str, Order]:
    """Every order that is kept: all that were placed, each as the reference has it."""
    prefix = keys.order(OrderId(""))
    found: Any = {
        name.removeprefix(prefix): value
        for name, (value, _) in dump.items()
        if name.startswith(prefix)
    }
    records = {order_id: read_order(order_id, fields) for order_id, fields in found.items()}
    expected = {name: as_record(order) for name, order in pair.reference.orders.items()}
    assert records == expected
    return records


def check_levels(dump: dict[str, tuple[object, bool]], records: dict[str, Order]) -> None:
    """Each level is the sum of what its orders show; the book is in order."""
    for symbol in SYMBOLS:
        for side in Side:
            sums: dict[int, int] = defaultdict(int)
            queue: Any = dump.get(keys.queue(symbol, side), ([], False))[0]
            assert queue == sorted(queue, key=lambda entry: (entry[1], entry[0]))
            for name, score in queue:
                order_id = name.decode().partition(":")[2]
                record = records[order_id]
                assert record.price_ticks == abs(score)
                fields: Any = dump[keys.order(OrderId(order_id))][0]
                visible = STATE.read(fields[b"state"].decode()).visible
                shown = int(visible) if visible else record.remaining_lots
                assert 0 < shown <= record.remaining_lots
                assert shown <= (record.display_lots or shown)
                sums[abs(score)] += shown
            levels: Any = dump.get(keys.levels(symbol, side), ({}, False))[0]
            assert {int(price): int(lots) for price, lots in levels.items()} == sums


def check_not_crossed(pair: Pair) -> None:
    """Only an auction leaves a crossed book, as long as its market does not trade again."""
    for market in pair.reference.markets.values():
        trades = market.state in {MarketState.TRADING, MarketState.POST_ONLY}
        if trades and market.uncross is None:
            assert not market.is_crossed(), "the book is crossed"


def check_histories(pair: Pair, dump: dict[str, tuple[object, bool]]) -> None:
    """Each account's orders and fills are listed, all of them, in order."""
    accounts = {order.account for order in pair.reference.orders.values()}
    for account in accounts:
        log: Any = dump[keys.account_log(account)][0]
        events = [fields[b"event"].decode() for _, fields in log]
        assert [order_id for event in events for order_id in new_orders_of(event)] == [
            order.order_id for order in pair.reference.orders.values() if order.account == account
        ]
        fills = [
            fill_line(item)
            for event in events
            for item in sorted(map(read_account_fill, unread_fills_of(event)), key=trade_order)
        ]
        assert in_any_order(fills) == in_any_order(pair.fills.get(account, []))


def in_any_order(lines: list[str]) -> list[list[str]]:
    """Fills by trade: who trades with himself in an uncross has two that nothing tells apart."""
    grouped = groupby(lines, key=lambda line: (line.split(",")[1], line.split(",")[3]))
    both = [list(fills) for _, fills in grouped]
    return [
        sorted(fills) if all(line.split(",")[6] == "m" for line in fills) else fills
        for fills in both
    ]


def fill_line(item: AccountFill) -> str:
    """A fill as the reference notes it."""
    fill = item.fill
    return (
        f"{item.order_id},{item.symbol},{item.side},{fill.seq},{fill.price_ticks},"
        f"{fill.quantity_lots},{fill.liquidity[0]},{fill.timestamp_us},{fill.fee_units}"
    )


def check_lifetimes(dump: dict[str, tuple[object, bool]], records: dict[str, Order]) -> None:
    """Closed orders and the names of clients end some day, open ones do not; nothing leaks."""
    ids = {
        keys.client_order(record.account, record.client_order_id): record
        # An id that was used again leads to the newest of its orders.
        for record in sorted(records.values(), key=lambda record: int(record.order_id))
        if record.client_order_id
    } | {
        keys.client_list(record.account, record.client_list_id): record
        for record in sorted(records.values(), key=lambda record: int(record.order_id))
        if record.client_list_id and record.order_id == record.list_id
    }
    for name, (value, expires) in dump.items():
        kind = name.removeprefix(keys.PREFIX)
        if kind.startswith("order:"):
            assert expires is not records[kind.removeprefix("order:")].is_open, name
        elif kind.startswith(("client_order:", "client_list:")):
            assert value == ids[name].order_id.encode()
            assert expires is not ids[name].is_open, name
        elif kind.startswith(("transfer:", "clock_accepted")):
            assert expires, name
        else:
            assert kind.startswith(PERMANENT_KEYS), name
