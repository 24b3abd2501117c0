"""Account names: the rule for them, the header that names one, the default. Pure."""

import re
from collections.abc import Iterable

from tapewire.errors import InvalidField
from tapewire.limits import ACCOUNT_CHARACTERS_MAX
from tapewire.values.types import Account

ACCOUNT_PATTERN = rf"[A-Za-z0-9._:\-]{{1,{ACCOUNT_CHARACTERS_MAX}}}"
ACCOUNT_RULE = (
    f"must be one name of 1 to {ACCOUNT_CHARACTERS_MAX} letters, digits, dots, underscores, "
    "colons or hyphens"
)

DEFAULT_ACCOUNT = Account("demo")
"""The account of every client of an open venue that names none."""

ACCOUNT_HEADER = "X-Account"

_ASGI_HEADER = ACCOUNT_HEADER.lower().encode()
_ACCOUNT = re.compile(ACCOUNT_PATTERN, re.ASCII)


def account_named(text: str) -> Account:
    """The account that a client names. Raises ValueError for an invalid name."""
    if not _ACCOUNT.fullmatch(text):
        raise ValueError(f"an account {ACCOUNT_RULE}")
    return Account(text)


def account_in_headers(headers: Iterable[tuple[bytes, bytes]]) -> Account | None:
    """The account that the header `X-Account` names; None without the header.

    `headers` as ASGI has them, names in lower case. Raises InvalidField `invalid_account`, also for
    a second header, because proxies disagree on which of two equal headers counts.
    """
    values = [value for name, value in headers if name == _ASGI_HEADER]
    if not values:
        return None
    try:
        (name,) = values
        return account_named(name.decode("latin-1"))
    except ValueError:
        raise InvalidField(
            ACCOUNT_HEADER, "invalid_account", f"{ACCOUNT_HEADER} {ACCOUNT_RULE}."
        ) from None
