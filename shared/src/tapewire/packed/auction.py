"""The packed records of an auction; `layout.py` lists them with all others.

Units: ticks, lots, microseconds since 1970. What does not apply is the empty text.
"""

from typing import NamedTuple

from tapewire.packed.packing import Number, OptionalNumber, Text


class Uncross(NamedTuple):
    """`market:<symbol>`, field `uncross`: an uncross that the next command continues.

    `ticks` is empty while the price is searched and 0 if no orders cross. The rest is how far the
    search has come: the volume and the worst prices that met, and of each side the place of the
    next order to read and the level that is read (`core/auction.lua`).
    """

    time_us: Number
    ticks: OptionalNumber
    traded: Number
    volume: Number
    low: OptionalNumber
    high: OptionalNumber
    bid_rank: Number
    bid_ticks: OptionalNumber
    bid_lots: Number
    bid_next: OptionalNumber
    ask_rank: Number
    ask_ticks: OptionalNumber
    ask_lots: Number
    ask_next: OptionalNumber


class Indicative(NamedTuple):
    """`market:<symbol>`, field `indicative`: the result of an uncross at `time_us`.

    `ticks` is 0 if no orders cross and empty if more cross than one command reads; `reads` are the
    orders that the search read.
    """

    time_us: Number
    ticks: OptionalNumber
    lots: Number
    surplus: Number
    surplus_side: Text
    reads: Number
