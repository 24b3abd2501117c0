"""Redis connections with every timeout and retry explicit.

No command is ever retried by the client: a command whose answer was lost may have been done, so
only the caller can know whether asking again is safe. Reconnecting is done by the next command.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.redis.versions import WANTED, version_from_hello

logger = logging.getLogger(__name__)

HEALTH_CHECK_INTERVAL_S = 15
CONNECTIONS_MAX = 16
READY_POLL_INTERVAL_S = 0.25
LOADING_RETRY_S = 0.25
CLUSTER_REDIRECTIONS_MAX = 3

AsyncRedis = redis.asyncio.Redis | redis.asyncio.RedisCluster
BlockingRedis = redis.Redis

_SENTINEL = "redis+sentinel"
_CLUSTER = "redis+cluster"
_PASSWORD_FILE = "password_file"  # noqa: S105 (the name of a parameter)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is and how long to wait for it."""

    url: str
    connect_timeout_s: float
    timeout_s: float
    client_name: str

    @property
    def shown(self) -> str:
        """The URL without its password, for logs and messages."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    def options(self) -> dict[str, Any]:
        """Connection options common to every kind of client."""
        return {
            "socket_connect_timeout": self.connect_timeout_s,
            "socket_timeout": self.timeout_s,
            "client_name": self.client_name,
            "decode_responses": False,
        }


class _SentinelPool(redis.asyncio.sentinel.SentinelConnectionPool):
    """Closes its connections to the Sentinels too; they are opened again when they are needed."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


class _Cluster(redis.asyncio.RedisCluster):
    """Reports a cluster that cannot be reached as a RedisError, as every other client does."""

    async def initialize(
        self,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> redis.asyncio.RedisCluster:
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        try:
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error


def open_async(address: RedisAddress) -> AsyncRedis:
    """Make an asyncio client for commands; it connects at its first command.

    Raises ConfigurationError if the URL is not one of ours.
    """
    no_retry = AsyncRetry(NoBackoff(), 0)
    url, password = _read_password(address.url)
    scheme, hosts, service, login = _split(url)
    options = address.options() | login | password
    try:
        if scheme == _CLUSTER:
            host, port = hosts[0]
            # These are redirections to another node, not repeated commands.
            redirections = AsyncRetry(NoBackoff(), CLUSTER_REDIRECTIONS_MAX)
            return _Cluster(host=host, port=port, retry=redirections, **options)
        options |= {
            "retry": no_retry,
            "health_check_interval": HEALTH_CHECK_INTERVAL_S,
            "max_connections": CONNECTIONS_MAX,
        }
        if scheme == _SENTINEL:
            sentinel = redis.asyncio.sentinel.Sentinel(
                hosts,
                sentinel_kwargs=address.options() | {"retry": no_retry},
                **options,
            )
            client: AsyncRedis = sentinel.master_for(service, connection_pool_class=_SentinelPool)
            return client
        return redis.asyncio.Redis.from_url(url, **options)
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL: {error}") from None


def open_subscriber(address: RedisAddress) -> BlockingRedis:
    """Make a blocking client for one subscription, to be polled on a thread of its own.

    In a cluster every node relays every channel, so any node will do.
    Raises ConfigurationError if the URL is not one of ours.
    """
    no_retry = Retry(NoBackoff(), 0)
    options = address.options() | {
        "retry": no_retry,
        "health_check_interval": HEALTH_CHECK_INTERVAL_S,
    }
    url, password = _read_password(address.url)
    scheme, hosts, service, login = _split(url)
    options |= login | password
    try:
        if scheme == _CLUSTER:
            host, port = hosts[0]
            return redis.Redis(host=host, port=port, **options)
        if scheme == _SENTINEL:
            sentinel = redis.sentinel.Sentinel(
                hosts,
                sentinel_kwargs=address.options() | {"retry": no_retry},
                **options,
            )
            client: BlockingRedis = sentinel.master_for(service)
            return client
        return redis.Redis.from_url(url, **options)
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL: {error}") from None


async def wait_until_ready(client: AsyncRedis, address: RedisAddress, timeout_s: float) -> None:
    """Wait for Redis to answer, and check its version; one log line says that it is waited for.

    Raises RedisUnavailable when Redis did not answer within `timeout_s`, and ConfigurationError
    when it is older than the venue needs.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    told = False
    while True:
        try:
            await client.ping()
            await _check_version(client, address)
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


async def _check_version(client: AsyncRedis, address: RedisAddress) -> None:
    """Raise ConfigurationError if the server is older than the venue needs.

    `HELLO` is asked, because a server with restricted users refuses `INFO` more often.
    """
    reply = await client.execute_command("HELLO")
    version = version_from_hello(_texts(reply))
    if version is not None and not version.supported:
        raise ConfigurationError(
            f"the server at {address.shown} is {version}, but Tapewire needs {WANTED}; "
            "upgrade it (the data stays), or set REDIS_URL to a newer server"
        )


def _texts(reply: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    """Names and values of a reply, which is a mapping in RESP3 and a flat list in RESP2."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    for name, value in pairs:
        yield _text(name), _text(value) if isinstance(value, bytes) else value


def _text(value: Any) -> str:  # noqa: ANN401
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _read_password(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its `password_file`, and what stands in that file."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    name = query.pop(_PASSWORD_FILE, None)
    if name is None:
        return url, {}
    try:
        password = Path(name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(
            f"REDIS_URL: the password file {name} cannot be read: {reason}"
        ) from None
    return parts._replace(query=urlencode(query)).geturl(), {"password": password}


def _split(url: str) -> tuple[str, list[tuple[str, int]], str, dict[str, Any]]:
    """Scheme, hosts, Sentinel service and login of a URL; all but the first of two schemes only."""
    scheme, _, rest = url.partition("://")
    if scheme not in {_SENTINEL, _CLUSTER}:
        return scheme, [], "", {}
    netloc, _, path = rest.partition("/")
    login, _, addresses = netloc.rpartition("@")
    hosts = []
    for part in addresses.split(","):
        host, _, port = part.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigurationError(f"REDIS_URL: {part!r} is not host:port")
        hosts.append((host, int(port)))
    options: dict[str, Any] = {}
    if login:
        user, _, password = login.partition(":")
        options = {"username": unquote(user) or None, "password": unquote(password) or None}
    service, _, database = path.partition("/")
    if scheme == _SENTINEL:
        if not service:
            raise ConfigurationError(
                "REDIS_URL: redis+sentinel://host:port/SERVICE needs the service"
            )
        options["db"] = int(database) if database.isdecimal() else 0
    return scheme, hosts, service, options
