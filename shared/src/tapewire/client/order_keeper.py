"""Rebuilds the orders of an account from its execution reports. Pure.

From seq 0 on, the keeper has every order of the account that the venue's log still has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tapewire.values.types import OrderStatus
from tapewire.wire.account_feed import OrderReport
from tapewire.wire.orders import ReportData

_OPEN = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


@dataclass(slots=True)
class KeptOrder:
    """An order as its newest report left it, and its trades, oldest first."""

    state: ReportData
    trades: list[ReportData] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether the order may still trade."""
        return self.state.status in _OPEN


class OrderKeeper:
    """The orders of one account, made of every report, taken once and in order."""

    def __init__(self) -> None:
        self._orders: dict[str, KeptOrder] = {}
        self.seq = 0

    @property
    def orders(self) -> Mapping[str, KeptOrder]:
        """Every order by its id, in the order of first reports."""
        return MappingProxyType(self._orders)

    @property
    def open_orders(self) -> dict[str, KeptOrder]:
        """The orders that may still trade."""
        return {name: order for name, order in self._orders.items() if order.is_open}

    def take(self, report: OrderReport) -> KeptOrder:
        """Take the next report; returns its order."""
        self.seq, data = report.seq, report.data
        order = self._orders.get(data.order_id)
        if order is None:
            order = self._orders[data.order_id] = KeptOrder(data)
        order.state = data
        if data.report == "trade":
            order.trades.append(data)
        return order
