"""Turns the steps of a recording into requests, in order, and counts what comes of them.

Up to `in_flight_max` requests are on their way over the one connection. A cancel or amend needs
the venue's id of its order, so it waits for the answer to that order if it must. That the venue
took the orders in the order in which they were sent is proved by its order ids, which always grow.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tapewire.limits import PAGE_ITEMS_MAX
from tapewire.replay.connection import GatewayConnection, Reply
from tapewire.replay.report import Report, VenueTrade
from tapewire.replay.steps import Amend, Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.types import Side

IN_FLIGHT_MAX = 32
SEED_ACCOUNT = "replay-seed"
ACCOUNTS = {Side.BUY: "replay-buy", Side.SELL: "replay-sell"}

# After a pause the gateway may have closed the connection; a new one is cheap and certain.
CONNECTION_KEPT_S = 1.0
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Fills:
    """A page of an order's fills that was asked for."""

    order_id: str
    account: str
    label: str
    cursor: str = ""


class Player:
    """One replay of one recording against one gateway."""

    def __init__(
        self,
        connection: GatewayConnection,
        symbol: str,
        *,
        speed: float | None = None,
        in_flight_max: int = IN_FLIGHT_MAX,
    ) -> None:
        """`speed` is in recorded seconds per second; None plays as fast as the venue answers."""
        self.report = Report()
        self._connection = connection
        self._symbol = symbol
        self._speed = speed
        self._in_flight_max = in_flight_max
        self._waiting: deque[Enter | Cancel | Amend | _Fills] = deque()
        self._order_ids: dict[str, tuple[str, str]] = {}
        # Answers that are due per label: a repaired order is entered again under its label.
        self._unanswered: Counter[str] = Counter()
        self._last_order_id = 0

    def play(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Send all steps, yielding each one when it was sent; the report is complete at the end.

        Raises ReplayError when the venue is lost or does not keep the order.
        """
        started_s = time.monotonic()
        first_us: int | None = None
        for step in steps:
            if self._speed is not None:
                first_us = step.time_us if first_us is None else first_us
                due_s = started_s + (step.time_us - first_us) / MICROSECONDS / self._speed
                self._wait_until(due_s)
            self._send(step)
            self.report.elapsed_s = time.monotonic() - started_s
            yield step
        self._receive_until(0)
        # Pages of fills came later than the answers to later orders.
        self.report.trades.sort(key=lambda trade: trade.seq)
        self.report.elapsed_s = time.monotonic() - started_s

    def _wait_until(self, due_s: float) -> None:
        pause_s = due_s - time.monotonic()
        if pause_s <= 0:
            return
        self._receive_until(0)
        if pause_s > CONNECTION_KEPT_S:
            self._connection.close()
        time.sleep(max(0.0, due_s - time.monotonic()))

    def _send(self, step: Step) -> None:
        if isinstance(step, RecordedTrade):
            self.report.recorded[step.price, step.quantity] += 1
            return
        if len(self._waiting) >= self._in_flight_max:
            # Half of them stay on their way, so that the venue does not wait for the next ones.
            self._receive_until(self._in_flight_max // 2)
        if isinstance(step, Enter):
            self._enter(step)
        else:
            self._change(step)

    def _enter(self, step: Enter) -> None:
        body = {
            "symbol": self._symbol,
            "side": step.side.value,
            "order_type": step.order_type.value,
            "quantity": step.quantity,
        }
        if step.price is not None:
            body["price"] = step.price
        self._connection.send("POST", "/v1/orders", _account(step), body)
        self._unanswered[step.label] += 1
        self._waiting.append(step)

    def _change(self, step: Cancel | Amend) -> None:
        while self._unanswered[step.label]:
            self._receive()
        if step.label not in self._order_ids:
            # Its order was refused, so there is nothing to change at the venue.
            self.report.refusals["not_entered"] += 1
            return
        order_id, account = self._order_ids[step.label]
        path = f"/v1/orders/{order_id}"
        if isinstance(step, Cancel):
            self._connection.send("DELETE", path, account)
        else:
            body = {"quantity": step.quantity} | ({"price": step.price} if step.price else {})
            self._connection.send("PATCH", path, account, body)
        self._waiting.append(step)

    def _receive_until(self, waiting_max: int) -> None:
        while len(self._waiting) > waiting_max:
            self._receive()

    def _receive(self) -> None:
        reply = self._connection.receive()
        step = self._waiting.popleft()
        if reply.status >= 500:
            raise ReplayError(
                f"the gateway answered {reply.status} after {self.report.requests:,} requests: "
                f"{reply.body.get('detail', reply.body)}"
            )
        try:
            if isinstance(step, Enter):
                self._entered(step, reply)
            elif isinstance(step, _Fills):
                self._took_fills(step, reply)
            elif isinstance(step, Cancel):
                self._canceled(step, reply)
            elif reply.status >= 400:
                self.report.refusals[reply.body["code"]] += 1
            else:
                self.report.amends += 1
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise ReplayError(f"the gateway's answer is not as documented: {error!r}") from None

    def _entered(self, step: Enter, reply: Reply) -> None:
        self._unanswered[step.label] -= 1
        if reply.status >= 400:
            # A later cancel must not reach the order that had this label before.
            self._order_ids.pop(step.label, None)
            self.report.refusals[reply.body["code"]] += 1
            return
        order_id = str(reply.body["order_id"])
        if int(order_id) <= self._last_order_id:
            raise ReplayError(f"the venue did not keep the order of requests at order {order_id}")
        self._last_order_id = int(order_id)
        self._order_ids[step.label] = order_id, _account(step)
        self.report.labels[order_id] = step.label
        self.report.orders += 1
        if reply.body.get("fills_truncated"):
            self._ask_fills(_Fills(order_id, _account(step), step.label))
        else:
            self._traded(reply.body["fills"], step.label)

    def _ask_fills(self, wanted: _Fills) -> None:
        cursor = f"&cursor={wanted.cursor}" if wanted.cursor else ""
        path = f"/v1/fills?order_id={wanted.order_id}&limit={PAGE_ITEMS_MAX}{cursor}"
        self._connection.send("GET", path, wanted.account)
        self._waiting.append(wanted)

    def _took_fills(self, wanted: _Fills, reply: Reply) -> None:
        """The next page of an order with more fills than its answer showed."""
        self._traded(reply.body["fills"], wanted.label)
        if reply.body["next_cursor"] is not None:
            self._ask_fills(replace(wanted, cursor=str(reply.body["next_cursor"])))

    def _traded(self, fills: list[dict[str, Any]], label: str) -> None:
        self.report.trades += [
            VenueTrade(
                str(fill["trade_id"]),
                int(fill["seq"]),
                Decimal(fill["price"]),
                Decimal(fill["quantity"]),
                label,
            )
            for fill in fills
        ]

    def _canceled(self, step: Cancel, reply: Reply) -> None:
        if reply.status == 200:
            self.report.cancels += 1
            left = Decimal(reply.body["remaining_quantity"])
        elif reply.body["code"] == "order_closed":
            self.report.closed_before += 1
            left = Decimal(0)
        else:
            self.report.refusals[reply.body["code"]] += 1
            return
        if step.remaining is not None:
            self.report.remainders += 1
            self.report.remainders_equal += left == step.remaining


def _account(step: Enter) -> str:
    """Buyers and sellers are never the same account, as in the recording."""
    return SEED_ACCOUNT if step.is_seed else ACCOUNTS[step.side]
