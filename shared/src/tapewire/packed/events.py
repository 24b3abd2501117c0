"""The packed records of account events and of journal results, as `layout.py` lists the others."""

from typing import Any, NamedTuple

from tapewire.packed.packing import UNIT, Digits, Layout, Number, Rest, Text


class EventHeader(NamedTuple):
    """The first part of an account event: the account, and where it stands after the command."""

    account: Text
    epoch: Text
    seq: Digits
    balance_seq: Digits
    time_us: Digits


class BalanceFields(NamedTuple):
    """One balance in an account event; below 0 only where funds are not checked."""

    asset: Text
    available: Text
    held: Text


class ChangeFields(NamedTuple):
    """One change of an order in an account event; `fills` are executions in a list."""

    kind: Text
    order_id: Text
    terms: Text
    state: Text
    fills: Text


class Position(NamedTuple):
    """A text of a journal result: where a market stands after the command."""

    symbol: Text
    seq: Number
    book_seq: Number


class Outcome(NamedTuple):
    """A text of a journal result: an order, and its packed state after the command."""

    order_id: Text
    state: Rest


class Introduction(NamedTuple):
    """The result of `instruments`: the epoch, and the changed symbols with commas between."""

    epoch: Text
    symbols: Text


class AccountOutcome(NamedTuple):
    """The result of `set_account`: the packed profile, then the packed bounds of a symbol."""

    profile: Text
    bounds: Rest


class TransferOutcome(NamedTuple):
    """The result of `transfer`."""

    account: Text
    asset: Text
    units: Text


EVENT_HEADER = Layout(EventHeader)
BALANCE = Layout(BalanceFields, ",")
CHANGE = Layout(ChangeFields, UNIT)

EVENT_LAYOUTS: tuple[Layout[Any], ...] = (
    EVENT_HEADER, BALANCE, CHANGE, Layout(Position), Layout(Outcome), Layout(Introduction),
    Layout(AccountOutcome), Layout(TransferOutcome),
)  # fmt: skip
