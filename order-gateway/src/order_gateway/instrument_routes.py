"""REST: the instruments and the time of the venue; both are public."""

from fastapi import APIRouter, Request, Response

from order_gateway.documents import SYMBOL, answered
from order_gateway.examples import INSTRUMENT_EXAMPLE, TIME_EXAMPLE
from order_gateway.replies import instrument_reply, instruments_reply
from order_gateway.schemas import InstrumentReply, InstrumentsReply, TimeReply
from order_gateway.state import state_of
from tapewire.values.timestamps import format_timestamp
from tapewire.web.direct_route import DirectRoute, json_response
from tapewire.web.problem import problem_examples

router = APIRouter(route_class=DirectRoute, tags=["instruments"])


@router.get(
    "/instruments",
    summary="List the instruments",
    responses={
        200: answered("All", InstrumentsReply, {"instruments": [INSTRUMENT_EXAMPLE]}),
        **problem_examples("internal_error"),
    },
)
async def list_instruments(request: Request) -> Response:
    """The instruments, their steps and bounds, and the state of each market.

    While Redis is away, the last known answer.
    """
    return json_response(instruments_reply(await state_of(request).catalogue.read_all()))


@router.get(
    "/instruments/{symbol}",
    summary="Read an instrument",
    responses={
        200: answered("The instrument", InstrumentReply, INSTRUMENT_EXAMPLE),
        **problem_examples("unknown_symbol", "redis_unavailable", "overloaded", "internal_error"),
    },
    openapi_extra={"parameters": [SYMBOL]},
)
async def read_instrument(request: Request) -> Response:
    """One instrument."""
    market = await state_of(request).catalogue.read(request.path_params["symbol"])
    return json_response(instrument_reply(market))


@router.get(
    "/time",
    summary="Read the time",
    responses={
        200: answered("The time", TimeReply, TIME_EXAMPLE),
        **problem_examples("redis_unavailable", "overloaded", "internal_error"),
    },
)
async def read_time(request: Request) -> Response:
    """The clock that stamps orders and ends `gtd` orders; compare your clock with it."""
    state = state_of(request)
    time_us = None if state.clock is None else state.clock.newest_us
    if time_us is None:
        time_us = await state.queries.time_us()
    return json_response(TimeReply(format_timestamp(time_us), time_us))
