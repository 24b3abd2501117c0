"""Sends the crowd's orders to the venue, one request at a time, at a bounded rate.

Every order has a client order id of its own, so that a request whose answer was lost is sent again.
When the venue is away the crowd waits with growing delays.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TypeVar

from tapewire.client import InstrumentInfo, RequestRefused, VenueClient
from tapewire.client.admin_calls import deposit
from tapewire.client.calls import Call
from tapewire.client.market_calls import instruments as list_instruments
from tapewire.client.order_calls import account as read_account
from tapewire.client.order_calls import cancel, place
from tapewire.crowd.keys import OPERATOR
from tapewire.crowd.traders import MAKERS, TAKERS, Crowd, Intent, Slot
from tapewire.errors import MessageError, TapewireError, Unavailable
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.values.decimals import format_units
from tapewire.values.types import Account, Instrument, Lots, OrderStatus, Symbol, Ticks

logger = logging.getLogger(__name__)

SYMBOLS_MAX = 3
# Of each asset, for each trader. At 30 requests a second a taker strays by some 2,000,000 USDT a
# day, up or down.
FUNDS = 10_000_000
REQUEST_TIMEOUT_S = 5.0
RETRY_DELAY_MIN_S = 0.25
RETRY_DELAY_MAX_S = 5.0
GOODBYE_TIMEOUT_S = 2.0

Answer = TypeVar("Answer")


class Stopped(Exception):
    """The crowd was asked to stop while it waited."""


class CrowdSession:
    """One run of the crowd at one venue, until `stop` is set."""

    def __init__(
        self,
        clients: Mapping[Account, VenueClient],
        stop: asyncio.Event,
        *,
        seed: int,
        run_id: str,
        rate: int,
    ) -> None:
        """`clients` has one client for each trader, and one for OPERATOR, who deposits.

        `rate` is in requests per second; `run_id` keeps client order ids unique over runs.
        """
        self._clients = clients
        self._stop = stop
        self._seed = seed
        self._run_id = run_id
        self._interval_s = 1 / rate
        self._due_s = 0.0
        self._placed = 0
        self.outcomes: Counter[str] = Counter()

    async def run(self) -> None:
        """Trade until stopped, then cancel the resting orders. Raises TapewireError."""
        crowd = None
        try:
            instruments = await self._instruments()
            names = ", ".join(instrument.symbol for instrument in instruments)
            logger.info("trading %s with seed %d", names, self._seed)
            await self._fund(instruments)
            crowd = Crowd(instruments, self._seed)
            while True:
                await self._act(crowd.next_intent())
        except Stopped:
            if crowd is not None:
                await self._say_goodbye(crowd)

    async def _fund(self, instruments: list[Instrument]) -> None:
        """Deposit the amounts of each asset that the traders need for weeks."""
        decimals = {each.base: each.base_decimals for each in instruments} | {
            each.quote: each.quote_decimals for each in instruments
        }
        for account in (*MAKERS, *TAKERS):
            shown = await self._ask(account, read_account())
            for asset, digits in sorted(decimals.items()):
                wanted = min(FUNDS, EXACT_INTEGER_MAX // 10**digits)
                has = Decimal(0) if shown is None else shown.balance(asset).total
                missing = wanted - int(has)
                if missing > 0:
                    await self._ask(OPERATOR, deposit(account, asset, missing))

    async def _act(self, intent: Intent) -> None:
        slot = intent.slot
        if slot is not None and slot.order_id is not None:
            await self._cancel(slot)
        await self._place(intent)

    async def _place(self, intent: Intent) -> None:
        self._placed += 1
        instrument = intent.instrument
        price = None
        if intent.price_ticks is not None:
            price = format_units(
                intent.price_ticks * instrument.tick_units, instrument.price_decimals
            )
        call = place(
            instrument.symbol,
            intent.side.value,
            format_units(intent.quantity_lots * instrument.lot_units, instrument.quantity_decimals),
            price,
            order_type=intent.order_type.value,
            client_order_id=f"crowd-{self._run_id}-{self._placed}",
        )
        order = await self._ask(intent.account, call)
        rests = order is not None and order.status in {
            OrderStatus.NEW,
            OrderStatus.PARTIALLY_FILLED,
        }
        if intent.slot is not None and order is not None and rests:
            intent.slot.order_id = order.order_id

    async def _cancel(self, slot: Slot) -> None:
        order_id, slot.order_id = slot.order_id, None
        await self._ask(slot.account, cancel(order_id))

    async def _instruments(self) -> list[Instrument]:
        listed = await self._ask(OPERATOR, list_instruments())
        if not listed:
            raise MessageError("the gateway lists no instruments")
        return [read_instrument(entry) for entry in listed[:SYMBOLS_MAX]]

    async def _ask(self, account: Account, call: Call[Answer]) -> Answer | None:
        """Send a call until the venue answers; a refusal is None. Raises Stopped."""
        delay_s = RETRY_DELAY_MIN_S
        kind = call.operation.method
        while True:
            await self._pace()
            try:
                answer = await self._clients[account].run(call)
            except RequestRefused as refusal:
                if refusal.status < 500:
                    self._note(kind, refusal)
                    return None
                reason = refusal.detail
            except Unavailable as error:
                reason = error.detail
            else:
                self.outcomes[f"{kind} ok"] += 1
                return answer
            if delay_s == RETRY_DELAY_MIN_S:
                logger.warning("the gateway is away (%s); waiting for it", reason)
            await self._pause(delay_s)
            delay_s = min(2 * delay_s, RETRY_DELAY_MAX_S)

    def _note(self, kind: str, refusal: RequestRefused) -> None:
        """Count a refusal; each code is logged once.

        Quotes are filled and accounts are opened meanwhile, so that a cancel may find its order
        closed, and the first look at an account may find none.
        """
        self.outcomes[refusal.code] += 1
        is_usual = kind == "DELETE" or refusal.code == "unknown_account"
        if not is_usual and self.outcomes[refusal.code] == 1:
            logger.warning("a request was refused: %s", refusal.detail)

    async def _pace(self) -> None:
        """Keep requests apart; time lost to a slow venue is not caught up."""
        now_s = asyncio.get_running_loop().time()
        self._due_s = max(self._due_s, now_s - self._interval_s) + self._interval_s
        await self._pause(self._due_s - now_s)

    async def _pause(self, delay_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, delay_s)):
                await self._stop.wait()
        except TimeoutError:
            return
        raise Stopped

    async def _say_goodbye(self, crowd: Crowd) -> None:
        """Cancel the open quotes, in bounded time."""
        try:
            async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                for slot in crowd.slots:
                    if slot.order_id is not None:
                        with suppress(RequestRefused):
                            await self._clients[slot.account].cancel(slot.order_id)
        except (TimeoutError, Unavailable):
            logger.info("the venue went first; some quotes stay open")


def read_instrument(entry: InstrumentInfo) -> Instrument:
    """An instrument as the gateway describes it, in integers. Raises MessageError."""
    price_decimals, tick_units = _step(entry.tick_size)
    quantity_decimals, lot_units = _step(entry.lot_size)
    try:
        notional_units = _units(entry.min_notional, price_decimals + quantity_decimals)
        return Instrument(
            symbol=Symbol(entry.symbol),
            base=entry.base,
            quote=entry.quote,
            tick_units=tick_units,
            price_decimals=price_decimals,
            lot_units=lot_units,
            quantity_decimals=quantity_decimals,
            quantity_lots_min=Lots(_steps(entry.min_quantity, quantity_decimals, lot_units)),
            quantity_lots_max=Lots(_steps(entry.max_quantity, quantity_decimals, lot_units)),
            price_ticks_max=Ticks(_steps(entry.max_price, price_decimals, tick_units)),
            notional_min=-(-notional_units // (tick_units * lot_units)),
            base_decimals=entry.base_decimals,
            quote_decimals=entry.quote_decimals,
        )
    except (ValueError, TapewireError) as error:
        raise MessageError(f"the gateway describes {entry.symbol} badly: {error}") from None


def _step(size: Decimal) -> tuple[int, int]:
    """Decimals and units of a tick or lot size: 0.05 has 2 decimals and 5 units."""
    decimals = max(0, -int(size.as_tuple().exponent))
    return decimals, max(1, int(size.scaleb(decimals)))


def _units(number: Decimal, decimals: int) -> int:
    scaled = number.scaleb(decimals)
    if scaled != int(scaled):
        raise ValueError(f"{number} has more than {decimals} decimals")
    return int(scaled)


def _steps(number: Decimal, decimals: int, step_units: int) -> int:
    steps, rest = divmod(_units(number, decimals), step_units)
    if rest:
        raise ValueError(f"{number} is no multiple of its step")
    return steps
