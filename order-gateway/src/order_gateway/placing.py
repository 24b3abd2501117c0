"""Orders that come in: checked against the newest instrument, sent again when it has changed."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from order_gateway.catalogue import Catalogue, unknown_symbol
from order_gateway.order_entry import build_command, without_limits
from order_gateway.params import OrderRequest
from tapewire.errors import InvalidField, StaleInstrument, UnknownSymbol
from tapewire.matching.engine import Engine, Placement
from tapewire.matching.queries import Queries
from tapewire.values.types import Account, Instrument, OrderCommand

# Once as it is known, once after Redis was told what is traded, once after it was read anew.
ATTEMPTS_MAX = 3
# How what is beyond the limits of an instrument is refused; those may have been widened since.
LIMIT_CODES = frozenset({"out_of_range", "notional_too_small"})

_Checked = TypeVar("_Checked")
_Answer = TypeVar("_Answer")


class Placing:
    """Places orders for every operation that does. Safe to share by all requests of a process."""

    def __init__(self, engine: Engine, queries: Queries, catalogue: Catalogue) -> None:
        self._engine = engine
        self._queries = queries
        self._catalogue = catalogue

    async def find_instrument(self, symbol: str) -> Instrument:
        """The instrument of an order. Raises UnknownSymbol, Unavailable."""
        return self._catalogue.get(symbol) or await self._catalogue.find(symbol)

    async def place(
        self, request: OrderRequest, account: Account, instrument: Instrument
    ) -> Placement:
        """Place an order. Raises a Refusal, Unavailable."""
        return await self.with_newest(
            instrument, lambda newest: self._place(request, account, newest)
        )

    async def _place(
        self, request: OrderRequest, account: Account, instrument: Instrument
    ) -> Placement:
        try:
            command = await self.command(request, account, instrument)
        except InvalidField as refusal:
            # Limits may have changed since this very order was placed.
            if refusal.code not in LIMIT_CODES or request.client_order_id is None:
                raise
            unbound = build_command(request, account, without_limits(instrument))
            earlier = await self._queries.earlier_order(unbound)
            if earlier is None:
                raise
            return Placement(earlier, replayed=True)
        self._engine.introduce(account)
        return await self._engine.place(command)

    async def command(
        self, request: OrderRequest, account: Account, instrument: Instrument
    ) -> OrderCommand:
        """The checked command of an order. Raises a Refusal, Unavailable."""
        return await self.checked(partial(build_command, request, account), instrument)

    async def with_newest(
        self, instrument: Instrument, attempt: Callable[[Instrument], Awaitable[_Answer]]
    ) -> _Answer:
        """Try with an instrument; if it has changed, with the newest. Raises as `attempt`."""
        for number in range(ATTEMPTS_MAX):
            try:
                return await attempt(instrument)
            except StaleInstrument:
                if number == ATTEMPTS_MAX - 1:
                    raise
                instrument = (await self._catalogue.read(instrument.symbol)).instrument
            except UnknownSymbol:
                if number == ATTEMPTS_MAX - 1:
                    raise
                # The symbol was traded here: Redis came back without its data, or the instrument
                # was delisted.
                await self._catalogue.restore()
                if self._catalogue.get(instrument.symbol) is None:
                    raise unknown_symbol(instrument.symbol) from None
        raise AssertionError("the last attempt returns or raises")

    async def checked(
        self, build: Callable[[Instrument], _Checked], instrument: Instrument
    ) -> _Checked:
        """Check against an instrument; what is beyond its limits, against those of this moment."""
        try:
            return build(instrument)
        except InvalidField as refusal:
            if refusal.code not in LIMIT_CODES:
                raise
            newest = (await self._catalogue.read(instrument.symbol)).instrument
            if newest == instrument:
                raise
            return build(newest)
