"""Accounts against their open orders, books against their orders. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tapewire.audit.orders import UnreadableRecord, find_claim, find_place, read_record
from tapewire.matching.snapshots import (
    AccountSnapshot,
    IndexPart,
    Level,
    PlacedOrder,
    StandingOrder,
)
from tapewire.values.account_types import AccountRecord, Balance
from tapewire.values.types import Instrument, Order, Side, Symbol, trigger_side


def hold_differences(
    snapshot: AccountSnapshot, record: AccountRecord, instruments: Mapping[Symbol, Instrument]
) -> Iterator[str]:
    """Assets of which an account holds or awaits other units than its open orders need."""
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


def listing_differences(snapshot: AccountSnapshot) -> Iterator[str]:
    """Listed orders that are not open, belong to another account, or could not be found."""
    if snapshot.open_orders != len(snapshot.orders):
        yield (
            f"account {snapshot.account} lists {snapshot.open_orders} open orders, of which "
            f"{len(snapshot.orders)} could be read by their places"
        )
    for entry in snapshot.orders:
        where = f"open:{snapshot.account}:{entry.symbol} lists order {entry.order_id}"
        try:
            order = _open_order(entry.order_id, entry.terms, entry.state)
        except UnreadableRecord as error:
            yield f"{where}: {error}"
            continue
        if (order.account, order.symbol) != (snapshot.account, entry.symbol):
            yield f"{where}: it is {order.account}'s in {order.symbol}"
        if entry.score != entry.order_id:
            yield f"{where}: its place there is {entry.score}"


def place_differences(orders: Iterable[PlacedOrder]) -> Iterator[str]:
    """Orders that are missing from an index, or are in an index where they do not belong."""
    for placed in orders:
        if not placed.terms or not placed.state:
            continue  # The index that names the order reports it.
        try:
            order = read_record(placed.order_id, placed.terms, placed.state)
            expected = _expected_scores(order, placed)
        except UnreadableRecord as error:
            yield str(error)
            continue
        waiting_side = trigger_side(order.order_type, order.side)
        for name, score, due in (
            (f"open:{order.account}:{order.symbol}", placed.open_score, expected[0]),
            (f"queue:{order.symbol}:{order.side}", placed.queue_score, expected[1]),
            (f"stops:{order.symbol}:{waiting_side}", placed.stops_score, expected[2]),
            ("expiring", placed.expiring_score, expected[3]),
        ):
            if score != due:
                yield (
                    f"order {placed.order_id}, {order.status}, is in {name} at {_at(score)}, not "
                    f"{_at(due)}"
                )


def _expected_scores(order: Order, placed: PlacedOrder) -> tuple[str, str, str, str]:
    """Scores of an order among open orders, in queue, stops and expiry; '' where it is not."""
    if not order.is_open:
        return "", "", "", ""
    place = find_place(order, placed.terms, placed.state)
    queue, stops = ("", place.score) if place.is_waiting else (place.score, "")
    return placed.order_id, queue, stops, str(order.expire_us or "")


def queue_differences(part: IndexPart, symbol: Symbol, side: Side) -> Iterator[str]:
    """Members of a queue that do not belong there, and levels whose lots are not their sum."""
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
    """Entries of `expiring` that are not an open order with this expiry time."""
    for row in part.orders:
        try:
            order = _open_order(row.member, row.terms, row.state)
            if row.score != str(order.expire_us or ""):
                raise UnreadableRecord(f"it ends at {_at(str(order.expire_us or ''))}")
        except UnreadableRecord as error:
            yield f"expiring has order {row.member} at {row.score}: {error}"


def level_differences(levels: Iterable[Level], symbol: Symbol, side: Side) -> Iterator[str]:
    """Levels without an order."""
    for level in levels:
        if level.orders == 0:
            yield (
                f"levels:{symbol}:{side} has {level.lots} lots at {level.price}, where no order is"
            )


def _standing(
    row: StandingOrder, symbol: Symbol, side: Side, *, waits: bool
) -> tuple[int, list[str]]:
    """The lots that a member shows, and the reasons why the member does not belong there."""
    try:
        order = _open_order(row.member.rpartition(":")[2], row.terms, row.state)
        place = find_place(order, row.terms, row.state)
    except UnreadableRecord as error:
        return 0, [str(error)]
    reasons = []
    own_side = trigger_side(order.order_type, order.side) if waits else order.side
    if (order.symbol, own_side) != (symbol, side):
        reasons.append(f"it is a {order.side} in {order.symbol}")
    if place.is_waiting is not waits:
        reasons.append("it waits for its stop" if place.is_waiting else "it waits no more")
    elif (row.member, row.score) != (place.member, place.score):
        reasons.append(f"it is at {row.score}, its record says {place.member} at {place.score}")
    return place.shown_lots, reasons


def _open_order(order_id: str, terms: str, state: str) -> Order:
    """The open order that an index names. Raises UnreadableRecord if there is no such order."""
    if not terms or not state:
        raise UnreadableRecord("it has no record")
    order = read_record(order_id, terms, state)
    if not order.is_open:
        raise UnreadableRecord(f"it is {order.status}")
    return order


def _at(text: str) -> str:
    return text or "none"
