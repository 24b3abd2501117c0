"""Which options of an order go together. Each contradiction has an error code of its own."""

from order_gateway.params import OrderRequest
from tapewire.errors import InvalidField
from tapewire.values.types import OrderType, TimeInForce

# The allowed values for each order type. The first is the default.
_TIMES_IN_FORCE: dict[OrderType, tuple[TimeInForce, ...]] = {
    OrderType.LIMIT: (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD),
    OrderType.MARKET: (TimeInForce.IOC,),
    OrderType.IOC: (TimeInForce.IOC,),
    OrderType.FOK: (TimeInForce.FOK,),
    # A stop order waits until it is triggered, canceled or expired. Then it is a market order.
    OrderType.STOP: (TimeInForce.GTC, TimeInForce.GTD),
    OrderType.STOP_LIMIT: (
        TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD,
    ),
    OrderType.TAKE_PROFIT: (TimeInForce.GTC, TimeInForce.GTD),
    OrderType.TAKE_PROFIT_LIMIT: (
        TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD,
    ),
}  # fmt: skip
_PRICELESS = frozenset({OrderType.MARKET, OrderType.STOP, OrderType.TAKE_PROFIT})
_STOPS = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)
_MAY_REST = frozenset({TimeInForce.GTC, TimeInForce.GTD})


def choose_time_in_force(order_type: OrderType, wanted: str | None) -> TimeInForce:
    """The time in force of the request, or the default of the order type. Raises InvalidField."""
    allowed = _TIMES_IN_FORCE[order_type]
    if wanted is None:
        return allowed[0]
    if wanted not in allowed:
        possible = " or ".join(f'"{item}"' for item in allowed)
        raise InvalidField(
            "time_in_force",
            "contradictory_time_in_force",
            f'time_in_force "{wanted}" contradicts order_type "{order_type}", which takes '
            f"{possible}; leave time_in_force out.",
        )
    return TimeInForce(wanted)


def check_options(request: OrderRequest, order_type: OrderType, time_in_force: TimeInForce) -> None:
    """Check that required options are there and that no option contradicts another.

    Raises InvalidField.
    """
    _check_amounts(request, order_type)
    _check_price(request, order_type)
    _check_stop_price(request, order_type)
    if request.reuse_client_order_id and request.client_order_id is None:
        raise InvalidField(
            "client_order_id",
            "missing_field",
            "client_order_id is missing: reuse_client_order_id needs it.",
        )
    if request.expire_at is None and time_in_force is TimeInForce.GTD:
        raise InvalidField(
            "expire_at", "expire_at_required", 'expire_at is missing: time_in_force "gtd" needs it.'
        )
    if request.expire_at is not None and time_in_force is not TimeInForce.GTD:
        raise InvalidField(
            "expire_at", "expire_at_forbidden", 'expire_at needs time_in_force "gtd".'
        )
    rests = order_type not in _PRICELESS and time_in_force in _MAY_REST
    if request.post_only and (not rests or order_type in _STOPS):
        raise InvalidField(
            "post_only",
            "post_only_forbidden",
            'post_only needs order_type "limit" and time_in_force "gtc" or "gtd".',
        )
    if request.display_quantity is not None and not rests:
        raise InvalidField(
            "display_quantity",
            "display_quantity_forbidden",
            "display_quantity needs an order that has a price and may rest in the book.",
        )


def _check_amounts(request: OrderRequest, order_type: OrderType) -> None:
    if request.quote_quantity is None:
        if request.quantity is None:
            raise InvalidField(
                "quantity",
                "missing_field",
                'quantity is missing: it must be a plain positive decimal such as "1.5".',
            )
        return
    if order_type is not OrderType.MARKET or request.quantity is not None:
        raise InvalidField(
            "quote_quantity",
            "quote_quantity_forbidden",
            'quote_quantity needs order_type "market", and replaces quantity.',
        )


def _check_price(request: OrderRequest, order_type: OrderType) -> None:
    if order_type in _PRICELESS:
        if request.price is not None:
            raise InvalidField(
                "price", "price_forbidden", f'price must be left out for order_type "{order_type}".'
            )
    elif request.price is None:
        raise InvalidField(
            "price", "price_required", f'price is missing: order_type "{order_type}" needs a price.'
        )


def _check_stop_price(request: OrderRequest, order_type: OrderType) -> None:
    if order_type not in _STOPS:
        if request.stop_price is not None:
            raise InvalidField(
                "stop_price",
                "stop_price_forbidden",
                'stop_price needs order_type "stop", "stop_limit", "take_profit" or '
                '"take_profit_limit".',
            )
    elif request.stop_price is None:
        raise InvalidField(
            "stop_price",
            "stop_price_required",
            f'stop_price is missing: order_type "{order_type}" needs a stop price.',
        )
