"""The context of one call: parameters, identity, time unit, and the present names of symbols."""

import time
from dataclasses import dataclass

from order_gateway.binance.errors import BinanceError, invalid_symbol
from order_gateway.binance.fields import Fields
from order_gateway.binance.orders import OrderShape
from order_gateway.binance.signature import MICROSECONDS_FROM
from order_gateway.catalogue import Catalogue
from tapewire.api_keys.text import Identity
from tapewire.binance.symbols import BinanceSymbols
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.values.types import Account, Symbol

MILLISECOND_US = 1_000
NAMES_KEPT_S = 1.0
"""Seconds for which an unknown name is refused without another read of the instruments."""


@dataclass(frozen=True, slots=True)
class Context:
    """Parameters, identity, and the unit of times: 1,000 us, or 1 us if the client asks for it."""

    fields: Fields
    identity: Identity | None
    us_per_unit: int = MILLISECOND_US

    @property
    def account(self) -> Account:
        """The account of a signed call."""
        if self.identity is None:
            raise AssertionError("only signed calls have an account")
        return self.identity.account


class SymbolNames:
    """Finds symbols by their names at Binance among the instruments of this gateway."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._names, self._version = BinanceSymbols(()), -1
        self._read_s: float | None = None

    @property
    def names(self) -> BinanceSymbols:
        """Every name that is known now."""
        if self._version != self._catalogue.version:
            self._names = BinanceSymbols(self._catalogue.known)
            self._version = self._catalogue.version
        return self._names

    async def find(self, name: str) -> Symbol:
        """The symbol of a name. Raises BinanceError (-1121), Unavailable."""
        found = self.names.get(name)
        if found is None and self._may_read(time.monotonic()):
            await self._catalogue.read_all()
            found = self.names.get(name)
        if found is None:
            raise invalid_symbol()
        return found

    def _may_read(self, now_s: float) -> bool:
        """Whether an unknown name may cause a read of the instruments now."""
        if self._read_s is not None and now_s - self._read_s <= NAMES_KEPT_S:
            return False
        self._read_s = now_s
        return True

    async def named_in(self, context: Context) -> Symbol:
        """The symbol that the parameter `symbol` names. Raises BinanceError, Unavailable."""
        return await self.find(context.fields.symbol())

    async def optional_in(self, context: Context) -> Symbol | None:
        """The same; None without the parameter. Raises BinanceError, Unavailable."""
        if context.fields.optional("symbol") is None:
            return None
        return await self.named_in(context)

    def shape(self, context: Context) -> OrderShape:
        """Writes orders for a call."""
        return OrderShape(self.names, context.us_per_unit)


def read_period(context: Context) -> tuple[int | None, int | None]:
    """`startTime` and `endTime` in microseconds, the end included. Raises BinanceError."""
    start, end = context.fields.whole("startTime"), context.fields.whole("endTime")
    if start is not None and end is not None and start > end:
        raise BinanceError(-1127, "startTime must not be later than endTime.")
    return (
        None if start is None else _microseconds(start),
        None if end is None else _microseconds(end),
    )


def _microseconds(moment: int) -> int:
    """A time that a client sent, in milliseconds or, with 16 digits, in microseconds."""
    time_us = moment if moment >= MICROSECONDS_FROM else moment * MILLISECOND_US
    return min(time_us, EXACT_INTEGER_MAX - 1)
