"""What whoever runs the venue may change while it runs: markets and instruments."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from order_gateway.catalogue import Catalogue
from order_gateway.errors import refusal_of
from order_gateway.operations import NO_HEADERS, Reply
from order_gateway.order_entry import read_params
from order_gateway.params import MarketRequest
from order_gateway.replies import render_market
from tapewire.errors import Conflict, InstrumentConflict, InvalidField
from tapewire.instrument_entry import InstrumentEntry, build_instrument
from tapewire.limits import INSTRUMENTS_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.types import Instrument, MarketState


class Administration:
    """Changes that count at once, for every gateway of the venue."""

    def __init__(self, engine: Engine, queries: Queries, catalogue: Catalogue) -> None:
        self._engine = engine
        self._queries = queries
        self._catalogue = catalogue

    async def change_market(self, symbol: str, params: Mapping[str, Any]) -> Reply:
        """Switch a market's state, its price band or its bound on open orders."""
        wanted = read_params(MarketRequest, params)
        if (
            wanted.state is None
            and wanted.price_band_bps is None
            and wanted.open_orders_max is None
        ):
            raise InvalidField(
                "state",
                "nothing_to_amend",
                "state, price_band_bps or open_orders_max must be given: what is to change?",
            )
        instrument = await self._catalogue.find(symbol)
        await self._engine.control_market(
            instrument.symbol,
            state=None if wanted.state is None else MarketState(wanted.state),
            band_bps=wanted.price_band_bps,
            open_orders_max=wanted.open_orders_max,
        )
        return await self._shown(symbol, 200)

    async def publish_instrument(self, params: Mapping[str, Any]) -> Reply:
        """Add an instrument (201), or change the limits of one (200); both any number of times."""
        instrument = _read_instrument(params, await self._queries.assets())
        known = await self._queries.symbols()
        is_new = instrument.symbol not in known
        if is_new and len(known) >= INSTRUMENTS_MAX:
            raise Conflict(
                "instruments_limit", f"The venue has {INSTRUMENTS_MAX} instruments already."
            )
        try:
            await self._engine.publish_instruments({instrument.symbol: instrument})
        except InstrumentConflict:
            raise Conflict(
                "instrument_conflict",
                f"{instrument.symbol} is traded with another base, quote, tick_size or lot_size, "
                "which are fixed for its life; use another symbol.",
            ) from None
        # The bounds of a market that is there already are changed only if they are named.
        band_bps = instrument.band_bps if params.get("price_band") is not None else None
        open_max = instrument.open_orders_max if params.get("open_orders_max") is not None else None
        if not is_new and (band_bps is not None or open_max is not None):
            await self._engine.control_market(
                instrument.symbol, band_bps=band_bps, open_orders_max=open_max
            )
        return await self._shown(instrument.symbol, 201 if is_new else 200)

    async def _shown(self, symbol: str, status: int) -> Reply:
        return Reply(status, render_market(await self._catalogue.read(symbol)).encode(), NO_HEADERS)


def _read_instrument(params: Mapping[str, Any], assets: Mapping[str, int]) -> Instrument:
    try:
        return build_instrument(InstrumentEntry.model_validate(params), assets)
    except ValidationError as error:
        raise refusal_of(error) from None
