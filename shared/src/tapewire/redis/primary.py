"""Which server is the venue's primary now: Sentinels or the nodes of a Redis Cluster are asked.

All of them are asked at the same time. Some may be frozen or may not know of a failover yet, so the
answer that counts is the newest one (Sentinel) or that of most nodes (Cluster).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from tapewire import keys
from tapewire.redis.address import Host, Place, RedisAddress

# Seconds for further answers after the first one.
GRACE_S = 0.3

Answer = TypeVar("Answer")


class _Named(NamedTuple):
    """The answer of one Sentinel; a larger configuration epoch is newer."""

    config_epoch: int
    host: Host


class PrimaryFinder:
    """Finds the primary of a Sentinel service, or the node that serves the venue's slot."""

    def __init__(self, place: Place, address: RedisAddress) -> None:
        """`place` must be of Sentinels or of a Cluster."""
        self._place = place
        self._address = address
        # Nodes of a Cluster from earlier answers, so that it is found without the seeds.
        self._learned: tuple[Host, ...] = ()

    async def find(self) -> Host:
        """Ask, within the connect timeout of the address.

        Raises RedisConnectionError if no host answers or knows the primary.
        """
        if self._place.kind == "sentinel":
            return await self._ask_sentinels()
        return await self._ask_nodes()

    async def _ask_sentinels(self) -> Host:
        hosts, service = self._place.hosts, self._place.service
        answers = await first_answers(hosts, self._ask_sentinel, self._address.connect_timeout_s)
        if not answers:
            raise RedisConnectionError(f"no Sentinel answers at {shown(hosts)}")
        named = [answer for answer in answers if answer is not None]
        if not named:
            raise RedisConnectionError(f"the Sentinels at {shown(hosts)} know no service {service}")
        return max(named).host

    async def _ask_sentinel(self, sentinel: Host) -> _Named | None:
        login = self._place.sentinel_login or {}
        async with opened(self._place, self._address, sentinel, login) as connection:
            service = self._place.service
            # During a failover the first names the new primary as soon as it is promoted.
            found = await ask(connection, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
            if found is None:
                return None
            fields: dict[bytes, bytes] = {}
            # A Sentinel with restricted users may refuse this call, which is not essential.
            with suppress(ResponseError):
                fields = pairs(await ask(connection, "SENTINEL", "MASTER", service))
            epoch = int(fields.get(b"config-epoch", b"0"))
            return _Named(epoch, (found[0].decode(), int(found[1])))

    async def _ask_nodes(self) -> Host:
        hosts = tuple(dict.fromkeys((*self._place.hosts, *self._learned)))
        answers = await first_answers(hosts, self._ask_node, self._address.connect_timeout_s)
        if not answers:
            raise RedisConnectionError(f"no node of the Redis Cluster answers at {shown(hosts)}")
        self._learned = tuple(dict.fromkeys(node for _, nodes in answers for node in nodes))
        votes = Counter(primary for primary, _ in answers if primary is not None)
        if not votes:
            raise RedisConnectionError("no node of the Redis Cluster serves the venue's slot")
        return votes.most_common(1)[0][0]

    async def _ask_node(self, node: Host) -> tuple[Host | None, list[Host]]:
        """The primary of the venue's slot, and every node."""
        async with opened(self._place, self._address, node, self._place.login) as connection:
            ranges = await ask(connection, "CLUSTER", "SLOTS")
        slot = key_slot(keys.PREFIX.encode())
        primary, nodes = None, []
        for first, last, *served_by in ranges:
            hosts = [_endpoint(item, asked=node) for item in served_by]
            nodes += hosts
            if first <= slot <= last and hosts:
                primary = hosts[0]
        return primary, nodes


async def first_answers(
    hosts: Sequence[Host], question: Callable[[Host], Awaitable[Answer]], timeout_s: float
) -> list[Answer]:
    """Ask all hosts at once; return the answers that arrive in time.

    The time is `timeout_s`, and GRACE_S after the first answer: the host that answers last may be
    the only one that knows of a failover. A host that fails is left out.
    """
    tasks = [asyncio.ensure_future(question(host)) for host in hosts]
    answers: list[Answer] = []
    try:
        async with asyncio.timeout(timeout_s) as limit:
            for earliest in asyncio.as_completed(tasks):
                with suppress(RedisError, OSError):
                    answers.append(await earliest)
                    if len(answers) == 1:
                        deadline_s = asyncio.get_running_loop().time() + GRACE_S
                        limit.reschedule(min(deadline_s, limit.when() or deadline_s))
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return answers


@asynccontextmanager
async def opened(
    place: Place, address: RedisAddress, host: Host, login: Mapping[str, Any]
) -> AsyncIterator[Connection]:
    """A connection for a few questions, closed at the end. Raises RedisError, OSError."""
    kind = Connection if place.tls is None else SSLConnection
    options = address.options() | dict(login) | dict(place.tls or {})
    connection: Any = kind(host=host[0], port=host[1], retry=Retry(NoBackoff(), 0), **options)
    try:
        await connection.connect()
        yield connection
    finally:
        await connection.disconnect(nowait=True)


async def ask(connection: Connection, *command: str) -> Any:  # noqa: ANN401 (a Redis reply)
    """Send one command and read its reply. Raises RedisError, OSError."""
    await connection.send_command(*command, check_health=False)
    return await connection.read_response()


def pairs(reply: Any) -> dict[Any, Any]:  # noqa: ANN401 (a Redis reply)
    """Names and values of a reply, which is a mapping in RESP3 and a flat list in RESP2."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))


def shown(hosts: Sequence[Host]) -> str:
    """Hosts as text, for messages."""
    return ", ".join(f"{host}:{port}" for host, port in hosts)


def _endpoint(item: Sequence[Any], *, asked: Host) -> Host:
    """A node in the reply of `CLUSTER SLOTS`; one that does not know its address is the asked."""
    name = item[0].decode() if item[0] else ""
    return (name if name not in {"", "?"} else asked[0]), int(item[1])
