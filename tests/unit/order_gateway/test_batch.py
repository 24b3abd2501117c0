"""A batch: its items in order, each with its own result, and never a lost one."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from order_gateway.batch import orders_in, run_batch
from order_gateway.replies import Reply
from order_gateway.ws.messages import Authenticated
from tapewire.errors import OrderClosed, OutcomeUnknown, Refusal
from tapewire.limits import BATCH_ORDERS_MAX
from tapewire.values.types import Account

ALICE = Account("alice")


class RecordedOperations:
    """Notes the order in which operations start and end; `outcome` says what comes of one."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, operation: str, account: Account, params: Mapping[str, Any]) -> Reply:
        """Do as the item says."""
        name = f"{operation} {params['order_id']}"
        self.events.append(f"start {name}")
        await self.gate.wait()
        await asyncio.sleep(0)
        self.events.append(f"end {name}")
        outcome = params.get("outcome")
        if isinstance(outcome, Exception):
            raise outcome
        return Reply(200, Authenticated(account, []))


async def results_of(operations: RecordedOperations, *items: object) -> list[dict[str, Any]]:
    """The results of a batch of these items."""
    batch = await run_batch(operations.run, ALICE, {"orders": list(items)}, Counter())
    found: list[dict[str, Any]] = msgspec.to_builtins(batch)["results"]
    return found


async def test_items_start_in_their_order_and_do_not_wait_for_each_other() -> None:
    """All are submitted before the first is answered."""
    operations = RecordedOperations()
    items = [{"operation": "cancel", "order_id": number} for number in range(5)]
    results = await results_of(operations, *items)
    assert operations.events[:5] == [f"start cancel {number}" for number in range(5)]
    assert results == [{"status": 200, "body": {"account": "alice", "permissions": []}}] * 5


async def test_an_amendment_keeps_its_place() -> None:
    """An amendment waits for the items before it, and the items behind wait for the amendment."""
    operations = RecordedOperations()
    kinds = ("cancel", "amend", "cancel")
    items = [{"operation": kind, "order_id": number} for number, kind in enumerate(kinds)]
    await results_of(operations, *items)
    assert operations.events == [
        "start cancel 0", "end cancel 0", "start amend 1", "end amend 1",
        "start cancel 2", "end cancel 2",
    ]  # fmt: skip


async def test_every_item_has_a_result_whatever_becomes_of_the_others() -> None:
    """A refusal, a lost answer and a bug stop nothing."""
    results = await results_of(
        RecordedOperations(),
        {"order_id": 1, "outcome": OrderClosed("It is closed.")},
        {"order_id": 2, "outcome": OutcomeUnknown("The answer was lost.")},
        {"order_id": 3, "outcome": RuntimeError("a bug")},
        {"order_id": 4},
        {"operation": "cancel_all", "order_id": 5},
        {"operation": [], "order_id": 6},
    )
    assert [result["status"] for result in results] == [409, 503, 500, 200, 422, 422]
    problems = [result.get("problem", {}).get("code") for result in results]
    assert problems == [
        "order_closed", "outcome_unknown", "internal_error", None, "invalid_value", "invalid_value",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "missing_field"),
        ({"orders": None}, "missing_field"),
        ({"orders": {}}, "invalid_value"),
        ({"orders": "place"}, "invalid_value"),
        ({"orders": [1]}, "invalid_value"),
        ({"orders": []}, "out_of_range"),
        ({"orders": [{}] * (BATCH_ORDERS_MAX + 1)}, "out_of_range"),
        ({"orders": [{}], "atomic": True}, "unknown_field"),
        ([], "invalid_body"),
    ],
)
async def test_a_batch_of_the_wrong_form_does_nothing(params: Any, code: str) -> None:
    """A batch of the wrong form is refused as a whole, with the field named."""
    operations = RecordedOperations()
    with pytest.raises(Refusal) as caught:
        await run_batch(operations.run, ALICE, params, Counter())
    assert caught.value.code == code
    assert operations.events == []


@pytest.mark.parametrize(
    ("operation", "params", "count"),
    [
        ("place", {}, 1), ("batch", {"orders": [{}, {}]}, 2), ("batch", {"orders": []}, 1),
        ("batch", {"orders": "no list"}, 1), ("batch", {}, 1), ("place", {"orders": [1, 2]}, 1),
        ("replace", {}, 2), ("place_list", {}, 2),
    ],
)  # fmt: skip
def test_a_batch_counts_as_its_items(operation: str, params: dict[str, Any], count: int) -> None:
    """Otherwise it would be a way around the rate limits."""
    assert orders_in(operation, params) == count
