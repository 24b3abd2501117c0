"""The servers of the order benchmark: a gateway worker, and an app that does nothing beside it."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tapewire.runtime.ports import free_port
from tapewire.runtime.processes import ChildProcess

READY_TIMEOUT_S = 20.0

# A fast worker fills the default bound on open orders within one sample.
INSTRUMENTS = """
[[instrument]]
symbol = "BTC-USDT"
base = "BTC"
quote = "USDT"
tick_size = "0.01"
lot_size = "0.00001"
min_quantity = "0.00001"
max_quantity = "100"
open_orders_max = 1000000
"""

# The same app with a handler that does nothing: the cost of the framework.
NO_OP = """
from typing import Any
from fastapi import FastAPI
from pydantic import create_model
from order_gateway.examples import FILLED_EXAMPLE
from order_gateway.params import OrderRequest
from order_gateway.settings import PREFIX, GatewaySettings
from tapewire.web.serving import serve
from tapewire.settings import load_settings

app = FastAPI()
OrderAnswer = create_model("OrderAnswer", **{name: (Any, ...) for name in FILLED_EXAMPLE})
reply = OrderAnswer(**FILLED_EXAMPLE)

@app.post("/v1/orders", status_code=201)
async def place(order: OrderRequest) -> OrderAnswer:
    return reply

@app.get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ready"}

serve(app, load_settings(GatewaySettings, PREFIX), check_address=lambda _: None)
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A worker that is measured."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def server(command: list[str], redis_url: str, folder: Path, core: int) -> Iterator[Server]:
    """One worker, pinned to one core."""
    port = free_port()
    instruments = folder / "instruments.toml"
    instruments.write_text(INSTRUMENTS)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TAPEWIRE_")
    } | {
        "REDIS_URL": redis_url,
        "TAPEWIRE_GATEWAY_PORT": str(port),
        "TAPEWIRE_GATEWAY_ACCOUNT_ORDERS_PER_S": "0",
        "TAPEWIRE_GATEWAY_ADDRESS_ORDERS_PER_S": "0",
        # Enough for all orders that a run holds at once.
        "TAPEWIRE_PAPER_BALANCES": "*=80000000",
        "TAPEWIRE_INSTRUMENTS": str(instruments),
    }
    log = folder / f"server-{port}.log"
    child = ChildProcess("server", command, log_path=log, environment=environment)
    child.launch()
    try:
        os.sched_setaffinity(child.pid, {core})
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while not _answers(port):
            if time.monotonic() > deadline_s or not child.running:
                raise RuntimeError(f"the server did not start: {child.last_words()}")
            time.sleep(0.05)
        yield Server(port, child.pid)
    finally:
        child.stop(5.0)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
