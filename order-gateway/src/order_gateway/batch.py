"""Many operations in one request: done in order, each with its own result.

Places and cancels go to Redis in one event-loop turn, and therefore in one round trip. An amendment
first reads its order. Therefore the amendment waits for the items before it, and the items behind
wait for the amendment.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from order_gateway.errors import InvalidBody
from order_gateway.replies import Reply
from order_gateway.schemas import BatchReply, PartResult
from tapewire.errors import InvalidField, Refusal, Unavailable
from tapewire.limits import BATCH_ORDERS_MAX
from tapewire.values.json_text import shown_name
from tapewire.values.types import Account
from tapewire.web.problem import Problem, problem_of
from tapewire.wire.orders import OrderReply

logger = logging.getLogger(__name__)

ITEM_OPERATIONS = ("place", "amend", "cancel")
_READS_FIRST = "amend"
# Operations on two orders.
_PAIRS = frozenset({"replace", "place_list"})

RunOperation = Callable[[str, Account, Mapping[str, Any]], Awaitable[Reply]]


async def run_batch(
    run: RunOperation, account: Account, params: Mapping[str, Any], refusals: Counter[str]
) -> BatchReply:
    """Do every item with `run`; `refusals` counts the refused items by code.

    Raises InvalidField, InvalidBody for a batch of the wrong form.
    """
    results: list[PartResult] = []
    together: list[asyncio.Task[PartResult]] = []
    for name, item in _read_items(params):
        if name == _READS_FIRST:
            results += await asyncio.gather(*together)
            together = []
            results.append(await _result(run, account, name, item))
        else:
            # Tasks start in the order of their creation.
            together.append(asyncio.create_task(_result(run, account, name, item)))
    results += await asyncio.gather(*together)
    refusals.update(item.problem.code for item in results if isinstance(item.problem, Problem))
    return BatchReply(results)


def orders_in(operation: str, params: Mapping[str, Any]) -> int:
    """The orders of a request for the rate limits: each item of a batch counts."""
    if operation in _PAIRS:
        return 2
    items = params.get("orders") if operation == "batch" else None
    return max(1, len(items)) if isinstance(items, list) else 1


async def _result(
    run: RunOperation, account: Account, name: object, item: Mapping[str, Any]
) -> PartResult:
    """One result. An item raises nothing, because the other items have results of their own."""
    try:
        if name not in ITEM_OPERATIONS:
            raise InvalidField(
                "operation", "invalid_value", 'operation must be "place", "amend" or "cancel".'
            )
        reply = await run(str(name), account, item)
    except (Refusal, Unavailable) as error:
        return _refused(problem_of(error.code, str(error), error.field))
    except Exception:
        logger.exception("an item of a batch failed")
        return _refused(problem_of("internal_error", "The service failed; its log has the reason."))
    return PartResult(reply.status, cast("OrderReply", reply.answer))


def _refused(problem: Problem) -> PartResult:
    return PartResult(problem.status, problem=problem)


def _read_items(params: Mapping[str, Any]) -> list[tuple[object, Mapping[str, Any]]]:
    """Operation and fields of every item."""
    if not isinstance(params, Mapping):
        raise InvalidBody("The body must be a JSON object with the fields of the request.")
    unknown = next((name for name in params if name != "orders"), None)
    if unknown is not None:
        name = shown_name(unknown)
        raise InvalidField(
            name, "unknown_field", f"{name} is not a field of a batch, which has only orders."
        )
    items = params.get("orders")
    if items is None:
        raise InvalidField("orders", "missing_field", "orders is missing: it must be a list.")
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise InvalidField("orders", "invalid_value", "orders must be a list of JSON objects.")
    if not 1 <= len(items) <= BATCH_ORDERS_MAX:
        raise InvalidField(
            "orders", "out_of_range", f"orders must have 1 to {BATCH_ORDERS_MAX} items."
        )
    return [
        (
            item.get("operation", "place"),
            {name: value for name, value in item.items() if name != "operation"},
        )
        for item in items
    ]
