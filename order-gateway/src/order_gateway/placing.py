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

# With the known instrument, after Redis was sent the instruments, after they were read again.
ATTEMPTS_MAX = 3
# Codes of orders beyond the limits of an instrument, which may have been widened since.
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
        try:
            return await self._place(request, account, instrument)
        except (StaleInstrument, UnknownSymbol) as refusal:
            newest = await self._renewed(refusal, instrument)
        return await self.with_newest(
            newest, lambda item: self._place(request, account, item), ATTEMPTS_MAX - 1
        )

    async def _place(
        self, request: OrderRequest, account: Account, instrument: Instrument
    ) -> Placement:
        try:
            command = build_command(request, account, instrument)
        except InvalidField as refusal:
            if refusal.code not in LIMIT_CODES:
                raise
            return await self._place_beyond_limits(request, account, instrument)
        self._engine.introduce(account)
        return await self._engine.place(command)

    async def _place_beyond_limits(
        self, request: OrderRequest, account: Account, instrument: Instrument
    ) -> Placement:
        """Place an order within the newest limits, or find the order that was placed before."""
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
        self,
        instrument: Instrument,
        attempt: Callable[[Instrument], Awaitable[_Answer]],
        attempts_max: int = ATTEMPTS_MAX,
    ) -> _Answer:
        """Try with an instrument; if it has changed, with the newest. Raises as `attempt`."""
        for _ in range(attempts_max - 1):
            try:
                return await attempt(instrument)
            except (StaleInstrument, UnknownSymbol) as refusal:
                instrument = await self._renewed(refusal, instrument)
        return await attempt(instrument)

    async def _renewed(
        self, refusal: StaleInstrument | UnknownSymbol, instrument: Instrument
    ) -> Instrument:
        """The instrument for the next attempt. Raises UnknownSymbol if it was delisted."""
        if isinstance(refusal, StaleInstrument):
            return (await self._catalogue.read(instrument.symbol)).instrument
        # The symbol was traded here: Redis came back without its data, or the instrument was
        # delisted.
        await self._catalogue.restore()
        if self._catalogue.get(instrument.symbol) is None:
            raise unknown_symbol(instrument.symbol) from None
        return instrument

    async def checked(
        self, build: Callable[[Instrument], _Checked], instrument: Instrument
    ) -> _Checked:
        """Check against an instrument; an order beyond its limits, against the present limits."""
        try:
            return build(instrument)
        except InvalidField as refusal:
            if refusal.code not in LIMIT_CODES:
                raise
            newest = (await self._catalogue.read(instrument.symbol)).instrument
            if newest == instrument:
                raise
            return build(newest)
