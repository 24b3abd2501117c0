"""Several market-data processes on one port serve every client alike."""

import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import httpx

from tapewire.runtime.ports import free_port
from tests.support.running.processes import (
    Service,
    running_gateway,
    start,
    wait_until_ready,
)
from tests.support.running.whole_venue import FEED_PATH, Reader, order_body, reader, rest_client
from tests.support.wait import wait_for, wait_until

PORT = "TAPEWIRE_MARKET_DATA_PORT"
CLIENTS = 24


@contextmanager
def two_workers(redis_url: str, folder: Path) -> Iterator[list[Service]]:
    """Two processes that share one port, each with a subscription of its own."""
    port = free_port()
    settings = {"REDIS_URL": redis_url, "TAPEWIRE_MARKET_DATA_REUSE_PORT": "true"}
    workers: list[Service] = []
    try:
        for number in range(2):
            log_dir = folder / f"worker-{number}"
            log_dir.mkdir()
            workers.append(start("market_data", PORT, settings, log_dir, port))
        for worker in workers:
            wait_until_ready(worker)
        # On a shared port that was perhaps the same process twice.
        wait_for(
            lambda: all("subscribed, epoch" in worker.log() for worker in workers),
            "both have subscribed",
        )
        yield workers
    finally:
        for worker in workers:
            worker.stop()


async def trade(gateway: httpx.AsyncClient, count: int) -> None:
    """Make so many trades."""
    for _ in range(count):
        for account, side in (("alice", "sell"), ("bob", "buy")):
            answer = await gateway.post(
                "/v1/orders", json=order_body(side), headers={"X-Account": account}
            )
            assert answer.status_code == 201


async def clients_by_worker(url: str) -> float:
    """The sum of all workers' clients, of any answer; each answer must be of both workers."""
    sums = set()
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(4):
            # Every request may meet another worker.
            answer = await client.get(f"{url}/metrics", headers={"Connection": "close"})
            found = re.findall(
                r'^tapewire_websocket_clients\{worker="([12])"\} (\S+)$', answer.text, re.MULTILINE
            )
            assert {worker for worker, _ in found} == {"1", "2"}
            sums.add(sum(float(value) for _, value in found))
    (total,) = sums
    return total


async def test_workers_share_a_port_and_send_the_same(redis_url: str, tmp_path: Path) -> None:
    """Every client of either process gets every trade; when one process goes, the other stays."""
    with (
        running_gateway(redis_url, tmp_path) as gateway,
        two_workers(redis_url, tmp_path) as workers,
    ):
        async with AsyncExitStack() as stack:
            orders = await stack.enter_async_context(rest_client(gateway))
            url = workers[0].websocket_url + FEED_PATH
            clients: list[Reader] = [
                await stack.enter_async_context(reader(url)) for _ in range(CLIENTS)
            ]
            assert await clients_by_worker(workers[0].url) == CLIENTS
            await trade(orders, 5)
            for client in clients:
                await client.wait_for_trades(5)
                assert [event["seq"] for event in client.trades] == [1, 2, 3, 4, 5]
            workers[0].process.terminate()
            await wait_until(
                lambda: any(client.closed_with for client in clients), "a client is closed"
            )
            await wait_until(lambda: workers[0].process.poll() is not None, "the process is gone")
            staying = [client for client in clients if client.closed_with is None]
            assert {client.closed_with for client in clients} == {1012, None}
            await trade(orders, 5)
            for client in staying:
                await client.wait_for_trades(10)
                assert [event["seq"] for event in client.trades] == list(range(1, 11))
