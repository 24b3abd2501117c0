"""What the real venue must hold after a command, in the words of Redis, told by the reference."""

from tapewire import keys
from tapewire.limits import ORDER_FILLS_SHOWN_MAX
from tapewire.values.types import Lots, Order, OrderId, Side, Ticks
from tests.support.reference.machine_world import ACCOUNTS, SYMBOLS
from tests.support.reference.order import PPM, ReferenceOrder
from tests.support.reference.venue import ReferenceVenue

LOOK_KEYS = (
    [keys.replay_log(symbol) for symbol in SYMBOLS]
    + [keys.queue(symbol, side) for symbol in SYMBOLS for side in Side]
    + [keys.levels(symbol, side) for symbol in SYMBOLS for side in Side]
    + [keys.stops(symbol, side) for symbol in SYMBOLS for side in Side]
    + [keys.open_orders(account, symbol) for account in ACCOUNTS for symbol in SYMBOLS]
    + [keys.EXPIRING, keys.DEAD_MAN]
)

Look = list[dict[str, int]]


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
        fills=tuple(order.fills[-ORDER_FILLS_SHOWN_MAX:]),
        prevented_lots=Lots(order.prevented),
        self_trade_prevention=command.self_trade_prevention,
        post_only=command.post_only,
        display_lots=command.display_lots,
        stop_price_ticks=None if order.stop_price is None else Ticks(order.stop_price),
        triggered_us=order.triggered_us,
        quote_notional=command.quote_notional,
        expire_us=command.expire_us,
        reason=order.reason,
        maker_fee_ppm=order.maker_fee_ppm,
        taker_fee_ppm=order.taker_fee_ppm,
        cancel_id=order.cancel_id,
        list_id=None if order.list_id is None else OrderId(order.list_id),
        client_list_id=order.client_list_id,
        covered_units=order.covered_units,
        fee_credit_millionths=order.fee_taken * PPM - order.fee_due,
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
            rising = side is Side.BUY
            sign = 1 if rising else -1
            stops = [order for order in reference.markets[symbol].stops if order.rises is rising]
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
