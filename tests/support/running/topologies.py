"""Redis under Sentinel and Redis Clusters: real processes, gone after the block."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from tapewire import keys
from tapewire.redis.binary import find_server
from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tapewire.runtime.processes import ChildProcess
from tests.support.wait import wait_for

STOP_TIMEOUT_S = 10.0
# A frozen server takes a connection and never answers.
TIMEOUT_S = 2.0
FAILOVER_TIMEOUT_S = 40.0
SLOTS = 16_384
SLOT = key_slot(keys.PREFIX.encode())
SERVICE = "venue"
# Silence after which Sentinels replace a server: short for tests that freeze or kill one. A loaded
# machine leaves a server silent for that long too, so a planned failover has Sentinel's default.
DOWN_AFTER_MS = 500
PATIENT_DOWN_AFTER_MS = 30_000
FAILOVER_MS = 3_000
NODE_TIMEOUT_MS = 1_000

# Starts of a server: another process may take a free port before the server does.
STARTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Node:
    """A server process: of a Cluster, under Sentinel, or a Sentinel itself."""

    port: int
    child: ChildProcess
    bus_port: int

    def freeze(self) -> None:
        """Stop it (SIGSTOP): its connections stay open, and it says nothing."""
        os.kill(self.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on; that it was thawed already is no error."""
        if self.child.running:
            os.kill(self.child.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash would."""
        self.child.kill()

    def call(self, *command: str | int) -> Any:
        """Run one command there. Raises RedisError, OSError."""
        with client(self.port) as connection:
            return connection.execute_command(*command)

    @property
    def role(self) -> str:
        """`master` or `slave`, or `none` while it does not answer."""
        try:
            return str(self.call("ROLE")[0])
        except (RedisError, OSError):
            return "none"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Primaries that share the slots, and replicas of the first, which has the venue's slot."""

    primaries: list[Node]
    replicas: list[Node]

    @property
    def url(self) -> str:
        """Every node as a seed."""
        return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes)}"

    @property
    def nodes(self) -> list[Node]:
        """All of them."""
        return [*self.primaries, *self.replicas]

    def owner(self) -> Node:
        """The node that serves the venue's slot, as most of those that answer see it."""
        views = [view for node in self.nodes if (view := _owner_port(node)) is not None]
        port = max(set(views), key=views.count)
        return next(node for node in self.nodes if node.port == port)

    def begin_move(self, source: Node, target: Node) -> None:
        """Begin to move the venue's slot: its keys may be at either node from here on."""
        source_id, target_id = (node.call("CLUSTER", "MYID") for node in (source, target))
        target.call("CLUSTER", "SETSLOT", SLOT, "IMPORTING", source_id)
        source.call("CLUSTER", "SETSLOT", SLOT, "MIGRATING", target_id)

    def move_keys(self, source: Node, target: Node, count: int) -> int:
        """Move some keys of the slot; returns how many were moved."""
        names = source.call("CLUSTER", "GETKEYSINSLOT", SLOT, count)
        if names:
            source.call("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *names)
        return len(names)

    def end_move(self, source: Node, target: Node) -> None:
        """End the move once no key is left: the target serves the slot."""
        target_id = target.call("CLUSTER", "MYID")
        for node in (target, source, *(other for other in self.primaries if other != source)):
            node.call("CLUSTER", "SETSLOT", SLOT, "NODE", target_id)

    def cancel_move(self, source: Node, target: Node) -> None:
        """Give a move up that has moved no key yet."""
        for node in (source, target):
            node.call("CLUSTER", "SETSLOT", SLOT, "STABLE")

    @property
    def moves_at_once(self) -> bool:
        """Whether the servers can move a slot in one step for its clients."""
        return "MIGRATESLOTS" in " ".join(self.primaries[0].call("CLUSTER", "HELP"))

    def move_at_once(self, source: Node, target: Node) -> None:
        """Have a Valkey move the slot by itself, in one step for its clients."""
        target_id = target.call("CLUSTER", "MYID")
        source.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", SLOT, SLOT, "NODE", target_id)


@dataclass(frozen=True, slots=True)
class Replicated:
    """A primary, its replicas and Sentinels that watch them."""

    servers: list[Node]
    sentinels: list[Node]

    @property
    def url(self) -> str:
        """All Sentinels."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def named(self) -> Node:
        """The primary that the first Sentinel names."""
        _, port = self.sentinels[0].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(node for node in self.servers if node.port == int(port))

    def fail_over(self, *options: str) -> None:
        """Have the primary replaced as an operator would, and return once it has begun.

        The first Sentinel leads this failover.
        """

        def is_begun() -> bool:
            try:
                return bool(self.sentinels[0].call("SENTINEL", "FAILOVER", SERVICE, *options))
            except RedisError:
                return False

        wait_for(is_begun, "the Sentinel begins a failover", FAILOVER_TIMEOUT_S)

    @property
    def coordinates(self) -> bool:
        """Whether the Sentinels can have a primary hand over by itself (Valkey 9)."""
        return "COORDINATED" in " ".join(self.sentinels[0].call("SENTINEL", "HELP"))

    def failovers(self) -> int:
        """How many failovers the Sentinels have begun, planned or not, as their logs say."""
        logs = (node.child.log_path.read_text("utf-8") for node in self.sentinels)
        return sum(log.count("+try-failover") for log in logs)

    def hold_promotion(self) -> bool:
        """Freeze the leader between its announcement and the promotion; False if it was too late.

        The failover must not have begun yet, and begins here. Thaw the first Sentinel soon: after
        2 s a Sentinel that notices that it was frozen does nothing for 30 s.
        """
        (leader, *_), old = self.sentinels, self.named()
        with client(leader.port) as connection, connection.pubsub() as heard:
            heard.subscribe("+failover-state-send-slaveof-noone")
            wait_for(lambda: heard.get_message(timeout=0.0), "the test listens to the Sentinel")
            self.fail_over()
            wait_for(lambda: heard.get_message(timeout=0.0), "a replica is chosen", 20)
            leader.freeze()
        return all(server.role == "slave" for server in self.servers if server != old)

    def wait_for_replicas(self) -> None:
        """Wait until every Sentinel knows the replicas and the other Sentinels."""

        def known(node: Node) -> bool:
            replicas = node.call("SENTINEL", "REPLICAS", SERVICE)
            others = node.call("SENTINEL", "SENTINELS", SERVICE)
            return len(replicas) == len(self.servers) - 1 and len(others) == len(self.sentinels) - 1

        wait_for(
            lambda: all(known(node) for node in self.sentinels),
            "the Sentinels know each other and the replicas",
            FAILOVER_TIMEOUT_S,
        )


@contextmanager
def running_cluster(folder: Path) -> Iterator[str]:
    """One node that serves all slots; gives its `redis+cluster://` URL."""
    with running_nodes(folder, 1) as cluster:
        yield cluster.url


@contextmanager
def running_nodes(folder: Path, primaries: int, replicas: int = 0) -> Iterator[Cluster]:
    """A Cluster of so many primaries; the replicas follow the one with the venue's slot."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(_running_node(folder / f"node-{number}"))
            for number in range(primaries + replicas)
        ]
        cluster = Cluster(nodes[:primaries], nodes[primaries:])
        # The first range begins at 0 or at the venue's slot, so that it contains that slot.
        bounds = [SLOTS * number // primaries for number in range(primaries + 1)]
        ranges = list(pairwise(bounds))
        ranges.sort(key=lambda pair: not pair[0] <= SLOT < pair[1])
        for node, (first, end) in zip(cluster.primaries, ranges, strict=True):
            node.call("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for number, node in enumerate(nodes):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.call("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, nodes[0].bus_port)
        wait_for(
            lambda: all(_knows(node, len(nodes)) for node in nodes), "all nodes know each other"
        )
        for node in cluster.replicas:
            node.call("CLUSTER", "REPLICATE", nodes[0].call("CLUSTER", "MYID"))
        wait_for(
            lambda: all(_is_up(node) for node in nodes) and len(_linked(nodes[0])) == replicas,
            "the cluster is up and its replicas are linked",
            FAILOVER_TIMEOUT_S,
        )
        yield cluster


@contextmanager
def _running_node(folder: Path) -> Iterator[Node]:
    folder.mkdir()
    options = [
        "--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS),
        "--repl-diskless-sync-delay", "0", "--save", "",
    ]  # fmt: skip
    # Without --cluster-port the port of the bus is that of the server + 10,000, free or not.
    with _running("cluster", folder, options, port_options=("--port", "--cluster-port")) as node:
        yield node


@contextmanager
def running_replicas(
    folder: Path, replicas: int = 1, sentinels: int = 3, down_after_ms: int = DOWN_AFTER_MS
) -> Iterator[Replicated]:
    """A primary with replicas under Sentinels; all know each other."""
    with ExitStack() as stack:
        servers: list[Node] = []
        for number in range(replicas + 1):
            place = folder / f"server-{number}"
            place.mkdir()
            options = ["--save", "", "--appendonly", "yes", "--repl-diskless-sync-delay", "0"]
            if servers:
                options += ["--replicaof", "127.0.0.1", str(servers[0].port)]
            # Sentinel rewrites the configuration of a server, which has to have one for that.
            configuration = place / "server.conf"
            configuration.touch()
            servers.append(stack.enter_context(_running("server", place, options, configuration)))
        wait_for(lambda: len(_linked(servers[0])) == replicas, "the replicas are linked")
        watching = [
            stack.enter_context(
                _running_sentinel(
                    folder / f"sentinel-{number}",
                    servers[0].port,
                    sentinels,
                    down_after_ms=down_after_ms,
                )
            )
            for number in range(sentinels)
        ]
        topology = Replicated(servers, watching)
        topology.wait_for_replicas()
        yield topology


@contextmanager
def running_sentinel(folder: Path, master: RedisServer, *users: str) -> Iterator[str]:
    """A Sentinel that watches `master` and knows these users; gives its `redis+sentinel://` URL."""
    with _running_sentinel(folder / "sentinel", master.port, 1, users) as sentinel:
        yield f"redis+sentinel://127.0.0.1:{sentinel.port}/{SERVICE}"


@contextmanager
def _running_sentinel(
    folder: Path,
    port: int,
    sentinels: int,
    users: Sequence[str] = (),
    down_after_ms: int = DOWN_AFTER_MS,
) -> Iterator[Node]:
    folder.mkdir()
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor {SERVICE} 127.0.0.1 {port} {sentinels // 2 + 1}\n"
        f"sentinel down-after-milliseconds {SERVICE} {down_after_ms}\n"
        f"sentinel failover-timeout {SERVICE} {FAILOVER_MS}\n"
        + "".join(f"{user}\n" for user in users),
        "ascii",
    )
    with _running("sentinel", folder, ["--sentinel"], configuration) as node:
        yield node


def attach_replica(master: RedisServer, replica: RedisServer) -> None:
    """Make `replica` follow `master` and wait until it has all of it."""
    with client(replica.port) as connection:
        connection.execute_command("REPLICAOF", "127.0.0.1", master.port)
        wait_for(
            lambda: "up" in str(connection.info("replication").get("master_link_status")), "linked"
        )


@contextmanager
def client(port: int) -> Iterator[Any]:
    """A blocking client of one server on this machine."""
    with redis.Redis(port=port, decode_responses=True, socket_timeout=TIMEOUT_S) as connection:
        yield connection


@contextmanager
def _running(
    name: str,
    folder: Path,
    options: Sequence[str],
    configuration: Path | None = None,
    port_options: Sequence[str] = ("--port",),
) -> Iterator[Node]:
    node = _started(name, folder, options, configuration, port_options)
    try:
        yield node
    finally:
        # A frozen process does not take SIGTERM.
        node.thaw()
        node.child.stop(STOP_TIMEOUT_S)


def _started(
    name: str,
    folder: Path,
    options: Sequence[str],
    configuration: Path | None,
    port_options: Sequence[str],
) -> Node:
    """A server that answers. Raises AssertionError if none does, with the log of the last one."""
    log_path = folder / f"{name}.log"
    command = [str(find_server().path), *([str(configuration)] if configuration else [])]
    command += ["--bind", "127.0.0.1", "--dir", str(folder), *options]
    for _ in range(STARTS_MAX):
        ports = [free_port() for _ in port_options]
        chosen = [text for pair in zip(port_options, map(str, ports), strict=True) for text in pair]
        child = ChildProcess(name, [*command, *chosen], log_path=log_path, directory=folder)
        child.launch()
        node = Node(ports[0], child, ports[-1])
        try:
            wait_for(partial(_answers_or_ended, node), f"{name} answers or ends")
        except BaseException:
            child.stop(STOP_TIMEOUT_S)
            raise
        if child.running:
            return node
    raise AssertionError(f"{name} ended at each start: {log_path.read_text('utf-8')}")


def _answers_or_ended(node: Node) -> bool:
    if not node.child.running:
        return True
    try:
        with client(node.port) as connection:
            # Another server may have taken the port first, and answer in place of this one.
            return bool(connection.info("server")["process_id"] == node.child.pid)
    except (RedisError, OSError):
        return False


def _knows(node: Node, count: int) -> bool:
    return f"cluster_known_nodes:{count}" in node.call("CLUSTER", "INFO")


def _is_up(node: Node) -> bool:
    return "cluster_state:ok" in node.call("CLUSTER", "INFO")


def _linked(node: Node) -> list[Any]:
    """The replicas that have all of a primary."""
    _, _, replicas = node.call("ROLE")
    return [replica for replica in replicas if int(replica[2]) > 0]


def _owner_port(node: Node) -> int | None:
    try:
        ranges = node.call("CLUSTER", "SLOTS")
    except (RedisError, OSError):
        return None
    for first, last, primary, *_ in ranges:
        if first <= SLOT <= last:
            return int(primary[1])
    return None
