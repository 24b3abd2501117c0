"""REST: change markets and instruments while the venue runs."""

from fastapi import APIRouter, Request, Response

from order_gateway.documents import SYMBOL, answered, sent
from order_gateway.errors import DELIST_ERRORS, INSTRUMENT_ERRORS, MARKET_CHANGE_ERRORS
from order_gateway.examples import (
    ADDED_EXAMPLE,
    DELISTED_EXAMPLE,
    INSTRUMENT_EXAMPLE,
    INSTRUMENT_REQUEST_EXAMPLE,
    MARKET_REQUEST_EXAMPLE,
)
from order_gateway.incoming import read_body, respond
from order_gateway.params import MarketRequest
from order_gateway.schemas import DelistedReply, InstrumentReply
from order_gateway.state import state_of
from tapewire.values.instrument_entry import InstrumentEntry
from tapewire.web.direct_route import DirectRoute
from tapewire.web.problem import problem_examples

router = APIRouter(prefix="/admin", route_class=DirectRoute, tags=["admin"])


@router.put(
    "/markets/{symbol}",
    summary="Switch a market",
    responses={
        200: answered(
            "The changed market",
            InstrumentReply,
            INSTRUMENT_EXAMPLE | {"state": "post_only", "price_band_bps": 1_000},
        ),
        **problem_examples(*MARKET_CHANGE_ERRORS),
    },
    openapi_extra={
        "parameters": [SYMBOL],
        "requestBody": sent(MarketRequest, market=MARKET_REQUEST_EXAMPLE),
    },
)
async def change_market(request: Request) -> Response:
    """Changes the state of a market, its price band, its bounds on orders and its fees; a field
    that is left out keeps its value. `trading` takes everything, `post_only` only orders that do
    not take, `cancel_only` only cancels and amendments to a smaller quantity, `halted` nothing.
    `auction` collects limit and stop orders, which trade at one price when the market is switched
    to `trading` or `post_only`. Open orders stay. The feed announces the change."""
    administration = state_of(request).administration
    symbol = request.path_params["symbol"]
    return respond(await administration.change_market(symbol, await read_body(request)))


@router.post(
    "/instruments",
    status_code=201,
    summary="Add an instrument, or change the limits of one",
    responses={
        201: answered("The new instrument", InstrumentReply, ADDED_EXAMPLE),
        200: answered("The changed instrument", InstrumentReply, ADDED_EXAMPLE),
        **problem_examples(*INSTRUMENT_ERRORS),
    },
    openapi_extra={
        "requestBody": sent(InstrumentEntry, instrument=INSTRUMENT_REQUEST_EXAMPLE),
    },
)
async def publish_instrument(request: Request) -> Response:
    """Takes the fields of the instrument file.

    The instrument trades at once, through every gateway. Base, quote, tick_size and lot_size are
    fixed for the life of a symbol. Open orders that break the new limits stay as they are. An
    instrument that was delisted is listed again, and its `seq` goes on.
    """
    administration = state_of(request).administration
    return respond(await administration.publish_instrument(await read_body(request)))


@router.delete(
    "/instruments/{symbol}",
    summary="Delist an instrument",
    responses={
        200: answered("The delisted instrument", DelistedReply, DELISTED_EXAMPLE),
        **problem_examples(*DELIST_ERRORS),
    },
    openapi_extra={"parameters": [SYMBOL]},
)
async def delist_instrument(request: Request) -> Response:
    """Halts the market, cancels its open orders and waiting stops, and takes the instrument off
    the list.

    Balances, trades, candles, orders and fills stay readable. New orders are refused with
    `unknown_symbol`. If the answer is lost, ask again: 404 says that it was done.
    """
    administration = state_of(request).administration
    return respond(await administration.delist(request.path_params["symbol"]))
