"""The money of an account in its messages: fills and balances, without the other changes of orders.

A fold of a long log reads many messages at once: only the newest balance of an asset counts, and an
order without fills moves no money. Pure.
"""

from typing import NamedTuple

from tapewire.packed.events import BALANCE, CHANGE
from tapewire.packed.layout import STATE, TERMS
from tapewire.packed.packing import split_items, split_parts
from tapewire.values.types import Side, Symbol
from tapewire.wire.account_event import (
    ENDS,
    KINDS,
    AccountHeader,
    Balance,
    Execution,
    read_balance,
    read_executions,
    read_header,
    reads_messages,
)


class OrderFills(NamedTuple):
    """The fills of one order in a message."""

    symbol: Symbol
    side: Side
    executions: tuple[Execution, ...]


class Settlement(NamedTuple):
    """What messages in a row say of the money of an account.

    `header` is that of the last message, `balances` has the newest balance of each asset. `before`
    (as in `AccountEvent`) and `since_us` are those of the first message.
    """

    header: AccountHeader
    before: tuple[int, int]
    since_us: int
    balances: tuple[Balance, ...]
    fills: tuple[OrderFills, ...]


@reads_messages
def decode_settlement(*payloads: bytes) -> Settlement:
    """Read fills and balances of messages in a row; orders without fills stay unread.

    Raises MessageError.
    """
    newest: dict[str, str] = {}
    fills: list[OrderFills] = []
    messages = [split_parts(payload.decode()) for payload in payloads]
    head, texts, *changes = messages[0]
    first = read_header(head)
    before = first.seq - _count_reports(changes), first.balance_seq - bool(texts)
    for _, texts, *changes in messages:
        newest |= {BALANCE.first(item): item for item in split_items(texts)}
        fills += [_read_fills(change) for change in changes if CHANGE.has_last(change)]
    settled = tuple(map(read_balance, newest.values()))
    last = read_header(messages[-1][0])
    return Settlement(last, before, first.time_us, settled, tuple(fills))


def _count_reports(changes: list[str]) -> int:
    """The execution reports of the changes of a message."""
    count = 0
    for change in map(CHANGE.read, changes):
        has_ended = STATE.first(change.state) in ENDS
        count += (KINDS[change.kind] is not None) + len(split_items(change.fills)) + has_ended
    return count


def _read_fills(text: str) -> OrderFills:
    change = CHANGE.read(text)
    terms = TERMS.read(change.terms)
    return OrderFills(Symbol(terms.symbol), Side(terms.side), read_executions(change.fills))
