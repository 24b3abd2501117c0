"""The matching engine as the rest of Tapewire sees it: typed commands in, typed orders out.

The only module that calls the scripts of `lua/`. What a script answers with is turned into types
by `records.py`, what it refuses into an exception by `refusals.py`.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from redis.exceptions import NoScriptError, ResponseError

from tapewire import keys
from tapewire.limits import (
    CLOSED_ORDER_KEPT_S,
    FILLS_PER_ORDER_MAX,
    JOURNAL_COMMANDS_MAX,
    ORDERS_PER_SWEEP_MAX,
    REPLAY_LOG_TRADES_MAX,
    STOPS_PER_COMMAND_MAX,
)
from tapewire.matching.batcher import Batcher
from tapewire.matching.digest import order_digest
from tapewire.matching.records import read_order
from tapewire.matching.refusals import refuse
from tapewire.matching.script import Script, load_script
from tapewire.redis_client import AsyncRedis, RedisAddress, open_async
from tapewire.types import (
    Account,
    Amendment,
    Instrument,
    MarketState,
    Order,
    OrderCommand,
    OrderId,
    Symbol,
)

Reply: TypeAlias = Any
"""What Redis answers with: the contract header of each script says which shape."""

SCRIPTS = (
    "place", "amend", "cancel", "cancel_all", "expire", "dead_man", "control", "instruments",
)  # fmt: skip


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
    journal_commands_max: int = JOURNAL_COMMANDS_MAX
    stops_per_command_max: int = STOPS_PER_COMMAND_MAX

    def packed(self) -> str:
        """As the scripts take them (include/command.lua)."""
        return _joined(
            (
                self.fills_per_order_max, self.closed_order_kept_s, self.replay_log_trades_max,
                self.journal_commands_max, self.stops_per_command_max,
            )
        )  # fmt: skip


class Engine:
    """Runs every command that changes the venue. Safe to share by all requests of a process."""

    def __init__(
        self, client: AsyncRedis, *, timeout_s: float, limits: MatchingLimits | None = None
    ) -> None:
        self.client = client
        self.batcher = Batcher(client, timeout_s=timeout_s)
        self._limits = (limits or MatchingLimits()).packed()
        self._scripts = {name: load_script(name) for name in SCRIPTS}
        # A test or a replay may set the venue clock, in microseconds; '' means Redis TIME.
        self.clock_us = ""

    @classmethod
    async def open(cls, address: RedisAddress, limits: MatchingLimits | None = None) -> Self:
        """Make an engine; it connects with its first command."""
        return cls(open_async(address), timeout_s=address.timeout_s, limits=limits)

    async def close(self) -> None:
        """Finish what is on its way and disconnect."""
        await self.batcher.close()
        await self.client.aclose()

    async def ready(self) -> None:
        """Check that Redis answers and holds the scripts. Raises Unavailable."""
        scripts = list(self._scripts.values())
        known = await self.batcher.submit("SCRIPT", "EXISTS", *(script.sha for script in scripts))
        for script, is_known in zip(scripts, known, strict=True):
            if not is_known:
                await self.batcher.submit("SCRIPT", "LOAD", script.source)

    async def publish_instruments(self, instruments: Mapping[Symbol, Instrument]) -> None:
        """Make instruments known to the venue. Raises InstrumentConflict, Unavailable."""
        arguments: list[str] = []
        for instrument in instruments.values():
            arguments += _instrument_arguments(instrument)
        await self._run("instruments", keys.INSTRUMENTS, uuid.uuid4().hex[:12], *arguments)

    async def place(self, command: OrderCommand) -> Placement:
        """Place one order.

        Raises UnknownSymbol, DuplicateClientOrderId, StaleInstrument, Conflict, InvalidField,
        Unavailable.
        """
        replayed, order_id, fields = await self._run(
            "place", keys.market(command.symbol),
            command.account, command.client_order_id or "",
            order_digest(command) if command.client_order_id else "",
            command.symbol, command.revision, command.side, command.order_type,
            command.time_in_force, _optional(command.price_ticks),
            _optional(command.quantity_lots), command.self_trade_prevention,
            int(command.post_only), _optional(command.display_lots),
            _optional(command.stop_price_ticks), _optional(command.quote_notional),
            _optional(command.expire_us),
        )  # fmt: skip
        return Placement(read_order(order_id.decode(), fields), replayed=bool(replayed))

    async def amend(self, account: Account, order_id: OrderId, amendment: Amendment) -> Order:
        """Change an open order.

        Raises OrderNotFound, OrderClosed, StaleInstrument, Conflict, InvalidField, Unavailable.
        """
        fields = await self._run(
            "amend", keys.order(order_id), account, order_id, amendment.revision,
            _optional(amendment.price_ticks), _optional(amendment.quantity_lots),
            _optional(amendment.stop_price_ticks),
        )  # fmt: skip
        return read_order(order_id, fields)

    async def cancel(self, account: Account, order_id: OrderId, *, reason: str = "user") -> Order:
        """Take an open order out of the book.

        Raises OrderNotFound, OrderClosed, Conflict (halted), Unavailable.
        """
        _, fields = await self._run("cancel", keys.order(order_id), account, order_id, "", reason)
        return read_order(order_id, fields)

    async def cancel_client_order(
        self, account: Account, client_order_id: str, *, reason: str = "user"
    ) -> Order:
        """The same by the id that the client gave. Raises as `cancel`."""
        key = keys.client_order(account, client_order_id)
        order_id, fields = await self._run("cancel", key, account, "", client_order_id, reason)
        return read_order(order_id.decode(), fields)

    async def cancel_all(
        self, account: Account, symbol: Symbol | None = None, *, reason: str = "user"
    ) -> list[OrderId]:
        """Cancel every open order of an account, or those in one symbol; returns their ids.

        Each sweep of ORDERS_PER_SWEEP_MAX is atomic. Raises UnknownSymbol, Conflict, Unavailable.
        """
        canceled: list[OrderId] = []
        while True:
            swept = await self._run(
                "cancel_all", keys.INSTRUMENTS, account, symbol or "", ORDERS_PER_SWEEP_MAX, reason
            )
            canceled += [OrderId(order_id.decode()) for order_id in swept]
            if len(swept) < ORDERS_PER_SWEEP_MAX:
                return canceled

    async def expire_due(self) -> int:
        """End what is due by the venue clock; returns how many orders. Raises Unavailable."""
        return int(await self._run("expire", keys.EXPIRING, ORDERS_PER_SWEEP_MAX))

    async def set_dead_man(self, account: Account, timeout_us: int) -> int | None:
        """Arm, renew or (0) disarm the account's timer; when it fires in microseconds, or None.

        Raises Unavailable.
        """
        due = await self._run("dead_man", keys.DEAD_MAN, account, timeout_us)
        return int(due) if due else None

    async def control_market(
        self,
        symbol: Symbol,
        *,
        state: MarketState | None = None,
        band_bps: int | None = None,
        open_orders_max: int | None = None,
    ) -> None:
        """Switch a market's state or bounds. Raises UnknownSymbol, Unavailable."""
        await self._run(
            "control", keys.market(symbol), symbol, state or "", _optional(band_bps),
            _optional(open_orders_max),
        )  # fmt: skip

    async def repeat(
        self, script: str, key: str, clock_us: str, limits: str, arguments: Sequence[str]
    ) -> None:
        """Run a command of a journal again; the scripts must be loaded (`ready`).

        Raises what the command itself raises: a journal holds accepted commands only.
        """
        sha = self._scripts[script].sha
        try:
            await self.batcher.submit("EVALSHA", sha, 1, key, clock_us, limits, *arguments)
        except ResponseError as error:
            refuse(str(error))

    async def _run(self, name: str, key: str, *arguments: str | int) -> Reply:
        script = self._scripts[name]
        try:
            try:
                return await self._submit(script, key, arguments)
            except NoScriptError:
                # Redis was restarted: it ran nothing, so loading and asking again is safe.
                await self.batcher.submit("SCRIPT", "LOAD", script.source)
                return await self._submit(script, key, arguments)
        except ResponseError as error:
            refuse(str(error))

    async def _submit(self, script: Script, key: str, arguments: Iterable[str | int]) -> Reply:
        return await self.batcher.submit(
            "EVALSHA", script.sha, 1, key, self.clock_us, self._limits, *arguments
        )


def _instrument_arguments(instrument: Instrument) -> list[str]:
    identity = (
        instrument.base, instrument.quote, instrument.tick_units, instrument.price_decimals,
        instrument.lot_units, instrument.quantity_decimals,
    )  # fmt: skip
    limits = (
        instrument.quantity_lots_min, instrument.quantity_lots_max, instrument.price_ticks_max,
        instrument.notional_min,
    )  # fmt: skip
    bounds = (instrument.band_bps, instrument.open_orders_max)
    return [instrument.symbol, _joined(identity), _joined(limits), _joined(bounds)]


def _joined(values: Iterable[object]) -> str:
    """Values as the packed fields of the scripts hold them."""
    return "|".join(str(value) for value in values)


def _optional(value: int | None) -> int | str:
    return "" if value is None else value
