"""The packed records of journal results; `layout.py` lists them with all others."""

from typing import NamedTuple

from tapewire.packed.packing import Number, Rest, Text


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
