"""A market-data process that tests may stop, kill and start again on the same port."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tapewire.runtime.ports import free_port
from tests.support.running.forks import ForkedProcess
from tests.support.running.processes import Service, child_environment, wait_until_ready
from tests.support.wait import wait_until

END_TIMEOUT_S = 20.0


class FeedProcess:
    """A market-data service on a port of its own."""

    def __init__(self, redis_url: str, folder: Path, auth: str = "open", **variables: str) -> None:
        """`variables` are settings without their prefix, such as `DRAIN_SPREAD_S`."""
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self._folder = folder
        self._variables = {
            "REDIS_URL": redis_url,
            "TAPEWIRE_AUTH": auth,
            "TAPEWIRE_MARKET_DATA_PORT": str(self.port),
            **{f"TAPEWIRE_MARKET_DATA_{name}": value for name, value in variables.items()},
        }
        self._log_path = folder / f"market_data-{self.port}.log"
        self.process: ForkedProcess | None = None

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises ServiceFailed."""
        self.process = ForkedProcess(
            "market_data", child_environment(self._variables), self._folder, self._log_path
        )
        service = Service("market_data", self.port, self.process, self._log_path)
        await asyncio.to_thread(wait_until_ready, service)

    def terminate(self) -> None:
        """Send SIGTERM, and return at once."""
        assert self.process is not None
        self.process.terminate()

    async def ended(self) -> int:
        """Wait until the process ends; return the exit status."""
        process = self.process
        assert process is not None
        await wait_until(lambda: process.poll() is not None, "market data ends", END_TIMEOUT_S)
        return process.wait()

    async def kill(self) -> None:
        """Kill the process, as a crash would."""
        assert self.process is not None
        self.process.kill()
        await self.ended()

    async def health(self) -> dict[str, object]:
        """The answer of `/health`."""
        async with httpx.AsyncClient(trust_env=False) as client:
            document: dict[str, object] = (
                await client.get(f"http://127.0.0.1:{self.port}/health")
            ).json()
            return document

    def log(self) -> str:
        """The log of the process."""
        return self._log_path.read_text("utf-8", "replace") if self._log_path.exists() else ""


@asynccontextmanager
async def running_feed(
    redis_url: str, folder: Path, auth: str = "open", **variables: str
) -> AsyncIterator[FeedProcess]:
    """A ready process until the block ends."""
    feed = FeedProcess(redis_url, folder, auth, **variables)
    try:
        await feed.start()
        yield feed
    finally:
        if feed.process is not None and feed.process.poll() is None:
            await feed.kill()
        # pytest captures this output and shows it only when the test failed.
        sys.stdout.write(f"--- log of market_data on port {feed.port}\n{feed.log()[-8_000:]}\n")
