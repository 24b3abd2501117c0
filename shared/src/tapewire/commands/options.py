"""What the commands of `tapewire` that go to Redis directly have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"

_Result = TypeVar("_Result")

redis_url_option = click.option(
    "--redis-url",
    envvar="REDIS_URL",
    default=DEFAULT_REDIS_URL,
    show_default=True,
    help="The venue's Redis; REDIS_URL does the same.",
)


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
