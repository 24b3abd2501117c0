"""Shared options of commands: the venue to work on, and words.

Commands of a gateway use this module without redis-py, which takes half of the time of their start.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from tapewire.errors import TapewireError
from tapewire.redis.address import RedisAddress
from tapewire.runtime.venue_address import VENUE_VARIABLE, VenueAddress, find_venue

_Result = TypeVar("_Result")

venue_option = click.option(
    "--venue",
    "wanted_venue",
    metavar="DIR|URL",
    help=f"The venue: its data directory or a URL ({VENUE_VARIABLE}). Without it: the venue in "
    ".tapewire of this directory, else the default ports.",
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
    help="Start, included; ISO 8601 with an offset.",
)  # fmt: skip
to_option = click.option(
    "--to", "end", metavar="TIME", callback=checked(time_with_offset), help="End, not included."
)
