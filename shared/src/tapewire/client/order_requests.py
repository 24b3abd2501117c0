"""Requests about orders as values: an order, an amendment, a cancel. Pure."""

import uuid
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tapewire.client.calls import Moment, Number, given, moment, plain

SideText: TypeAlias = Literal["buy", "sell"]
OrderTypeText: TypeAlias = Literal[
    "limit", "market", "ioc", "fok", "stop", "stop_limit", "take_profit", "take_profit_limit"
]
TimeInForceText: TypeAlias = Literal["gtc", "ioc", "fok", "gtd"]
SelfTradeText: TypeAlias = Literal[
    "none", "expire_taker", "expire_maker", "expire_both", "decrement"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An order to place in a batch; the members are those of `place`."""

    symbol: str
    side: SideText
    quantity: Number | None = None
    price: Number | None = None
    order_type: OrderTypeText = "limit"
    time_in_force: TimeInForceText | None = None
    client_order_id: str | None = None
    reuse_client_order_id: bool | None = None
    self_trade_prevention: SelfTradeText | None = None
    post_only: bool | None = None
    display_quantity: Number | None = None
    stop_price: Number | None = None
    quote_quantity: Number | None = None
    expire_at: Moment | None = None

    def body(self) -> dict[str, object]:
        """The order as JSON members; an order without a name gets one, to be asked again by."""
        return given(
            {
                "symbol": self.symbol,
                "side": self.side,
                "order_type": self.order_type,
                "quantity": plain(self.quantity),
                "price": plain(self.price),
                "time_in_force": self.time_in_force,
                "client_order_id": self.client_order_id or uuid.uuid4().hex,
                "reuse_client_order_id": self.reuse_client_order_id,
                "self_trade_prevention": self.self_trade_prevention,
                "post_only": self.post_only,
                "display_quantity": plain(self.display_quantity),
                "stop_price": plain(self.stop_price),
                "quote_quantity": plain(self.quote_quantity),
                "expire_at": moment(self.expire_at),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrder:
    """One of the two orders of an order list; the list has their symbol, side and quantity."""

    order_type: OrderTypeText
    price: Number | None = None
    stop_price: Number | None = None
    time_in_force: TimeInForceText | None = None
    expire_at: Moment | None = None
    display_quantity: Number | None = None
    client_order_id: str | None = None

    def body(self) -> dict[str, object]:
        """The order as JSON members; an order without a name gets one, to be asked again by."""
        return given(
            {
                "order_type": self.order_type,
                "price": plain(self.price),
                "stop_price": plain(self.stop_price),
                "time_in_force": self.time_in_force,
                "expire_at": moment(self.expire_at),
                "display_quantity": plain(self.display_quantity),
                "client_order_id": self.client_order_id or uuid.uuid4().hex,
            }
        )


@dataclass(frozen=True, slots=True)
class Amend:
    """An amendment in a batch, of an order by one of its two ids."""

    order_id: str | None = None
    client_order_id: str | None = None
    price: Number | None = None
    quantity: Number | None = None
    stop_price: Number | None = None

    def body(self) -> dict[str, object]:
        """The amendment as JSON members. Raises ValueError without exactly one id."""
        changes = amendment_members(self.price, self.quantity, self.stop_price)
        return dict([order_key(self.order_id, self.client_order_id)]) | given(changes)


@dataclass(frozen=True, slots=True)
class Cancel:
    """A cancel in a batch, of an order by one of its two ids; `cancel_id` names the cancel."""

    order_id: str | None = None
    client_order_id: str | None = None
    cancel_id: str | None = None

    def body(self) -> dict[str, object]:
        """The cancel as JSON members. Raises ValueError without exactly one id."""
        return dict([order_key(self.order_id, self.client_order_id)]) | given(
            {"cancel_id": self.cancel_id}
        )


def order_key(
    venue_id: str | None, client_id: str | None, name: str = "order_id"
) -> tuple[str, str]:
    """The member that names an order, or a list. Raises ValueError without exactly one id."""
    if (venue_id is None) == (client_id is None):
        raise ValueError(f"give either {name} or client_{name}")
    if venue_id is not None:
        return name, venue_id
    return f"client_{name}", str(client_id)


def amendment_members(
    price: Number | None, quantity: Number | None, stop_price: Number | None
) -> dict[str, object]:
    """The changes of an amendment, as JSON members."""
    return {"price": plain(price), "quantity": plain(quantity), "stop_price": plain(stop_price)}
