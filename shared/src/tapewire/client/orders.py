"""Order entry for programs: a request whose answer was lost is asked again, never done twice."""

import asyncio
import random
import uuid
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx
import msgspec

from tapewire.client.errors import OrderRefused
from tapewire.errors import MessageError, OutcomeUnknown
from tapewire.values.account_names import ACCOUNT_HEADER, DEFAULT_ACCOUNT
from tapewire.values.types import OrderStatus, OrderType, Side
from tapewire.web.tls import client_context
from tapewire.wire.orders import PlacedOrder

URL_DEFAULT = "http://127.0.0.1:8000"
# The gateway, or what stands before it, could not say; anything else is an answer.
RETRIED_STATUSES = frozenset({502, 503, 504})


_DECODER = msgspec.json.Decoder(PlacedOrder)


class VenueClient:
    """Places, cancels and reads the orders of one account.

    Every method raises OrderRefused if the venue says no, and OutcomeUnknown if it did not answer
    in as many attempts as allowed: an order may be at the venue then; placing it again with the
    same `client_order_id` tells.
    """

    def __init__(
        self,
        url: str = URL_DEFAULT,
        *,
        account: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 5.0,
        attempts_max: int = 5,
        retry_delay_s: float = 0.1,
        retry_delay_max_s: float = 2.0,
        ca_file: Path | None = None,
    ) -> None:
        """`timeout_s` bounds each attempt; the delays between them are random up to a bound.

        At a venue that wants keys `api_key` says whose orders they are, at an open one `account`
        does (default: `demo`). `ca_file` has the certificates to trust (PEM) instead of the usual
        ones. Raises ConfigurationError if it is of no use.
        """
        self._http = httpx.AsyncClient(
            base_url=url,
            headers=_identifying(account, api_key),
            timeout=timeout_s,
            trust_env=False,
            verify=True if ca_file is None else client_context(ca_file),
        )
        self._attempts_max = attempts_max
        self._retry_delay_s = retry_delay_s
        self._retry_delay_max_s = retry_delay_max_s

    async def place(
        self,
        symbol: str,
        side: Side | Literal["buy", "sell"],
        quantity: Decimal | str,
        price: Decimal | str | None = None,
        *,
        order_type: OrderType | Literal["limit", "market", "ioc", "fok"] | None = None,
        client_order_id: str | None = None,
    ) -> PlacedOrder:
        """Place one order; without `order_type` it is a limit order if it has a price.

        Asked again it needs a name, so one is made up if `client_order_id` is not given.
        """
        body = {
            "symbol": symbol,
            "side": side,
            "order_type": order_type or ("market" if price is None else "limit"),
            "quantity": _plain(quantity),
            "client_order_id": client_order_id or uuid.uuid4().hex,
        }
        if price is not None:
            body["price"] = _plain(price)
        return _order(await self._ask("POST", "/v1/orders", body))

    async def order(self, order_id: str) -> PlacedOrder:
        """Read one order."""
        return _order(await self._ask("GET", f"/v1/orders/{order_id}"))

    async def cancel(self, order_id: str) -> PlacedOrder:
        """Take what is left of an order out of the book."""
        try:
            return _order(await self._ask("DELETE", f"/v1/orders/{order_id}"))
        except OrderRefused as refusal:
            # An earlier attempt may have done it, and only its answer was lost.
            if refusal.code != "order_closed" or refusal.attempts == 1:
                raise
            order = await self.order(order_id)
            if order.status is not OrderStatus.CANCELED:
                raise
            return order

    async def aclose(self) -> None:
        """Close the connections. Safe to call twice."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _ask(self, method: str, path: str, body: object = None) -> bytes:
        reason = "it was not asked"
        for attempt in range(self._attempts_max):
            if attempt:
                bound_s = min(self._retry_delay_s * 2 ** (attempt - 1), self._retry_delay_max_s)
                await asyncio.sleep(random.uniform(0, bound_s))
            try:
                reply = await self._http.request(method, path, json=body)
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
                continue
            if reply.is_success:
                return reply.content
            refusal = _refusal(reply, attempt + 1)
            if reply.status_code not in RETRIED_STATUSES:
                raise refusal
            reason = str(refusal)
        raise OutcomeUnknown(f"no answer in {self._attempts_max} attempts: {reason}")


def _identifying(account: str | None, api_key: str | None) -> dict[str, str]:
    """The headers that say who asks."""
    if api_key is None:
        return {ACCOUNT_HEADER: account or DEFAULT_ACCOUNT}
    headers = {"Authorization": f"Bearer {api_key}"}
    return headers if account is None else headers | {ACCOUNT_HEADER: account}


def _order(body: bytes) -> PlacedOrder:
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise MessageError(f"the gateway's answer is not an order: {error}") from None


def _refusal(reply: httpx.Response, attempts: int) -> OrderRefused:
    try:
        problem = reply.json()
        code, detail, field = problem["code"], problem["detail"], problem.get("field")
    except (ValueError, KeyError, TypeError, AttributeError):
        code, detail, field = "http_error", f"status {reply.status_code}", None
    return OrderRefused(reply.status_code, code, detail, field, attempts)


def _plain(number: Decimal | str) -> str:
    return format(number, "f") if isinstance(number, Decimal) else number
