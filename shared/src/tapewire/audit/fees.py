"""Fees of an account's orders: rounded up once per order. Pure.

A log is read backwards, so that a change of an order is judged when the change before it is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tapewire.limits import FEE_MILLIONTHS
from tapewire.values.types import Instrument, Liquidity, Order, Side, Symbol
from tapewire.wire.account_event import AccountEvent, Execution, OrderChange


@dataclass(frozen=True, slots=True)
class _Step:
    """The effect of a change on the fees of an order, in millionths of a unit."""

    credit_after: int
    gain: int
    rounds_each: bool


class FeeReader:
    """Compares the credit of each order after a change with the credit before and its fills.

    `only_per_order` is False for a venue that may have fills of format 1, whose fees were rounded
    up fill by fill.
    """

    def __init__(self, instruments: Mapping[Symbol, Instrument], *, only_per_order: bool) -> None:
        self._instruments = instruments
        self._only_per_order = only_per_order
        self._later: dict[str, _Step] = {}

    def contradiction(self, event: AccountEvent) -> str:
        """The fault in the fees of the next older event as a sentence; '' without one."""
        for change in reversed(event.changes):
            order = change.order
            if order.symbol not in self._instruments:
                continue
            reason = self._judge(order, order.fee_credit_millionths)
            if reason:
                return reason
            self._later[order.order_id] = self._step(change)
            if change.kind == "new":
                reason = self._judge(order, 0)
                if reason:
                    return reason
        return ""

    def _judge(self, order: Order, credit_before: int) -> str:
        step = self._later.pop(order.order_id, None)
        if step is None:
            return ""
        credit = credit_before + step.gain
        if step.credit_after == credit and 0 <= credit < FEE_MILLIONTHS:
            return ""
        is_old = step.rounds_each and step.credit_after == credit_before == 0
        if is_old and not self._only_per_order:
            return ""
        return (
            f"order {order.order_id} has a fee credit of {step.credit_after} millionths of a unit, "
            f"its fills make it {credit}"
        )

    def _step(self, change: OrderChange) -> _Step:
        due = [self._fee_due(change.order, fill) for fill in change.executions]
        paid = [fill.fee_units for fill in change.executions]
        return _Step(
            change.order.fee_credit_millionths,
            FEE_MILLIONTHS * sum(paid) - sum(due),
            all(-(-owed // FEE_MILLIONTHS) == fee for owed, fee in zip(due, paid, strict=True)),
        )

    def _fee_due(self, order: Order, fill: Execution) -> int:
        instrument = self._instruments[order.symbol]
        is_maker = fill.liquidity is Liquidity.MAKER
        rate_ppm = order.maker_fee_ppm if is_maker else order.taker_fee_ppm
        if order.side is Side.BUY:
            return fill.lots * instrument.base_units * rate_ppm
        return fill.lots * fill.ticks * instrument.quote_units * rate_ppm
