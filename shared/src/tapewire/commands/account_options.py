"""The arguments of `tapewire account`: names, numbers, and their errors."""

from collections.abc import Callable

import click

from tapewire.commands.options import checked
from tapewire.keys import FEE_ACCOUNT
from tapewire.limits import FEE_PPM_MAX, OPEN_ORDERS_BOUND_MAX
from tapewire.values.account_names import account_named
from tapewire.values.bounds import AS_INSTRUMENT, Setting
from tapewire.values.types import Account

AS_INSTRUMENT_WORD = "default"


def _any_account(text: str) -> Account:
    """The account of a client, or the one of fees."""
    return Account(text) if text == FEE_ACCOUNT else account_named(text)


def _bound(most: int) -> Callable[[str], Setting]:
    """Reads a whole number, or `default`: the value of the instrument."""

    def read(text: str) -> Setting:
        if text == AS_INSTRUMENT_WORD:
            return AS_INSTRUMENT
        if not (text.isascii() and text.isdigit() and int(text) <= most):
            raise ValueError(
                f'{text!r} is neither a whole number from 0 to {most} nor "{AS_INSTRUMENT_WORD}"'
            )
        return int(text)

    return read


client = click.argument("name", callback=checked(account_named))
any_name = click.argument("name", callback=checked(_any_account))
read_fee = checked(_bound(FEE_PPM_MAX))
reference_option = click.option(
    "--reference",
    default="",
    metavar="NAME",
    help="A name of the transfer: repeated within a day, the transfer is done once.",
)
read_open_orders = checked(_bound(OPEN_ORDERS_BOUND_MAX))
