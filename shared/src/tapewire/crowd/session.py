"""Send what the crowd decides to the gateway, one request at a time, and never faster than asked.

Every order carries a client order id of its own, so after a lost answer the same request is simply
sent again. When the venue is away the crowd waits with growing delays.
"""

import asyncio
import logging
from collections import Counter
from typing import Any

import httpx

from tapewire.crowd.traders import MAKERS, TAKERS, Crowd, Intent, Slot
from tapewire.errors import MessageError, TapewireError
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.values.decimals import format_units, parse_steps, parse_units
from tapewire.values.types import Account, Instrument, Lots, Symbol, Ticks

logger = logging.getLogger(__name__)

SYMBOLS_MAX = 3
# Of each asset, for each trader. At 30 requests a second a taker strays by some 2,000,000 USDT a
# day, up or down.
FUNDS = 10_000_000
REQUEST_TIMEOUT_S = 5.0
RETRY_DELAY_MIN_S = 0.25
RETRY_DELAY_MAX_S = 5.0
GOODBYE_TIMEOUT_S = 2.0
OPEN_STATUSES = {"new", "partially_filled"}


class Stopped(Exception):
    """We were asked to stop while waiting."""


class CrowdSession:
    """One run of the crowd against one gateway, until `stop` is set."""

    def __init__(
        self, client: httpx.AsyncClient, stop: asyncio.Event, *, seed: int, run_id: str, rate: int
    ) -> None:
        """`rate` is in requests per second; `run_id` keeps client order ids unique over runs."""
        self._client = client
        self._stop = stop
        self._seed = seed
        self._run_id = run_id
        self._interval_s = 1 / rate
        self._due_s = 0.0
        self._placed = 0
        self.outcomes: Counter[str] = Counter()

    async def run(self) -> None:
        """Trade until stopped, then cancel what rests."""
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
        """Bring in what the traders lack of each asset to go on for weeks."""
        decimals = {each.base: each.base_decimals for each in instruments} | {
            each.quote: each.quote_decimals for each in instruments
        }
        for account in (*MAKERS, *TAKERS):
            shown = await self._ask("GET", "/v1/account", account)
            totals = {item["asset"]: str(item["total"]) for item in shown.get("balances", [])}
            for asset, digits in sorted(decimals.items()):
                wanted = min(FUNDS, EXACT_INTEGER_MAX // 10**digits)
                missing = wanted - int(totals.get(asset, "0").partition(".")[0])
                if missing > 0:
                    path = f"/v1/admin/accounts/{account}/deposit"
                    await self._ask("POST", path, None, {"asset": asset, "amount": str(missing)})

    async def _act(self, intent: Intent) -> None:
        slot = intent.slot
        if slot is not None and slot.order_id is not None:
            await self._cancel(slot)
        await self._place(intent)

    async def _place(self, intent: Intent) -> None:
        self._placed += 1
        instrument = intent.instrument
        body: dict[str, Any] = {
            "symbol": instrument.symbol,
            "side": intent.side,
            "order_type": intent.order_type,
            "quantity": format_units(
                intent.quantity_lots * instrument.lot_units, instrument.quantity_decimals
            ),
            "client_order_id": f"crowd-{self._run_id}-{self._placed}",
        }
        if intent.price_ticks is not None:
            body["price"] = format_units(
                intent.price_ticks * instrument.tick_units, instrument.price_decimals
            )
        order = await self._ask("POST", "/v1/orders", intent.account, body)
        if intent.slot is not None and order.get("status") in OPEN_STATUSES:
            intent.slot.order_id = str(order["order_id"])

    async def _cancel(self, slot: Slot) -> None:
        order_id, slot.order_id = slot.order_id, None
        await self._ask("DELETE", f"/v1/orders/{order_id}", slot.account)

    async def _instruments(self) -> list[Instrument]:
        reply = await self._ask("GET", "/v1/instruments", None)
        listed = reply.get("instruments")
        if not listed:
            raise MessageError("the gateway lists no instruments")
        return [read_instrument(entry) for entry in listed[:SYMBOLS_MAX]]

    async def _ask(
        self, method: str, path: str, account: Account | None, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send until the venue answers; a refusal is an empty answer. Raises Stopped."""
        delay_s = RETRY_DELAY_MIN_S
        headers = {} if account is None else {"X-Account": account}
        while True:
            await self._pace()
            try:
                reply = await self._client.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            else:
                if reply.status_code < 500:
                    return self._read(method, reply)
                reason = f"it answers {reply.status_code}"
            if delay_s == RETRY_DELAY_MIN_S:
                logger.warning("the gateway is away (%s); waiting for it", reason)
            await self._pause(delay_s)
            delay_s = min(2 * delay_s, RETRY_DELAY_MAX_S)

    def _read(self, method: str, reply: httpx.Response) -> dict[str, Any]:
        try:
            document: dict[str, Any] = reply.json()
        except ValueError:
            raise MessageError(f"{reply.url} answers something that is not JSON") from None
        if reply.is_success:
            self.outcomes[f"{method} ok"] += 1
            return document
        code = str(document.get("code", reply.status_code))
        self.outcomes[code] += 1
        # A quote that was filled meanwhile cannot be canceled: that is daily life.
        if method != "DELETE" and self.outcomes[code] == 1:
            logger.warning("a request was refused: %s", document.get("detail", code))
        return {}

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
        """Cancel the open quotes, as far as that goes quickly."""
        try:
            async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                for slot in crowd.slots:
                    if slot.order_id is not None:
                        await self._client.delete(
                            f"/v1/orders/{slot.order_id}", headers={"X-Account": slot.account}
                        )
        except (TimeoutError, httpx.TransportError):
            logger.info("the venue went first; some quotes stay open")


def read_instrument(entry: dict[str, Any]) -> Instrument:
    """An instrument as the gateway describes it. Raises MessageError."""
    try:
        tick_size, lot_size = str(entry["tick_size"]), str(entry["lot_size"])
        price_decimals = len(tick_size.partition(".")[2])
        quantity_decimals = len(lot_size.partition(".")[2])
        tick_units = parse_units(tick_size, price_decimals, "tick_size") or 1
        lot_units = parse_units(lot_size, quantity_decimals, "lot_size") or 1

        def lots(field: str) -> Lots:
            return Lots(
                parse_steps(str(entry[field]), lot_units, quantity_decimals, field, "off_lot")
            )

        price_ticks_max = parse_steps(
            str(entry["max_price"]), tick_units, price_decimals, "max_price", "off_tick"
        )
        notional = parse_units(
            str(entry["min_notional"]), price_decimals + quantity_decimals, "min_notional"
        )
        return Instrument(
            symbol=Symbol(str(entry["symbol"])),
            base=str(entry["base"]),
            quote=str(entry["quote"]),
            tick_units=tick_units,
            price_decimals=price_decimals,
            lot_units=lot_units,
            quantity_decimals=quantity_decimals,
            quantity_lots_min=lots("min_quantity"),
            quantity_lots_max=lots("max_quantity"),
            price_ticks_max=Ticks(price_ticks_max),
            notional_min=-(-(notional or 0) // (tick_units * lot_units)),
            base_decimals=int(entry["base_decimals"]),
            quote_decimals=int(entry["quote_decimals"]),
        )
    except (KeyError, TypeError, TapewireError) as error:
        raise MessageError(f"the gateway describes an instrument badly: {error}") from None
