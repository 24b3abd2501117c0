"""The words of `tapewire account`: names, numbers, and what is wrong with them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tapewire.account_names import account_named
from tapewire.keys import FEE_ACCOUNT
from tapewire.limits import FEE_PPM_MAX, OPEN_ORDERS_BOUND_MAX
from tapewire.matching.bounds import AS_INSTRUMENT, Setting
from tapewire.types import Account

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
AS_INSTRUMENT_WORD = "default"

_Result = TypeVar("_Result")


def _checked(check: Callable[[str], _Result]) -> Callable[[Any, Any, str | None], _Result | None]:
    """A click callback from a function that raises ValueError."""

    def callback(
        _context: click.Context, parameter: click.Parameter, value: str | None
    ) -> _Result | None:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise click.BadParameter(str(error), param=parameter) from None

    return callback


def _any_account(text: str) -> Account:
    """The account of a client, or the one of fees."""
    return Account(text) if text == FEE_ACCOUNT else account_named(text)


def _bound(most: int) -> Callable[[str], Setting]:
    """Reads a whole number, or `default` for what the instrument says."""

    def read(text: str) -> Setting:
        if text == AS_INSTRUMENT_WORD:
            return AS_INSTRUMENT
        if not (text.isascii() and text.isdigit() and int(text) <= most):
            raise ValueError(
                f'{text!r} is neither a whole number from 0 to {most} nor "{AS_INSTRUMENT_WORD}"'
            )
        return int(text)

    return read


client = click.argument("name", callback=_checked(account_named))
any_name = click.argument("name", callback=_checked(_any_account))
read_fee = _checked(_bound(FEE_PPM_MAX))
redis_url_option = click.option(
    "--redis-url",
    envvar="REDIS_URL",
    default=DEFAULT_REDIS_URL,
    show_default=True,
    help="The venue's Redis; REDIS_URL does the same.",
)
reference_option = click.option(
    "--reference",
    default="",
    metavar="NAME",
    help="With the same name again within a day it is done once.",
)
read_open_orders = _checked(_bound(OPEN_ORDERS_BOUND_MAX))
