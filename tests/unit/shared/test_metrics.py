"""Figures of a service: the lag of its event loop, and one answer for all workers of a port."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tapewire.runtime.loop_lag import LoopLag
from tapewire.runtime.ports import free_port
from tapewire.runtime.supervision import cancel_all
from tapewire.settings import load_settings
from tapewire.web.metrics import Metrics, Readings
from tapewire.web.serving import ServerSettings
from tapewire.web.workers import Workers
from tests.support.wait import wait_until

LAG = "tapewire_event_loop_lag_seconds"


def samples(text: bytes) -> dict[str, float]:
    """Every figure of an answer by name and labels."""
    lines = (line.rpartition(" ") for line in text.decode().splitlines() if line[0] != "#")
    return {name: float(value) for name, _, value in lines}


def counting(orders: int) -> Metrics:
    """The metrics of a process that has counted so many orders."""
    counters = {"orders": ("Orders", lambda: float(orders))}
    return Metrics(Readings({"clients": ("Clients", lambda: 2.0)}, counters))


def sharing(port: int) -> ServerSettings:
    """Settings of a worker."""
    return load_settings(ServerSettings, "TAPEWIRE_").model_copy(
        update={"port": port, "reuse_port": True}
    )


@asynccontextmanager
async def workers(port: int, *orders: int) -> AsyncIterator[list[Metrics]]:
    """Workers of one port until the block ends."""
    async with AsyncExitStack() as stack:
        found = [counting(count) for count in orders]
        for metrics in found:
            await stack.enter_async_context(metrics.shared("test", sharing(port)))
        yield found


async def test_a_process_alone_has_no_label() -> None:
    """One process shows its own figures, and those of the process."""
    shown = samples(await counting(5).render())
    assert shown["tapewire_orders_total"] == 5
    assert shown["tapewire_clients"] == 2
    assert shown["process_resident_memory_bytes"] > 1e6


async def test_every_worker_answers_for_all() -> None:
    """Whichever worker is scraped, the figures of each stand under its number."""
    async with workers(free_port(), 3, 40) as found:
        for metrics in found:
            text = await metrics.render()
            shown = samples(text)
            assert shown['tapewire_orders_total{worker="1"}'] == 3
            assert shown['tapewire_orders_total{worker="2"}'] == 40
            assert text.count(b"# TYPE tapewire_orders_total counter") == 1


async def test_the_number_of_a_worker_that_ended_is_taken_again() -> None:
    """A restart does not make new series without end, and the dead are not asked."""
    port = free_port()
    async with workers(port, 1, 2) as (_, second):
        third = counting(3)
        async with third.shared("test", sharing(port)):
            assert 'tapewire_orders_total{worker="3"}' in samples(await second.render())
        async with counting(4).shared("test", sharing(port)):
            assert samples(await second.render())['tapewire_orders_total{worker="3"}'] == 4


async def test_a_worker_that_is_stuck_is_left_out() -> None:
    """An answer comes in bounded time although a sibling takes the connection and says nothing."""
    port = free_port()
    async with workers(port, 1) as (first,):
        own = first._workers
        assert own is not None
        release = asyncio.Event()

        async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await release.wait()
            writer.close()

        path = own._socket(9)
        server = await asyncio.start_unix_server(say_nothing, path)
        async with asyncio.timeout(10):
            shown = samples(await first.render())
        release.set()
        server.close()
        path.unlink(missing_ok=True)
        assert 'tapewire_orders_total{worker="1"}' in shown
        assert not any('worker="9"' in name for name in shown)


async def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    """No other user can make a worker read a forged answer."""
    folder = tmp_path / "port"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError):
        await Workers.join(folder, bytes)


def test_a_delay_counts_in_its_bucket_and_all_above() -> None:
    """The histogram is cumulative, as Prometheus wants it."""
    lag = LoopLag()
    for delay_s in (0.0, 0.003, 0.3, 9.0):
        lag.observe(delay_s)
    (metric,) = lag.collect()
    by_bound = {item.labels.get("le"): item.value for item in metric.samples}
    assert (by_bound["0.001"], by_bound["0.005"], by_bound["0.5"]) == (1, 2, 3)
    assert (by_bound["5.0"], by_bound["+Inf"]) == (3, 4)
    totals = {item.name: item.value for item in metric.samples if not item.labels}
    assert totals[f"{LAG}_count"] == 4
    assert totals[f"{LAG}_sum"] == pytest.approx(9.303)


async def test_a_blocked_loop_is_seen() -> None:
    """What keeps the loop from its timers shows as a delay of that length."""
    lag = LoopLag(interval_s=0.001)
    metrics = Metrics(lag)
    task = asyncio.create_task(lag.run())

    async def has_sample() -> bool:
        return samples(await metrics.render())[f"{LAG}_count"] > 0

    await wait_until(has_sample, "a first sample")
    end_s = time.monotonic() + 0.12
    while time.monotonic() < end_s:
        pass

    async def was_seen() -> bool:
        shown = samples(await metrics.render())
        return shown[f'{LAG}_bucket{{le="+Inf"}}'] > shown[f'{LAG}_bucket{{le="0.1"}}']

    await wait_until(was_seen, "the block was seen")
    await cancel_all([task])
