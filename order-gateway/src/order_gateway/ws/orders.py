"""The orders that one connection placed and that may still be open.

Only connections with cancel-on-disconnect have this record. A fill by another account's order
closes an order without a message to this connection. Therefore a full record is compared with the
open orders of the account, and closed orders are dropped.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from order_gateway.operations import Operations
from order_gateway.replies import Reply
from order_gateway.schemas import (
    BatchReply,
    CanceledReply,
    OrderListReply,
    OrdersReply,
    ReplaceReply,
)
from tapewire.errors import Conflict, Refusal, Unavailable
from tapewire.limits import PAGE_ITEMS_MAX
from tapewire.values.types import Account, OrderStatus
from tapewire.wire.orders import OrderReply

logger = logging.getLogger(__name__)

# The default bound of an instrument on the open orders of an account.
ORDERS_REMEMBERED_MAX = 10_000
CANCELS_AT_ONCE = 250
# Delays between attempts to cancel while Redis does not answer.
RETRY_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0)

_OPEN = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
_Key = tuple[str, str]


class PlacedOrders:
    """Orders by order id, or by client order id while the answer of Redis is not known."""

    def __init__(
        self, operations: Operations, account: Account, *, orders_max: int = ORDERS_REMEMBERED_MAX
    ) -> None:
        self._operations = operations
        self._account = account
        self._orders_max = orders_max
        # A dict keeps the oldest order first.
        self._keys: dict[_Key, None] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def is_full(self) -> bool:
        """Whether `prune` must make room before the connection places another order."""
        return len(self._keys) >= self._orders_max

    def note(self, op: str, params: Mapping[str, Any], reply: Reply) -> None:
        """Record from an answer which orders are open."""
        match reply.answer:
            case OrderReply() as order:
                self._note_order(order, placed=op == "place")
            case CanceledReply(canceled=order_ids):
                for order_id in order_ids:
                    self._keys.pop(("order_id", order_id), None)
            case ReplaceReply(canceled=canceled, placed=replacement):
                for part in (canceled, replacement):
                    if part is not None and isinstance(part.body, OrderReply):
                        self._note_order(part.body, placed=part is replacement)
            case OrderListReply(orders=orders):
                for listed in orders:
                    self._note_order(listed, placed=op == "place_list")
            case BatchReply(results=results):
                for item, result in zip(params["orders"], results, strict=True):
                    if isinstance(result.body, OrderReply):
                        placed = item.get("operation", "place") == "place"
                        self._note_order(result.body, placed=placed)

    def _note_order(self, order: OrderReply, *, placed: bool) -> None:
        key = ("order_id", order.order_id)
        if order.status not in _OPEN:
            self._keys.pop(key, None)
        elif placed:
            self._keys[key] = None

    def note_unknown(self, op: str, params: Mapping[str, Any]) -> None:
        """Record the orders of a request whose answer was lost, by their client order ids."""
        items = {
            "batch": params.get("orders"), "replace": [params.get("order")], "place": [params],
            "place_list": [params.get("profit"), params.get("stop")],
        }.get(op)  # fmt: skip
        for item in items if isinstance(items, list) else []:
            name = item.get("client_order_id") if isinstance(item, Mapping) else None
            if isinstance(name, str):
                self._keys[("client_order_id", name)] = None

    async def prune(self) -> None:
        """Drop closed orders. Raises Conflict if the record stays full, Unavailable."""
        before = list(self._keys)
        open_ids: set[str] = set()
        params: dict[str, Any] = {"limit": PAGE_ITEMS_MAX}
        while True:
            page = (await self._operations.run("open_orders", self._account, params)).answer
            if not isinstance(page, OrdersReply):
                raise AssertionError("open_orders answers with a page of orders")
            open_ids.update(order.order_id for order in page.orders)
            if page.next_cursor is None:
                break
            params = {"limit": PAGE_ITEMS_MAX, "cursor": page.next_cursor}
        for key in before:
            if key[1] not in open_ids:
                self._keys.pop(key, None)
        if self.is_full:
            raise Conflict(
                "open_orders_limit",
                f"cancel_on_disconnect covers at most {self._orders_max} open orders of a "
                "connection; cancel some, or open another connection.",
            )

    async def cancel(self) -> int:
        """Cancel all open orders; returns how many could not be canceled."""
        for delay_s in (*RETRY_DELAYS_S, None):
            await self._cancel_once()
            if not self._keys or delay_s is None:
                break
            await asyncio.sleep(delay_s)
        if self._keys:
            logger.error(
                "%d orders of account %s could not be canceled after its connection ended",
                len(self._keys), self._account,
            )  # fmt: skip
        return len(self._keys)

    async def _cancel_once(self) -> None:
        """Cancel each order once; keep only the orders for which Redis did not answer."""
        keys = list(self._keys)
        for first in range(0, len(keys), CANCELS_AT_ONCE):
            part = keys[first : first + CANCELS_AT_ONCE]
            answers = await asyncio.gather(
                *(
                    self._operations.cancel(self._account, {key[0]: key[1]}, "disconnect")
                    for key in part
                ),
                return_exceptions=True,
            )
            for key, answer in zip(part, answers, strict=True):
                if isinstance(answer, Unavailable):
                    continue
                del self._keys[key]
                if isinstance(answer, Refusal) and answer.code not in {
                    "order_closed", "order_not_found",
                }:  # fmt: skip
                    logger.warning("order %s stays open after its connection: %s", key[1], answer)
                elif isinstance(answer, BaseException) and not isinstance(answer, Refusal):
                    raise answer
