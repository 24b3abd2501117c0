"""A Redis Cluster of one node and a Redis under Sentinel: real, small, gone after the block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import RedisError

from tapewire.redis.binary import find_server
from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tapewire.runtime.processes import ChildProcess
from tests.support.wait import wait_for

STOP_TIMEOUT_S = 10.0
SLOTS = 16_384
SERVICE = "venue"

# A cluster node listens on its port + 10,000 as well.
CLUSTER_BUS_OFFSET = 10_000
PORT_MAX = 65_535


@contextmanager
def running_cluster(folder: Path) -> Iterator[str]:
    """One node that serves all slots; gives its `redis+cluster://` URL."""
    port = free_port()
    while port + CLUSTER_BUS_OFFSET > PORT_MAX:
        port = free_port()
    options = ["--cluster-enabled", "yes", "--save", "", "--dir", str(folder)]
    with _running("cluster", folder, port, options), _client(port) as client:
        client.execute_command("CLUSTER", "ADDSLOTS", *range(SLOTS))
        wait_for(
            lambda: "cluster_state:ok" in client.execute_command("CLUSTER", "INFO"),
            "the cluster is up",
        )
        yield f"redis+cluster://127.0.0.1:{port}"


@contextmanager
def running_sentinel(folder: Path, master: RedisServer) -> Iterator[str]:
    """A Sentinel that watches `master`; gives its `redis+sentinel://` URL."""
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} 1\n"
        f"sentinel down-after-milliseconds {SERVICE} 500\n"
        f"sentinel failover-timeout {SERVICE} 2000\n",
        "ascii",
    )
    port = free_port()
    with _running("sentinel", folder, port, ["--sentinel"], configuration):
        yield f"redis+sentinel://127.0.0.1:{port}/{SERVICE}"


def attach_replica(master: RedisServer, replica: RedisServer) -> None:
    """Make `replica` follow `master` and wait until it has all of it."""
    with _client(replica.port) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        wait_for(
            lambda: "up" in str(client.info("replication").get("master_link_status")), "linked"
        )


@contextmanager
def _client(port: int) -> Iterator[Any]:
    with redis.Redis(port=port, decode_responses=True, socket_timeout=5) as client:
        yield client


@contextmanager
def _running(
    name: str,
    folder: Path,
    port: int,
    options: Sequence[str],
    configuration: Path | None = None,
) -> Iterator[None]:
    command = [str(find_server().path), *([str(configuration)] if configuration else [])]
    child = ChildProcess(
        name,
        [*command, "--bind", "127.0.0.1", "--port", str(port), *options],
        log_path=folder / f"{name}.log",
        directory=folder,
    )
    child.launch()
    try:
        with _client(port) as client:
            wait_for(lambda: child.running and _answers(client), f"{name} answers")
        yield
    finally:
        child.stop(STOP_TIMEOUT_S)


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
