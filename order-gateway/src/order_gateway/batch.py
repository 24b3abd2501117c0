"""Many operations in one request: done in order, each with its own result.

All that can be submitted without reading first goes to Redis in one event-loop turn and therefore
in one round trip. An amendment has to know its order's instrument: it waits for what stands before
it in the batch, and what stands behind it waits for it.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from order_gateway.errors import InvalidBody
from order_gateway.replies import encode
from tapewire.errors import InvalidField, Refusal, Unavailable
from tapewire.limits import BATCH_ORDERS_MAX
from tapewire.values.types import Account
from tapewire.web.problem import problem_body

if TYPE_CHECKING:
    from order_gateway.operations import Operations

logger = logging.getLogger(__name__)

ITEM_OPERATIONS = ("place", "amend", "cancel")
_READS_FIRST = "amend"


async def run_batch(operations: "Operations", account: Account, params: Mapping[str, Any]) -> str:
    """The results as the text of a BatchReply. Raises InvalidField, InvalidBody."""
    results: list[str] = []
    together: list[asyncio.Task[str]] = []
    for name, item in _read_items(params):
        if name == _READS_FIRST:
            results += await asyncio.gather(*together)
            together = []
            results.append(await _result(operations, account, name, item))
        else:
            # A task starts in the order in which it was made.
            together.append(asyncio.create_task(_result(operations, account, name, item)))
    results += await asyncio.gather(*together)
    return f'{{"results":[{",".join(results)}]}}'


async def _result(
    operations: "Operations", account: Account, name: object, item: Mapping[str, Any]
) -> str:
    """One result; nothing is raised, since the items before and after have theirs."""
    try:
        if name not in ITEM_OPERATIONS:
            raise InvalidField(
                "operation", "invalid_value", 'operation must be "place", "amend" or "cancel".'
            )
        reply = await operations.run(str(name), account, item)
    except (Refusal, Unavailable) as error:
        problem = problem_body(error.code, str(error), error.field)
    except Exception:
        logger.exception("an item of a batch failed")
        problem = problem_body("internal_error", "The service failed; its log has the reason.")
    else:
        return f'{{"status":{reply.status},"body":{reply.body.decode()}}}'
    return encode({"status": problem["status"], "problem": problem})


def _read_items(params: Mapping[str, Any]) -> list[tuple[object, Mapping[str, Any]]]:
    """Operation and fields of every item."""
    if not isinstance(params, Mapping):
        raise InvalidBody("The body must be a JSON object with the fields of the request.")
    unknown = [name for name in params if name != "orders"]
    if unknown:
        raise InvalidField("orders", "unknown_field", "orders is the only field of a batch.")
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
