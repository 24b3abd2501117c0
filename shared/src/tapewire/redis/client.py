"""Redis connections with every timeout and retry explicit.

No command is ever retried by the client: a command whose answer was lost may have been done, so
only the caller can know whether asking again is safe. The next command reconnects.

Under Sentinel and in a Cluster every new connection looks for the primary first (`primary.py`) and
asks the server whether it is one. A connection is given up as soon as its server says that it is
none any more. The whole venue lives in one slot, so in a Cluster one node is all that is needed.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import redis
import redis.asyncio
from redis.asyncio import connection as async_connection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, MovedError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.redis.address import Host, Place, RedisAddress, read_address
from tapewire.redis.primary import PrimaryFinder, pairs
from tapewire.redis.versions import WANTED, version_from_hello

__all__ = [
    "AsyncRedis", "BlockingRedis", "RedisAddress", "find_primary", "open_async", "open_subscriber",
    "renew", "wait_until_ready",
]  # fmt: skip

logger = logging.getLogger(__name__)

HEALTH_CHECK_INTERVAL_S = 15
CONNECTIONS_MAX = 16
READY_POLL_INTERVAL_S = 0.25

AsyncRedis = redis.asyncio.Redis
BlockingRedis = redis.Redis

# Replies of a server that is not, or no longer, the primary.
_NOT_PRIMARY = (ClusterDownError, MovedError, ReadOnlyError)


class _LeavesDemoted(async_connection.AbstractConnection):
    """A connection that its pool opens anew once the server said that it is no primary."""

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        try:
            return await super().read_response(*args, **kwargs)
        except _NOT_PRIMARY:
            self.mark_for_reconnect()
            raise


class _FollowsPrimary(_LeavesDemoted):
    """A connection that looks for the primary whenever it is made."""

    def __init__(self, *, finder: PrimaryFinder, **options: Any) -> None:  # noqa: ANN401
        self._finder = finder
        super().__init__(**options)

    async def _connect(self) -> None:
        self.host, self.port = await self._finder.find()
        await super()._connect()  # type: ignore[safe-super]  # the next class has it

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        await super().on_connect_check_health(check_health=check_health)
        await self.send_command("HELLO", check_health=False)
        role = dict(_texts(await self.read_response())).get("role")
        if role != "master":
            raise RedisConnectionError(f"{self.host}:{self.port} is a {role}, not the primary")


class _Tcp(_LeavesDemoted, async_connection.Connection):
    pass


class _Tls(_LeavesDemoted, async_connection.SSLConnection):
    pass


class _Socket(_LeavesDemoted, async_connection.UnixDomainSocketConnection):
    pass


class _PrimaryTcp(_FollowsPrimary, async_connection.Connection):
    pass


class _PrimaryTls(_FollowsPrimary, async_connection.SSLConnection):
    pass


class _Pool(async_connection.ConnectionPool):
    """A pool that, when one of its connections fails, gives up those that are idle as well.

    A server that froze or was replaced leaves them open, and each would fail in its turn.
    """

    async def release(self, connection: async_connection.AbstractConnection) -> None:
        has_failed = not connection.is_connected or connection.should_reconnect()
        await super().release(connection)
        if has_failed:
            for idle in tuple(self._available_connections):
                await idle.disconnect(nowait=True)


def open_async(address: RedisAddress) -> AsyncRedis:
    """Make an asyncio client for commands; it connects at its first command.

    Raises ConfigurationError if the URL is not one of ours.
    """
    place = read_address(address.url)
    options = address.options() | _connection_options(place)
    kind: type[async_connection.AbstractConnection]
    if place.socket_path:
        kind, options["path"] = _Socket, place.socket_path
    elif place.kind == "server":
        kind = _Tcp if place.tls is None else _Tls
        options["host"], options["port"] = place.hosts[0]
    else:
        kind = _PrimaryTcp if place.tls is None else _PrimaryTls
        options["finder"] = PrimaryFinder(place, address)
    pool = _Pool(
        connection_class=kind,
        max_connections=CONNECTIONS_MAX,
        retry=AsyncRetry(NoBackoff(), 0),
        **options,
    )
    return redis.asyncio.Redis.from_pool(pool)


async def renew(client: AsyncRedis) -> None:
    """Have the next commands of a client make new connections, which look for the primary anew.

    A command that is on its way is left alone.
    """
    pool = client.connection_pool
    for connection in tuple(pool._in_use_connections):  # noqa: SLF001 (it has no public form)
        connection.mark_for_reconnect()
    await pool.disconnect(inuse_connections=False)


async def find_primary(address: RedisAddress) -> Host | None:
    """Where the primary is now; None if the URL names the server itself.

    Raises ConfigurationError, RedisError.
    """
    place = read_address(address.url)
    if place.kind == "server":
        return None
    return await PrimaryFinder(place, address).find()


def open_subscriber(address: RedisAddress, primary: Host | None) -> BlockingRedis:
    """Make a blocking client for one subscription, to be polled on a thread of its own.

    `primary` is what `find_primary` found. Raises ConfigurationError if the URL is not one of ours.
    """
    place = read_address(address.url)
    options = address.options() | _connection_options(place)
    if place.socket_path:
        options["unix_socket_path"] = place.socket_path
    else:
        options["host"], options["port"] = primary or place.hosts[0]
        options["ssl"] = place.tls is not None
    # With no error to retry on, redis-py neither reconnects nor subscribes again by itself.
    retry = Retry(NoBackoff(), 0, supported_errors=())
    return redis.Redis(retry=retry, **options)


def _connection_options(place: Place) -> dict[str, Any]:
    return {
        "db": place.database,
        "health_check_interval": HEALTH_CHECK_INTERVAL_S,
        # Messages of hosted Redis Enterprise; every other server refuses the command.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **place.login,
        **(place.tls or {}),
    }


async def wait_until_ready(client: AsyncRedis, address: RedisAddress, timeout_s: float) -> None:
    """Wait for Redis to answer, and check its version; one log line tells that the start waits.

    Raises RedisUnavailable when Redis did not answer within `timeout_s`, and ConfigurationError
    when it is older than the venue needs.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    told = False
    while True:
        try:
            await client.ping()
            await check_version(client, address)
        except (RedisError, OSError) as error:
            if loop.time() >= deadline_s:
                raise RedisUnavailable(
                    f"Redis at {address.shown} did not answer within {timeout_s:g} s ({error})"
                ) from None
            if not told:
                logger.warning(
                    "waiting up to %g s for Redis at %s (%s)", timeout_s, address.shown, error
                )
                told = True
            await asyncio.sleep(READY_POLL_INTERVAL_S)
        else:
            return


async def check_version(client: AsyncRedis, address: RedisAddress) -> None:
    """Raise ConfigurationError if the server is older than the venue needs.

    `HELLO` is asked, because a server with restricted users refuses `INFO` more often.
    """
    # The command names no key, so that any node of a cluster may answer.
    if isinstance(client, redis.asyncio.RedisCluster):
        await client.initialize()
        node = client.get_random_node()
        reply = await client.execute_command("HELLO", target_nodes=node)
    else:
        reply = await client.execute_command("HELLO")
    version = version_from_hello(_texts(reply))
    if version is not None and not version.supported:
        raise ConfigurationError(
            f"the server at {address.shown} is {version}, but Tapewire needs {WANTED}; "
            "upgrade it (the data stays), or set REDIS_URL to a newer server"
        )


def _texts(reply: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    for name, value in pairs(reply).items():
        yield _text(name), _text(value) if isinstance(value, bytes) else value


def _text(value: Any) -> str:  # noqa: ANN401
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
