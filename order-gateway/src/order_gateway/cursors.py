"""Cursors of lists: where the next page begins, as the page before named it.

Every list reads its cursor here, so that a text which no page has given out is refused by its name
and never reaches a query. Clients keep cursors and do not read them.
"""

import re

from tapewire.api_keys.text import is_key_id
from tapewire.errors import InvalidField
from tapewire.keys import FEE_ACCOUNT
from tapewire.values.account_names import account_named

_ORDER_CURSOR = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
# The id of an event: number of its last report, number of its change of balances.
_LOG_CURSOR = re.compile(r"([0-9]{1,16}-[0-9]{1,16})(?:\.([1-9][0-9]{0,8}))?", re.ASCII)


def read_order_cursor(text: str | None) -> str | None:
    """The number of the order before the page; None begins the list. Raises InvalidField."""
    if text is not None and _ORDER_CURSOR.fullmatch(text) is None:
        raise _wrong_cursor()
    return text


def read_log_cursor(text: str | None) -> tuple[str | None, int]:
    """The event before the page, and the number of its items that earlier pages have shown.

    Raises InvalidField.
    """
    if text is None:
        return None, 0
    match = _LOG_CURSOR.fullmatch(text)
    if match is None:
        raise _wrong_cursor()
    return match[1], int(match[2] or 0)


def read_account_cursor(text: str | None) -> str:
    """The account before the page; empty begins the list. Raises InvalidField."""
    if text is None or text == FEE_ACCOUNT:
        return text or ""
    try:
        return account_named(text)
    except ValueError:
        raise _wrong_cursor() from None


def read_key_cursor(text: str | None) -> str:
    """The id of the key before the page; empty begins the list. Raises InvalidField."""
    if text is not None and not is_key_id(text):
        raise _wrong_cursor()
    return text or ""


def _wrong_cursor() -> InvalidField:
    return InvalidField(
        "cursor", "invalid_value", "cursor must be the next_cursor of the page before."
    )
