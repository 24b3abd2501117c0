"""Operations on two orders in one atomic step: cancel-replace."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from order_gateway.metrics import Activity
from order_gateway.order_entry import check_key, read_params
from order_gateway.params import ReplaceRequest
from order_gateway.placing import Placing
from order_gateway.replies import NO_HEADERS, REPLAY_HEADERS, Reply
from order_gateway.schemas import PartResult, ReplaceReply
from tapewire.errors import Refusal
from tapewire.matching.engine import Engine, Placement
from tapewire.matching.replacement import Replacement, Target, replace_order
from tapewire.values.types import Account, Instrument, Order, OrderId, ReplaceMode
from tapewire.web.problem import problem_of
from tapewire.wire.orders import OrderReply

Render: TypeAlias = Callable[[Order, Instrument], Awaitable[OrderReply]]
"""An order as an answer."""


class Pairs:
    """Safe to share by all requests of a process."""

    def __init__(
        self, engine: Engine, placing: Placing, activity: Activity, render: Render
    ) -> None:
        self._engine = engine
        self._placing = placing
        self._activity = activity
        self._render = render

    async def replace(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """Cancel an order and place another in its market, each with its result."""
        request = read_params(ReplaceRequest, params)
        check_key(request.cancel)
        instrument = await self._placing.find_instrument(request.order.symbol)
        order_id, name = request.cancel.order_id, request.cancel.client_order_id
        target = Target(
            None if order_id is None else OrderId(order_id), name, request.cancel.cancel_id
        )
        mode = ReplaceMode(request.mode)

        async def replace_by(newest: Instrument) -> Replacement:
            command = await self._placing.command(request.order, account, newest)
            self._engine.introduce(account)
            return await replace_order(self._engine, target, command, mode)

        done = await self._placing.with_newest(instrument, replace_by)
        canceled, placed = done.canceled, done.placed
        replayed = isinstance(placed, Placement) and placed.replayed
        self._count(done, replayed=replayed)
        answer = ReplaceReply(
            await self._result(canceled, 200, instrument),
            await self._result(
                placed.order if isinstance(placed, Placement) else placed,
                200 if replayed else 201,
                instrument,
            ),
        )
        return Reply(200, answer, REPLAY_HEADERS if replayed else NO_HEADERS)

    def _count(self, done: Replacement, *, replayed: bool) -> None:
        if not replayed:
            self._activity.canceled += isinstance(done.canceled, Order)
            self._activity.placed += isinstance(done.placed, Placement)
        for part in (done.canceled, done.placed):
            if isinstance(part, Refusal):
                self._activity.refusals[part.code] += 1

    async def _result(
        self, part: Order | Refusal | None, status: int, instrument: Instrument
    ) -> PartResult | None:
        """One part of an answer: an order, or why it was refused."""
        if part is None:
            return None
        if isinstance(part, Order):
            return PartResult(status, body=await self._render(part, instrument))
        problem = problem_of(part.code, str(part), part.field)
        return PartResult(problem.status, problem=problem)
