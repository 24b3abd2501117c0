"""Scores of a replay: how far its fills are those of the recorded venue, order by order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from tapewire.replay.steps import RecordedTrade, Step

# What one incoming order traded: the maker's label, price and quantity of each fill, in order.
Fills = list[tuple[str, Decimal, Decimal]]


def recorded_fills(steps: Iterable[Step]) -> dict[str, Fills]:
    """What each incoming order traded at the recorded venue, by its label."""
    fills: dict[str, Fills] = defaultdict(list)
    for step in steps:
        if isinstance(step, RecordedTrade) and step.maker is not None and step.taker is not None:
            fills[step.taker].append((step.maker, step.price, step.quantity))
    return dict(fills)


def exactly_filled(recorded: Mapping[str, Fills], venue: Mapping[str, Fills]) -> int:
    """How many incoming orders traded with the same makers, prices and quantities, in order."""
    return sum(venue.get(taker, []) == fills for taker, fills in recorded.items())
