"""The administration of markets and instruments while the venue runs."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError

from order_gateway.catalogue import Catalogue
from order_gateway.field_rules import refusal_of
from order_gateway.order_entry import read_params
from order_gateway.params import MarketRequest
from order_gateway.replies import NO_HEADERS, Reply, instrument_reply
from order_gateway.schemas import DelistedReply
from tapewire.errors import Conflict, InstrumentConflict, InvalidField
from tapewire.limits import INSTRUMENTS_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.queries import Queries
from tapewire.values.account_entry import read_market_bounds
from tapewire.values.bounds import MarketBounds
from tapewire.values.fee_rates import check_fee_rates
from tapewire.values.instrument_entry import InstrumentEntry, build_instrument
from tapewire.values.types import Instrument, MarketState

# The names of `Instrument.controls` in an instrument entry, in the same order.
CONTROL_FIELDS = (
    "price_band", "open_orders_max", "order_quantity_max", "order_notional_max", "position_max",
    "maker_fee_ppm", "taker_fee_ppm",
)  # fmt: skip


class Administration:
    """Changes of markets and instruments; each counts at once for every gateway of the venue."""

    def __init__(self, engine: Engine, queries: Queries, catalogue: Catalogue) -> None:
        self._engine = engine
        self._queries = queries
        self._catalogue = catalogue
        self._kill_switch = KillSwitch(engine, queries)

    async def change_market(self, symbol: str, params: Mapping[str, Any]) -> Reply:
        """Switch a market's state, its price band, its bounds on orders or its fees."""
        wanted = read_params(MarketRequest, params)
        written = wanted.model_dump(exclude_none=True)
        allows_coarse_fees = written.pop("allow_coarse_fees", False)
        if not written:
            raise InvalidField(
                "state",
                "nothing_to_amend",
                f"One of {', '.join(MarketRequest.model_fields)} is missing: send at least one.",
            )
        instrument = await self._catalogue.find(symbol)
        state, band_bps = written.pop("state", None), written.pop("price_band_bps", None)
        bounds = read_market_bounds(written, instrument)
        if band_bps is not None:
            bounds["band_bps"] = band_bps
        if not allows_coarse_fees:
            rates = {field: bounds.get(field) for field in ("maker_fee_ppm", "taker_fee_ppm")}
            check_fee_rates(cast("dict[str, int | None]", rates), instrument)
        await self._engine.control_market(
            instrument.symbol, state=None if state is None else MarketState(state), **bounds
        )
        return await self._shown(symbol, 200)

    async def publish_instrument(self, params: Mapping[str, Any]) -> Reply:
        """Add an instrument (201) or change the limits of one (200).

        An instrument that was delisted is listed again (201). The request can be repeated safely.
        """
        instrument = _read_instrument(params, await self._queries.assets())
        known, delisted = await self._queries.symbols(), await self._queries.delisted()
        is_new = instrument.symbol not in known
        # Delisted instruments count, because their history stays.
        recorded = known | delisted
        if instrument.symbol not in recorded and len(recorded) >= INSTRUMENTS_MAX:
            raise Conflict(
                "instruments_limit",
                f"The venue has {INSTRUMENTS_MAX} instruments already, {len(delisted)} of them "
                "delisted.",
            )
        try:
            await self._engine.publish_instruments(
                {instrument.symbol: instrument}, lists_again=True
            )
        except InstrumentConflict:
            raise Conflict(
                "instrument_conflict",
                f"{instrument.symbol} or its assets are traded with another base, quote, "
                "tick_size, lot_size or decimals, which are fixed for life; use another symbol.",
            ) from None
        # The bounds of a known market change only if the entry names them.
        named = {
            bound: value
            for field, bound, value in zip(
                CONTROL_FIELDS, MarketBounds.__annotations__, instrument.controls, strict=True
            )
            if params.get(field) is not None
        }
        if named and not is_new:
            await self._engine.control_market(instrument.symbol, **cast("MarketBounds", named))
        return await self._shown(instrument.symbol, 201 if is_new else 200)

    async def delist(self, symbol: str) -> Reply:
        """Cancel the orders of a market and take its instrument off the list."""
        instrument = (await self._catalogue.read(symbol)).instrument
        count = await self._kill_switch.delist(instrument.symbol)
        # This gateway forgets the instrument before it answers.
        await self._catalogue.restore()
        return Reply(200, DelistedReply(instrument.symbol, count), NO_HEADERS)

    async def _shown(self, symbol: str, status: int) -> Reply:
        return Reply(status, instrument_reply(await self._catalogue.read(symbol)), NO_HEADERS)


def _read_instrument(params: Mapping[str, Any], assets: Mapping[str, int]) -> Instrument:
    try:
        return build_instrument(InstrumentEntry.model_validate(params), assets)
    except ValidationError as error:
        raise refusal_of(error) from None
