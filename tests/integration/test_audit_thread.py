"""A gateway audits the venue beside its event loop."""

import asyncio
import threading
from typing import Any

import pytest

from order_gateway.contest.auditing import VenueAudit, on_thread
from tapewire.audit import auditor
from tapewire.audit.comparison import hold_differences
from tapewire.errors import Conflict
from tests.support.reference.audit import trade_everything
from tests.support.venue import address_of, open_venue
from tests.support.wait import wait_until

HELD_S_MAX = 30
COMPARISONS = (
    "expiring_differences", "hold_differences", "level_differences", "listing_differences",
    "parse_account", "place_differences", "queue_differences", "stop_differences",
    "supply_differences", "market_differences",
)  # fmt: skip


async def test_no_comparison_of_an_audit_runs_on_the_event_loop(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pure function of the auditor is called, and on another thread."""
    threads: dict[str, set[int]] = {}

    def watched(name: str) -> Any:
        function = getattr(auditor, name)

        def call(*arguments: Any, **options: Any) -> Any:
            threads.setdefault(name, set()).add(threading.get_ident())
            return function(*arguments, **options)

        return call

    for name in COMPARISONS:
        monkeypatch.setattr(auditor, name, watched(name))
    async with open_venue(redis_url) as venue:
        await trade_everything(venue)
        reply = await VenueAudit(address_of(redis_url)).run(0)
    assert reply.clean, reply
    assert sorted(threads) == sorted(COMPARISONS)
    assert threading.get_ident() not in set.union(*threads.values())


async def test_the_loop_goes_on_while_an_audit_is_held(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second audit is refused meanwhile, and orders are placed."""
    begun, ended = threading.Event(), threading.Event()

    def held(*arguments: Any) -> Any:
        begun.set()
        assert ended.wait(HELD_S_MAX)
        return hold_differences(*arguments)

    monkeypatch.setattr(auditor, "hold_differences", held)
    async with open_venue(redis_url) as venue:
        await venue.buy(1, 90)
        audit = VenueAudit(address_of(redis_url))
        running = asyncio.create_task(audit.run(0))
        try:
            await wait_until(begun.is_set, "the audit compares")
            with pytest.raises(Conflict):
                await audit.run(0)
            await venue.buy(1, 91)
            assert not running.done()
        finally:
            ended.set()
        assert (await running).clean


async def test_work_on_a_thread_ends_with_its_caller() -> None:
    """A canceled request and a stopping gateway leave no audit behind."""
    begun, canceled = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            canceled.set()
            raise

    running = asyncio.create_task(on_thread(work))
    await wait_until(begun.is_set, "the work has begun")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await wait_until(canceled.is_set, "the work is canceled")


async def test_work_on_a_thread_raises_to_its_caller() -> None:
    """The error of the work is the error of the call."""

    async def work() -> None:
        raise Conflict("contest_busy", "held")

    with pytest.raises(Conflict, match="held"):
        await on_thread(work)
