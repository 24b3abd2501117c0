"""Shared options of commands: the venue to work on, the check that a Redis holds one, words."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from tapewire import keys
from tapewire.api_keys.signing import MASTER_VARIABLE
from tapewire.errors import ConfigurationError, RedisUnavailable, TapewireError
from tapewire.redis.client import RedisAddress, check_version, open_async
from tapewire.runtime.venue_address import VENUE_VARIABLE, VenueAddress, find_venue

REDIS_VARIABLE = "REDIS_URL"
CHECK_TIMEOUT_S = 5.0

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Result = TypeVar("_Result")

venue_option = click.option(
    "--venue",
    "wanted_venue",
    metavar="DIR|URL",
    help=f"The venue: its data directory or a URL ({VENUE_VARIABLE}). Without it: the venue in "
    ".tapewire of this directory, else the default ports.",
)
redis_url_option = click.option(
    "--redis-url",
    metavar="URL",
    help=f"The venue's Redis ({REDIS_VARIABLE}), in place of --venue.",
)


class VariableOption(click.Option):
    """An option that may come from a variable: errors name the variable if the value is from it."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """The text that the user wrote, for the sentence about a bad value."""
        if ctx is not None:
            return written_as(ctx, self)
        return super().get_error_hint(ctx)


def written_as(context: click.Context, option: click.Parameter) -> str:
    """The variable or the flag by which the value of an option was given."""
    name, variable = str(option.name), option.envvar
    if context.get_parameter_source(name) is ParameterSource.ENVIRONMENT and variable:
        return variable if isinstance(variable, str) else variable[0]
    return option.opts[0]


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


def locate(wanted_venue: str | None) -> VenueAddress:
    """The venue that a command speaks to; ends the command with one sentence if it is not found."""
    try:
        return find_venue(wanted_venue)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None


def say_venue(name: str | None, url: str) -> None:
    """Name the venue that a command works on, on standard error; `url` is shown without login."""
    shown = RedisAddress(url, 0, 0, "").shown
    click.echo(f"venue: {shown}" if name in {None, url} else f"venue: {name}, {shown}", err=True)


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
        raise RedisUnavailable(f"Redis at {address.shown} does not answer ({error})") from None
    finally:
        await client.aclose()
    if not holds_venue:
        raise ConfigurationError(
            f"the Redis at {address.shown} holds no venue, so nothing was done; start one with "
            "`tapewire up`, or name another venue with --venue"
        )


def time_with_offset(text: str) -> str:
    """The text of a time, which the services read. Raises ValueError for a time of no zone."""
    try:
        offset = datetime.fromisoformat(text).tzinfo
    except ValueError:
        offset = None
    if offset is None:
        raise ValueError(f"{text!r} is no time with an offset, such as 2026-01-31T12:00:00Z")
    return text


def checked(check: Callable[[str], _Result]) -> Callable[[Any, Any, str | None], _Result | None]:
    """A click callback from a function that raises ValueError; None stays None."""

    def callback(
        _context: click.Context, parameter: click.Parameter, value: str | None
    ) -> _Result | None:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise click.BadParameter(str(error), param=parameter) from None

    return callback


from_option = click.option(
    "--from", "start", metavar="TIME", callback=checked(time_with_offset),
    help="Included; ISO 8601 with an offset.",
)  # fmt: skip
to_option = click.option(
    "--to", "end", metavar="TIME", callback=checked(time_with_offset), help="Not included."
)
