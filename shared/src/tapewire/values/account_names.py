"""The rule for account names, shared by headers, keys and commands."""

import re

from tapewire.limits import ACCOUNT_CHARACTERS_MAX
from tapewire.values.types import Account

ACCOUNT_PATTERN = rf"[A-Za-z0-9._:\-]{{1,{ACCOUNT_CHARACTERS_MAX}}}"
ACCOUNT_RULE = (
    f"must be one name of 1 to {ACCOUNT_CHARACTERS_MAX} letters, digits, dots, underscores, "
    "colons or hyphens"
)

_ACCOUNT = re.compile(ACCOUNT_PATTERN, re.ASCII)


def account_named(text: str) -> Account:
    """The account that a client names. Raises ValueError for an invalid name."""
    if not _ACCOUNT.fullmatch(text):
        raise ValueError(f"an account {ACCOUNT_RULE}")
    return Account(text)
