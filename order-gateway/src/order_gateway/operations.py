"""The operations of an account, shared by REST, batches and WebSocket.

`Operations.run(operation, account, params)` takes the fields of a request as `decode_json` returns
them (numbers as NumberText, or everything as text) and returns a `Reply`. A refused request raises
Refusal, an unreachable Redis Unavailable. Each transport shows both as the same problem
(`tapewire.web.problem.problem_of(error.code, str(error), error.field)`).

Order of execution: `place`, `replace`, `cancel`, `cancel_all` and `cancel_all_after` put their
command into the queue to Redis before their first wait. Requests that start one after the other are
therefore executed in this order, without waiting for answers. The other operations read first
(`READS_FIRST`): a client that needs their place in the order waits for the answer. A command that
meets a changed instrument is sent once more, behind the commands that were sent meanwhile.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from order_gateway.accounts import Accounts
from order_gateway.batch import run_batch
from order_gateway.catalogue import Catalogue
from order_gateway.lists import Lists
from order_gateway.metrics import Activity
from order_gateway.order_entry import (
    build_amendment,
    check_key,
    read_params,
)
from order_gateway.order_lists import OrderLists
from order_gateway.pairs import Pairs
from order_gateway.params import (
    AmendParams,
    CancelAllAfterParams,
    CancelAllParams,
    CancelParams,
    OrderKey,
    OrderRequest,
)
from order_gateway.placing import Placing
from order_gateway.recorded_clock import RecordedClock, refuse_clock
from order_gateway.replies import NO_HEADERS, REPLAY_HEADERS, Reply
from order_gateway.schemas import CanceledReply, TimerReply
from tapewire.errors import (
    InvalidField,
    OutcomeUnknown,
    Unavailable,
)
from tapewire.limits import CANCELED_SHOWN_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.runtime.fair_share import FairShare
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Account, Instrument, Order, OrderId, Symbol
from tapewire.wire.orders import OrderReply, order_reply

READS_FIRST = frozenset({"amend", "batch", "cancel_list"})
MICROSECONDS = 1_000_000
# A fill takes about 10 us to render; fewer fills than this need no share of the loop.
FILLS_PER_TURN = 500
FEW_FILLS = 10

# Every operation, in the order in which documents list them.
OPERATION_NAMES = (
    "place", "replace", "amend", "cancel", "cancel_all", "order", "open_orders", "history", "fills",
    "batch", "cancel_all_after", "account", "place_list", "cancel_list", "order_list", "open_lists",
)  # fmt: skip


class Operations:
    """The operations of an account, by name. Safe to share by all requests of a process."""

    def __init__(
        self,
        engine: Engine,
        queries: Queries,
        catalogue: Catalogue,
        activity: Activity,
        clock: RecordedClock | None = None,
    ) -> None:
        """`activity` counts operations; `clock` belongs to a venue on recorded time."""
        self._activity = activity
        self.clock = clock
        self._engine = engine
        self._queries = queries
        self._catalogue = catalogue
        self._placing = Placing(engine, queries, catalogue)
        self._pairs = Pairs(engine, self._placing, activity, self._render)
        order_lists = OrderLists(
            engine,
            queries,
            catalogue,
            placing=self._placing,
            activity=activity,
            render=self._render,
        )
        self._share = FairShare(FILLS_PER_TURN)
        lists = Lists(queries, catalogue, self._share)
        self._methods: dict[str, Callable[[Account, Mapping[str, Any]], Awaitable[Reply]]] = {
            "place": self.place,
            "replace": self._pairs.replace,
            "place_list": order_lists.place,
            "cancel_list": order_lists.cancel,
            "order_list": order_lists.read,
            "open_lists": order_lists.open_lists,
            "amend": self.amend,
            "cancel": self.cancel,
            "cancel_all": self.cancel_all,
            "cancel_all_after": self.cancel_all_after,
            "order": self.order,
            "batch": self.batch,
            "open_orders": _listed(lists.open_orders),
            "history": _listed(lists.history),
            "fills": _listed(lists.fills),
            "account": _listed(Accounts(engine, queries, catalogue).own),
        }

    async def run(
        self,
        operation: str,
        account: Account,
        params: Mapping[str, Any],
        clock_us: int | None = None,
    ) -> Reply:
        """Do one operation. Raises Refusal (also for an unknown operation) or Unavailable.

        `clock_us` is the recorded time of the request, only for a venue on recorded time.
        """
        self._set_clock(operation, clock_us)
        method = self._methods.get(operation)
        if method is None:
            known = ", ".join(self._methods)
            raise InvalidField("operation", "invalid_value", f"operation must be one of {known}.")
        started_s = time.perf_counter()
        try:
            return await method(account, params)
        finally:
            self._activity.durations_s[operation].observe(time.perf_counter() - started_s)

    def hear_clock(self, clock_us: int | None) -> None:
        """Take the recorded time of a request, if it has one.

        Raises InvalidField at a venue that is not on recorded time.
        """
        if clock_us is None:
            return
        if self.clock is None:
            refuse_clock()
        else:
            self.clock.hear(clock_us)

    def _set_clock(self, operation: str, clock_us: int | None) -> None:
        self.hear_clock(clock_us)
        if clock_us is None and self.clock is not None:
            self.clock.check_started(operation)

    async def place(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Place an order: 201, or 200 and the first order of the same client_order_id."""
        request = read_params(OrderRequest, params)
        instrument = await self._placing.find_instrument(request.symbol)
        placement = await self._placing.place(request, account, instrument)
        answer = await self._render(placement.order, instrument)
        if placement.replayed:
            return Reply(200, answer, REPLAY_HEADERS)
        self._activity.placed += 1
        return Reply(201, answer, NO_HEADERS)

    async def amend(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Change price, quantity or stop price of an open order."""
        request = read_params(AmendParams, params)
        order = await self._find_order(account, request)
        instrument = await self._catalogue.find_recorded(order.symbol)

        async def amend_by(newest: Instrument) -> Order:
            build = partial(build_amendment, request, order)
            amendment = await self._placing.checked(build, newest)
            return await self._engine.amend(account, order.order_id, amendment)

        amended = await self._placing.with_newest(instrument, amend_by)
        self._activity.amended += 1
        return Reply(200, await self._render(amended, instrument), NO_HEADERS)

    async def cancel(
        self, account: Account, params: Mapping[str, Any], reason: str = "user"
    ) -> Reply:
        """Take an open order out of the book."""
        key = read_params(CancelParams, params)
        check_key(key)
        name = key.cancel_id or ""
        if key.order_id is not None:
            canceled = await self._engine.cancel(
                account, OrderId(key.order_id), reason=reason, cancel_id=name
            )
        else:
            canceled = await self._engine.cancel_client_order(
                account, str(key.client_order_id), reason=reason, cancel_id=name
            )
        self._activity.canceled += 1
        try:
            return await self._shown(canceled)
        except Unavailable as error:
            raise OutcomeUnknown(f"The order was canceled, but cannot be shown: {error}") from None

    async def cancel_all(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Cancel the open orders of the account, all or those of a symbol."""
        symbol = read_params(CancelAllParams, params).symbol
        if symbol is not None and self._catalogue.get(symbol) is None:
            await self._catalogue.find(symbol)
        canceled = await self._engine.cancel_all(
            account, None if symbol is None else Symbol(symbol)
        )
        self._activity.canceled += len(canceled)
        answer = CanceledReply(canceled[:CANCELED_SHOWN_MAX], len(canceled))
        return Reply(200, answer, NO_HEADERS)

    async def cancel_all_after(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Arm, renew or disarm the timer that cancels all orders of the account."""
        timeout_s = read_params(CancelAllAfterParams, params).timeout_s
        due_us = await self._engine.set_dead_man(account, timeout_s * MICROSECONDS)
        fires_at = None if due_us is None else format_timestamp(due_us)
        return Reply(200, TimerReply(timeout_s, fires_at), NO_HEADERS)

    async def order(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Read one order."""
        return await self._shown(await self._find_order(account, _order_key(params)))

    async def batch(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Do up to 100 of place, amend and cancel, in order, each with its own result."""
        return Reply(
            200, await run_batch(self.run, account, params, self._activity.refusals), NO_HEADERS
        )

    async def _find_order(self, account: Account, key: OrderKey) -> Order:
        check_key(key)
        if key.order_id is not None:
            return await self._queries.order(account, OrderId(key.order_id))
        return await self._queries.client_order(account, str(key.client_order_id))

    async def _shown(self, order: Order) -> Reply:
        instrument = await self._catalogue.find_recorded(order.symbol)
        return Reply(200, await self._render(order, instrument), NO_HEADERS)

    async def _render(self, order: Order, instrument: Instrument) -> OrderReply:
        """An order as an answer; an order with many fills waits for its share of the loop."""
        if len(order.fills) > FEW_FILLS:
            await self._share.take(len(order.fills))
        return order_reply(order, instrument)


def _order_key(params: Mapping[str, Any]) -> OrderKey:
    key = read_params(OrderKey, params)
    check_key(key)
    return key


def _listed(
    method: Callable[[Account, Mapping[str, Any]], Awaitable[Struct]],
) -> Callable[[Account, Mapping[str, Any]], Awaitable[Reply]]:
    async def answer(account: Account, params: Mapping[str, Any]) -> Reply:
        return Reply(200, await method(account, params), NO_HEADERS)

    return answer
