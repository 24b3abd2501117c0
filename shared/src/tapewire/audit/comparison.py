"""Accounts against their open orders, books against their orders. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tapewire.account_types import AccountRecord, Balance
from tapewire.audit.orders import UnreadableRecord, find_claim, find_place, read_record
from tapewire.matching.snapshots import AccountSnapshot, IndexPart, Level, OpenOrder, StandingOrder
from tapewire.types import Instrument, Order, Side, Symbol


def hold_differences(
    snapshot: AccountSnapshot, record: AccountRecord, instruments: Mapping[Symbol, Instrument]
) -> Iterator[str]:
    """Assets of which an account holds or awaits other units than its open orders say."""
    held: Counter[str] = Counter()
    incoming: Counter[str] = Counter()
    for entry in snapshot.orders:
        try:
            order = read_record(entry.order_id, entry.terms, entry.state)
            if not order.is_open:
                continue
            claim = find_claim(order, instruments)
        except UnreadableRecord as error:
            yield f"account {snapshot.account}: {error}"
            return
        held[claim.pays] += claim.held
        incoming[claim.gets] += claim.incoming
    for asset in sorted(record.balances.keys() | held.keys() | incoming.keys()):
        balance = record.balances.get(asset, Balance())
        for name, units, due in (
            ("held", balance.held, held[asset]),
            ("incoming", balance.incoming, incoming[asset]),
        ):
            if units != due:
                yield (
                    f"account {snapshot.account} has {units} units of {asset} {name}, its open "
                    f"orders make it {due}"
                )


def order_differences(snapshot: AccountSnapshot) -> Iterator[str]:
    """Listed orders that are not open, not this account's, or do not stand where they have to."""
    for entry in snapshot.orders:
        where = f"open:{snapshot.account}:{entry.symbol} lists order {entry.order_id}"
        if not entry.terms or not entry.state:
            yield f"{where}, which has no record"
            continue
        try:
            order = read_record(entry.order_id, entry.terms, entry.state)
            reasons = list(_entry_reasons(entry, order, snapshot.account))
        except UnreadableRecord as error:
            reasons = [str(error)]
        yield from (f"{where}: {reason}" for reason in reasons)


def _entry_reasons(entry: OpenOrder, order: Order, account: str) -> Iterator[str]:
    if not order.is_open:
        yield f"it is {order.status}"
        return
    if (order.account, order.symbol) != (account, entry.symbol):
        yield f"it is {order.account}'s in {order.symbol}"
    if entry.score != entry.order_id:
        yield f"its place there is {entry.score}"
    place = find_place(order, entry.terms, entry.state)
    expected = ("", place.score) if place.is_waiting else (place.score, "")
    for name, score, due in zip(
        ("queue", "stops"), (entry.queue_score, entry.stops_score), expected, strict=True
    ):
        if score != due:
            yield f"in {name}:{order.symbol}:{order.side} it is at {_at(score)}, not {_at(due)}"
    end = str(order.expire_us or "")
    if entry.expiring_score != end:
        yield f"in expiring it is at {_at(entry.expiring_score)}, not {_at(end)}"


def queue_differences(part: IndexPart, symbol: Symbol, side: Side) -> Iterator[str]:
    """Members of a queue that do not belong there, and levels that are not their sum."""
    name = f"queue:{symbol}:{side}"
    shown: Counter[str] = Counter()
    for row in part.orders:
        lots, reasons = _standing(row, symbol, side, waits=False)
        shown[row.score] += lots
        yield from (f"{name} has {row.member}: {reason}" for reason in reasons)
    for score, kept in part.levels.items():
        if kept != str(shown[score]):
            yield (
                f"levels:{symbol}:{side} has {_at(kept)} lots at {score.removeprefix('-')}, its "
                f"orders show {shown[score]}"
            )


def stop_differences(part: IndexPart, symbol: Symbol, side: Side) -> Iterator[str]:
    """Members of the stops that do not belong there."""
    for row in part.orders:
        _, reasons = _standing(row, symbol, side, waits=True)
        yield from (f"stops:{symbol}:{side} has {row.member}: {reason}" for reason in reasons)


def expiring_differences(part: IndexPart) -> Iterator[str]:
    """Entries of `expiring` that are no open order with this end."""
    for row in part.orders:
        try:
            order = _open_order(row, row.member)
            if row.score != str(order.expire_us or ""):
                raise UnreadableRecord(f"it ends at {_at(str(order.expire_us or ''))}")
        except UnreadableRecord as error:
            yield f"expiring has order {row.member} at {row.score}: {error}"


def level_differences(levels: Iterable[Level], symbol: Symbol, side: Side) -> Iterator[str]:
    """Levels at which nobody stands."""
    for level in levels:
        if level.orders == 0:
            yield (
                f"levels:{symbol}:{side} has {level.lots} lots at {level.price}, where no order is"
            )


def _standing(
    row: StandingOrder, symbol: Symbol, side: Side, *, waits: bool
) -> tuple[int, list[str]]:
    """Lots that a member shows, and why it does not belong where it is."""
    try:
        order = _open_order(row, row.member.rpartition(":")[2])
        place = find_place(order, row.terms, row.state)
    except UnreadableRecord as error:
        return 0, [str(error)]
    reasons = []
    if (order.symbol, order.side) != (symbol, side):
        reasons.append(f"it is a {order.side} in {order.symbol}")
    if place.is_waiting is not waits:
        reasons.append("it waits for its stop" if place.is_waiting else "it waits no more")
    elif (row.member, row.score) != (place.member, place.score):
        reasons.append(f"it is at {row.score}, its record says {place.member} at {place.score}")
    return place.shown_lots, reasons


def _open_order(row: StandingOrder, order_id: str) -> Order:
    """The open order that a member is about. Raises UnreadableRecord, which says why not."""
    if not row.terms or not row.state:
        raise UnreadableRecord("there is no such order")
    order = read_record(order_id, row.terms, row.state)
    if not order.is_open:
        raise UnreadableRecord(f"it is {order.status}")
    if row.open_score != order_id:
        raise UnreadableRecord(f"it is not among the open orders of {order.account}")
    return order


def _at(text: str) -> str:
    return text or "none"
