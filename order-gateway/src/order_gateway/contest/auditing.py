"""The audit of the venue for an organiser: the same checks as `tapewire audit`.

An audit reads and compares every order, which takes up to seconds of processor time. It therefore
runs on a thread with an event loop and a connection of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any, TypeVar

from order_gateway.contest.schemas import AuditCheckReply, AuditReply
from tapewire.audit.findings import Check, Findings
from tapewire.errors import Conflict, RedisUnavailable, TapewireError, Unavailable
from tapewire.matching.batcher import Batcher
from tapewire.matching.library import load_library
from tapewire.redis.client import RedisAddress, open_async
from tapewire.values.timestamps import format_timestamp

LOG_EVENTS_READ = 1_000
TIMEOUT_S = 60.0

_Result = TypeVar("_Result")


class VenueAudit:
    """One audit at a time, over a connection of its own."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = replace(address, timeout_s=TIMEOUT_S, client_name="audit")
        self._lock = asyncio.Lock()

    async def run(self, time_us: int) -> AuditReply:
        """Check money, orders and books. Raises Conflict (contest_busy), Unavailable.

        A venue that is too large for `TIMEOUT_S` is audited with `tapewire audit`.
        """
        if self._lock.locked():
            raise Conflict("contest_busy", "An audit is running already; wait for its answer.")
        async with self._lock:
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    return _reply(await on_thread(self._audit), time_us)
            except TimeoutError:
                raise RedisUnavailable(
                    f"The audit took more than {TIMEOUT_S:g} s; run `tapewire audit`."
                ) from None
            except Unavailable:
                raise
            except TapewireError as error:
                raise RedisUnavailable(f"The audit failed: {error}") from None

    async def _audit(self) -> Findings:
        # The modules of the auditor are a twentieth of those of a gateway; few gateways need them.
        from tapewire.audit.auditor import Auditor

        async with AsyncExitStack() as stack:
            client = open_async(self._address)
            stack.push_async_callback(client.aclose)
            batcher = Batcher(client, timeout_s=TIMEOUT_S, library=load_library())
            stack.push_async_callback(batcher.close)
            auditor = Auditor(batcher, log_events_max=LOG_EVENTS_READ, is_checked=None)
            return await auditor.run()


async def on_thread(work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """The result of `work()`, run on a thread with an event loop of its own.

    The work is canceled when the caller is. Raises what the work raises.
    """
    canceled: Future[None] = Future()

    async def run() -> _Result:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work())

        def cancel(_: Future[None]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the work has ended
                loop.call_soon_threadsafe(task.cancel)

        canceled.add_done_callback(cancel)
        return await task

    try:
        return await asyncio.to_thread(lambda: asyncio.run(run()))
    except asyncio.CancelledError:
        canceled.set_result(None)
        raise


def _reply(found: Findings, time_us: int) -> AuditReply:
    checks = [
        AuditCheckReply(
            check=check.value,
            counted=", ".join(f"{number:,} {noun}" for noun, number in found.seen[check].items()),
            different_count=found.differences[check],
            differences=[
                sentence.partition(": ")[2]
                for sentence in found.sentences
                if sentence.startswith(f"{check}: ")
            ],
            remark=found.remarks.get(check),
        )
        for check in Check
    ]
    return AuditReply(found.is_clean, checks, format_timestamp(time_us))
