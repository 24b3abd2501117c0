"""Sends the steps of a recording to a venue, in order, and counts the results.

Orders are named by a client order id, so that a cancel is sent without waiting for the answer to
its order: as many requests are in flight as the gateway takes. Several accounts have a connection
each; the order of requests among connections is kept by waiting for all answers before the next
account is used, which costs most of the rate.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal

import msgspec

from tapewire.client import OrderEntry, RequestRefused
from tapewire.client.calls import Call, decoder, find_operation
from tapewire.client.replies import HistoryFill
from tapewire.errors import TapewireError
from tapewire.replay.report import Report, VenueTrade
from tapewire.replay.steps import Amend, Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.timestamps import parse_timestamp

MICROSECONDS = 1_000_000

Request = Enter | Cancel | Amend


class _Fill(msgspec.Struct):
    trade_id: str
    seq: int
    price: Decimal
    quantity: Decimal


class _Order(msgspec.Struct):
    """The part of an answer that a replay reads."""

    order_id: str
    remaining_quantity: Decimal
    timestamp: str
    fills: list[_Fill]
    fills_truncated: bool = False


class _Sent(msgspec.Struct):
    """A request without an answer yet."""

    step: Request
    name: str
    clock_us: int | None
    account: int
    answer: "asyncio.Future[_Order]"


_read_order = decoder(_Order)
_PLACE, _AMEND, _CANCEL = (find_operation(op) for op in ("place", "amend", "cancel"))


class Player:
    """One replay of one recording at one venue."""

    def __init__(
        self,
        entries: Sequence[OrderEntry],
        symbol: str,
        *,
        run_id: str,
        in_flight_max: int,
        speed: float | None = None,
        start_us: int | None = None,
    ) -> None:
        """Orders are dealt to the accounts of `entries` in turn; `run_id` begins their names.

        `speed` is in recorded seconds per second; None plays as fast as the venue answers. At a
        venue on recorded time `start_us` is the moment of time 0 of the steps, in microseconds
        since 1970; None leaves the time to the venue.
        """
        self.report = Report()
        self._entries = entries
        self._symbol = symbol
        self._run_id = run_id
        self._in_flight_max = in_flight_max
        self._speed = speed
        self._start_us = start_us
        self._sent: deque[_Sent] = deque()
        # The newest order of a label: its client order id and its account.
        self._orders: dict[str, tuple[str, int]] = {}
        self._refused: set[str] = set()
        # Orders whose answers do not show all their fills: order id, label, account.
        self._truncated: deque[tuple[str, str, int]] = deque()
        self._placed = 0
        self._account = 0
        self._last_order_id = 0

    async def play(self, steps: Iterable[Step]) -> AsyncIterator[Step]:
        """Send all steps, yielding each one when it was sent; the report is complete at the end.

        Raises ReplayError when the venue does not answer or does not keep the order of requests.
        """
        started_s = time.monotonic()
        first_us: int | None = None
        for step in steps:
            if self._speed is not None:
                first_us = step.time_us if first_us is None else first_us
                due_s = started_s + (step.time_us - first_us) / MICROSECONDS / self._speed
                await asyncio.sleep(due_s - time.monotonic())
            await self._send(step)
            self.report.elapsed_s = time.monotonic() - started_s
            yield step
        await self._take_answers(0)
        # Fills that an answer does not show are read behind the answers to later orders.
        self.report.trades.sort(key=lambda trade: trade.seq)
        self.report.elapsed_s = time.monotonic() - started_s

    async def _send(self, step: Step) -> None:
        if isinstance(step, RecordedTrade):
            self.report.recorded[step.price, step.quantity] += 1
            return
        if len(self._sent) >= self._in_flight_max:
            # Most requests stay in flight, so that Redis has work while new ones are on their way.
            await self._take_answers(self._in_flight_max * 3 // 4)
        if isinstance(step, Enter):
            self._placed += 1
            name, account = f"{self._run_id}-{self._placed}", self._placed % len(self._entries)
            self._orders[step.label] = name, account
            body: dict[str, object] = {
                "symbol": self._symbol,
                "side": step.side,
                "order_type": step.order_type,
                "quantity": step.quantity,
                "price": step.price,
                "client_order_id": name,
                # The account of a maker may be that of its taker.
                "self_trade_prevention": "none",
            }
            call = Call(_read_order, body=body, operation=_PLACE, clock_us=self._clock_us(step))
        elif step.label not in self._orders:
            self.report.refusals["not_entered"] += 1
            return
        else:
            name, account = self._orders[step.label]
            key = ("client_order_id", name)
            clock_us = self._clock_us(step)
            if isinstance(step, Cancel):
                call = Call(_read_order, key=key, operation=_CANCEL, clock_us=clock_us)
            else:
                body = {"quantity": step.quantity, "price": step.price}
                call = Call(_read_order, key=key, body=body, operation=_AMEND, clock_us=clock_us)
        await self._submit(step, name, account, call)

    def _clock_us(self, step: Request) -> int | None:
        """The recorded time of a step; None if the venue has a clock of its own."""
        return None if self._start_us is None else self._start_us + step.time_us

    async def _submit(self, step: Request, name: str, account: int, call: Call[_Order]) -> None:
        if account != self._account:
            await self._take_answers(0)
            self._account = account
        try:
            answer = self._entries[account].submit(call)
        except TapewireError as error:
            raise self._failure(error) from None
        self._sent.append(_Sent(step, name, call.clock_us, account, answer))

    async def _take_answers(self, left: int) -> None:
        """Wait until at most `left` requests are without an answer; answers come in order."""
        while len(self._sent) > left:
            last = self._sent[len(self._sent) - left - 1]
            await asyncio.wait([last.answer])
            while self._sent and self._sent[0].answer.done():
                self._take(self._sent.popleft())
            while self._truncated:
                await self._read_fills(*self._truncated.popleft())

    def _take(self, sent: _Sent) -> None:
        error = sent.answer.exception()
        if isinstance(error, RequestRefused):
            self._take_refusal(sent, error.code)
        elif isinstance(error, TapewireError):
            raise self._failure(error) from None
        elif error is not None:
            raise error
        elif isinstance(sent.step, Enter):
            self._entered(sent, sent.step, sent.answer.result())
        elif isinstance(sent.step, Cancel):
            self.report.cancels += 1
            self._compare_remainder(sent.step, sent.answer.result().remaining_quantity)
        else:
            self.report.amends += 1

    def _take_refusal(self, sent: _Sent, code: str) -> None:
        if code == "rate_limited":
            raise ReplayError(
                "the venue limits the rate of requests: start it with "
                "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S=0 TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S=0"
            )
        if isinstance(sent.step, Enter):
            self._refused.add(sent.name)
        elif sent.name in self._refused:
            # Nothing to change, because the order itself was refused.
            code = "not_entered"
        elif code == "order_closed" and isinstance(sent.step, Cancel):
            self.report.closed_before += 1
            self._compare_remainder(sent.step, Decimal(0))
            return
        self.report.refusals[code] += 1

    def _entered(self, sent: _Sent, step: Enter, order: _Order) -> None:
        if int(order.order_id) <= self._last_order_id:
            raise ReplayError(
                f"the venue did not keep the order of requests at order {order.order_id}"
            )
        if sent.clock_us is not None and self._last_order_id == 0:
            self._check_clock(sent.clock_us, order.timestamp)
        self._last_order_id = int(order.order_id)
        self.report.labels[order.order_id] = step.label
        self.report.orders += 1
        if order.fills_truncated:
            self._truncated.append((order.order_id, step.label, sent.account))
            return
        for fill in order.fills:
            self._traded(fill, step.label)

    async def _read_fills(self, order_id: str, label: str, account: int) -> None:
        try:
            async for fill in self._entries[account].fills(order_id=order_id):
                self._traded(fill, label)
        except TapewireError as error:
            raise self._failure(error) from None

    def _traded(self, fill: _Fill | HistoryFill, label: str) -> None:
        self.report.trades.append(
            VenueTrade(fill.trade_id, fill.seq, fill.price, fill.quantity, label)
        )

    def _check_clock(self, clock_us: int, timestamp: str) -> None:
        if parse_timestamp(timestamp) > clock_us:
            raise ReplayError(
                f"{self._symbol} has traded until {timestamp}, later than the recording begins: "
                "start the venue with an empty data directory"
            )

    def _compare_remainder(self, step: Cancel, left: Decimal) -> None:
        if step.remaining is not None:
            self.report.remainders += 1
            self.report.remainders_equal += left == step.remaining

    def _failure(self, error: TapewireError) -> ReplayError:
        return ReplayError(f"after {self.report.requests:,} requests: {error.detail}")
