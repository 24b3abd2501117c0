"""The matching engine as the rest of Tapewire sees it: typed commands in, typed orders out.

The only module that calls the scripts of `lua/`. What a script answers with is turned into an
`Order`, what it refuses into the exception of `_REFUSALS`.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from redis.exceptions import NoScriptError, ResponseError

from tapewire import keys
from tapewire.errors import (
    DuplicateClientOrderId,
    InstrumentConflict,
    OrderClosed,
    OrderNotFound,
    TapewireError,
    UnknownSymbol,
)
from tapewire.limits import CLOSED_ORDER_KEPT_S, FILLS_PER_ORDER_MAX, REPLAY_LOG_TRADES_MAX
from tapewire.matching.batcher import Batcher
from tapewire.matching.order_record import read_order
from tapewire.matching.script import Script, load_script
from tapewire.redis_client import AsyncRedis, RedisAddress, open_async
from tapewire.types import Account, Instrument, Order, OrderCommand, OrderId, Symbol

_REFUSALS: dict[str, tuple[type[TapewireError], str]] = {
    "UNKNOWN_SYMBOL": (UnknownSymbol, "symbol is not traded here; GET /v1/instruments lists all."),
    "DUPLICATE_CLIENT_ORDER_ID": (
        DuplicateClientOrderId,
        "client_order_id was used before, for an order with another body.",
    ),
    "ORDER_NOT_FOUND": (OrderNotFound, "No order of yours has this order_id."),
    "ORDER_CLOSED": (OrderClosed, "The order is closed already: filled, canceled or expired."),
    "INSTRUMENT_CONFLICT": (
        InstrumentConflict,
        (
            "Redis holds this instrument with another base, quote, tick_size or lot_size; "
            "use another symbol or an empty Redis:"
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """A placed order; `replayed` if it was placed before under the same client order id."""

    order: Order
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingLimits:
    """The bounds that the scripts take with every call; the defaults are the venue's."""

    fills_per_order_max: int = FILLS_PER_ORDER_MAX
    closed_order_kept_s: int = CLOSED_ORDER_KEPT_S
    replay_log_trades_max: int = REPLAY_LOG_TRADES_MAX


class Engine:
    """Places, cancels and reads orders. Safe to share by all requests of a process."""

    def __init__(
        self, client: AsyncRedis, *, timeout_s: float, limits: MatchingLimits | None = None
    ) -> None:
        self._client = client
        self._limits = limits or MatchingLimits()
        self._batcher = Batcher(client, timeout_s=timeout_s)
        self._place = load_script("place")
        self._cancel = load_script("cancel")
        self._instruments = load_script("instruments")
        # A test or a replay may set the venue clock, in microseconds; '' means Redis TIME.
        self.clock_us = ""

    @classmethod
    async def open(cls, address: RedisAddress, limits: MatchingLimits | None = None) -> Self:
        """Make an engine; it connects with its first command."""
        return cls(open_async(address), timeout_s=address.timeout_s, limits=limits)

    async def close(self) -> None:
        """Finish what is on its way and disconnect."""
        await self._batcher.close()
        await self._client.aclose()

    async def ready(self) -> None:
        """Check that Redis answers and holds the scripts. Raises Unavailable."""
        for script in (self._place, self._cancel, self._instruments):
            await self._batcher.submit("SCRIPT", "LOAD", script.source)

    async def publish_instruments(self, instruments: Mapping[Symbol, Instrument]) -> None:
        """Make instruments known to the venue. Raises InstrumentConflict, Unavailable."""
        arguments = [uuid.uuid4().hex[:12]]
        for instrument in instruments.values():
            identity = (
                instrument.base, instrument.quote,
                instrument.tick_units, instrument.price_decimals,
                instrument.lot_units, instrument.quantity_decimals,
            )  # fmt: skip
            limits = (
                instrument.quantity_lots_min, instrument.quantity_lots_max,
                instrument.price_ticks_max, instrument.notional_min,
            )  # fmt: skip
            arguments += [instrument.symbol, _joined(identity), _joined(limits)]
        await self._run(self._instruments, keys.INSTRUMENTS, *arguments)

    async def place(self, command: OrderCommand) -> Placement:
        """Place one order. Raises UnknownSymbol, DuplicateClientOrderId, Unavailable."""
        price = "" if command.price_ticks is None else command.price_ticks
        client_order_id = command.client_order_id or ""
        replayed, order_id, fields = await self._run(
            self._place, keys.market(command.symbol),
            self.clock_us, command.account, client_order_id,
            _digest(command) if client_order_id else "",
            command.symbol, command.side, command.order_type, command.time_in_force,
            price, command.quantity_lots,
            self._limits.fills_per_order_max, self._limits.closed_order_kept_s,
            self._limits.replay_log_trades_max,
        )  # fmt: skip
        return Placement(read_order(order_id.decode(), fields), replayed=bool(replayed))

    async def cancel(self, account: Account, order_id: OrderId) -> Order:
        """Take an open order out of the book. Raises OrderNotFound, OrderClosed, Unavailable."""
        fields = await self._run(
            self._cancel, keys.order(order_id),
            self.clock_us, account, order_id, self._limits.closed_order_kept_s,
        )  # fmt: skip
        return read_order(order_id, fields)

    async def order(self, account: Account, order_id: OrderId) -> Order:
        """Read one order of the account. Raises OrderNotFound, Unavailable."""
        fields = await self._batcher.submit("HGETALL", keys.order(order_id))
        if not fields:
            _refuse("ORDER_NOT_FOUND")
        order = read_order(order_id, fields)
        if order.account != account:
            _refuse("ORDER_NOT_FOUND")
        return order

    async def _run(self, script: Script, key: str, *arguments: str | int) -> Any:  # noqa: ANN401
        command = ("EVALSHA", script.sha, 1, key, *arguments)
        try:
            try:
                return await self._batcher.submit(*command)
            except NoScriptError:
                # Redis was restarted: it ran nothing, so loading and asking again is safe.
                await self._batcher.submit("SCRIPT", "LOAD", script.source)
                return await self._batcher.submit(*command)
        except ResponseError as error:
            _refuse(str(error))


def _joined(values: Iterable[object]) -> str:
    """Values as the packed fields of `lua/include/orders.lua` hold them."""
    return "|".join(str(value) for value in values)


def _digest(command: OrderCommand) -> str:
    """A short name for the body of an order; equal bodies have equal digests."""
    body = _joined(
        (
            command.symbol, command.side, command.order_type, command.time_in_force,
            command.price_ticks, command.quantity_lots,
        )
    )  # fmt: skip
    return hashlib.blake2b(body.encode(), digest_size=8).hexdigest()


def _refuse(reply: str) -> NoReturn:
    """Raise the exception that an error reply of a script stands for."""
    code, _, detail = reply.removeprefix("ERR ").partition(" ")
    if code not in _REFUSALS:
        raise TapewireError(f"the matching script failed: {reply}")
    kind, sentence = _REFUSALS[code]
    raise kind(f"{sentence} {detail}".rstrip())
