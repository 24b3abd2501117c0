"""The Redis that a command works on, and the check that it holds a venue."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from tapewire import keys
from tapewire.api_keys.signing import MASTER_VARIABLE
from tapewire.commands.options import say_venue, venue_option
from tapewire.errors import ConfigurationError, RedisUnavailable, TapewireError
from tapewire.redis.address import RedisAddress
from tapewire.redis.client import check_version, open_async
from tapewire.runtime.venue_address import VENUE_VARIABLE, find_venue

REDIS_VARIABLE = "REDIS_URL"
CHECK_TIMEOUT_S = 5.0

_Command = TypeVar("_Command", bound=Callable[..., Any])

redis_url_option = click.option(
    "--redis-url",
    metavar="URL",
    help=f"The venue's Redis ({REDIS_VARIABLE}), in place of --venue.",
)


@dataclass(frozen=True, slots=True)
class RedisChoice:
    """The Redis that `--venue` and `--redis-url` name."""

    wanted_venue: str | None
    redis_url: str | None

    def reach(self, *, failed_status: int = 1) -> str:
        """The URL of the Redis, once it is known to hold a venue; the venue is named on stderr.

        Raises UsageError if both options are given. A venue that cannot be reached ends the command
        with one sentence and `failed_status`.
        """
        if self.wanted_venue and self.redis_url:
            raise click.UsageError("--venue and --redis-url both name a Redis; give one of them")
        try:
            address = RedisAddress(
                self._url(),
                connect_timeout_s=CHECK_TIMEOUT_S,
                timeout_s=CHECK_TIMEOUT_S,
                client_name="tapewire",
            )
            asyncio.run(require_venue(address))
        except TapewireError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(failed_status)
        return address.url

    def signing_master(self) -> Path | None:
        """The file of the venue's master secret, if the environment or the venue names one."""
        named = os.environ.get(MASTER_VARIABLE)
        if named or self.redis_url:
            return Path(named) if named else None
        try:
            return find_venue(self.wanted_venue).signing_master
        except TapewireError:
            return None

    def _url(self) -> str:
        """Options count more than variables, and variables more than `.tapewire`."""
        variable = None if os.environ.get(VENUE_VARIABLE) else os.environ.get(REDIS_VARIABLE)
        url = self.redis_url or (None if self.wanted_venue else variable)
        if url:
            say_venue(None, url)
            return url
        venue = find_venue(self.wanted_venue)
        if venue.redis_url is None:
            raise ConfigurationError(
                f"{venue.name} is a gateway, and this command works on the venue's Redis: name the "
                "venue's data directory, or its Redis"
            )
        say_venue(venue.name, venue.redis_url)
        return venue.redis_url


def redis_options(command: _Command) -> Any:  # noqa: ANN401 (as click's decorators)
    """Give a command `--venue` and `--redis-url`; it is called with `redis: RedisChoice`."""

    @wraps(command)
    def chosen(
        *args: Any,  # noqa: ANN401
        wanted_venue: str | None,
        redis_url: str | None,
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        return command(*args, redis=RedisChoice(wanted_venue, redis_url), **options)

    return venue_option(redis_url_option(chosen))


async def require_venue(address: RedisAddress) -> None:
    """Refuse a Redis that holds no venue; nothing is written to it.

    Raises ConfigurationError, or RedisUnavailable if Redis does not answer.
    """
    client = open_async(address)
    try:
        holds_venue = await client.exists(keys.EPOCH)
        await check_version(client, address)
    except (AuthenticationError, NoPermissionError) as error:
        raise ConfigurationError(
            f"the Redis at {address.shown} refuses the login ({error}); name the data directory of "
            "the venue with --venue, or write user and password into the URL"
        ) from None
    except (RedisError, OSError) as error:
        raise RedisUnavailable(
            f"Redis at {address.shown} does not answer ({error}); start a venue with "
            "`tapewire up`, or name one with --venue"
        ) from None
    finally:
        await client.aclose()
    if not holds_venue:
        raise ConfigurationError(
            f"the Redis at {address.shown} holds no venue, so nothing was done; start one with "
            "`tapewire up`, or name another venue with --venue"
        )
