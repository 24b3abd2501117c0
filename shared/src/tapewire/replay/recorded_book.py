"""The book of the recorded venue, and the next trades of a price-time book. Pure.

The recorded venue may leave price-time priority, because of a hidden order or a priority that the
file does not show. A replayed book would differ from then on. A reader of a recording that names
its makers finds such exceptions with this book.
"""

from collections import defaultdict

from tapewire.values.types import Side

Level = tuple[Side, int]
Execution = tuple[str, Level, int]


class RecordedBook:
    """Resting orders: label -> quantity per level, the oldest first. Numbers are integers."""

    def __init__(self) -> None:
        self._levels: dict[Level, dict[str, int]] = defaultdict(dict)

    def add(self, level: Level, label: str, quantity: int) -> None:
        """Put an order at the back of its level."""
        self._levels[level][label] = quantity

    def remove(self, level: Level, label: str) -> None:
        """Remove an order; an unknown order is ignored."""
        self.take(level, label, self._levels[level].get(label, 0))

    def take(self, level: Level, label: str, quantity: int) -> None:
        """Take a quantity off an order, at most all of it; an unknown order is ignored."""
        orders = self._levels[level]
        if label in orders:
            orders[label] -= quantity
            if orders[label] <= 0:
                del orders[label]
        if not orders:
            del self._levels[level]

    def clear(self) -> None:
        """Take every order out."""
        self._levels.clear()

    def holds(self, level: Level, label: str) -> bool:
        """Whether the order rests there."""
        return label in self._levels.get(level, {})

    def is_crossed(self) -> bool:
        """Whether the best bid is not below the best ask."""
        bids = [price for side, price in self._levels if side is Side.BUY]
        asks = [price for side, price in self._levels if side is Side.SELL]
        return bool(bids and asks) and max(bids) >= min(asks)

    def orders(self, level: Level) -> dict[str, int]:
        """A copy of one level."""
        return dict(self._levels.get(level, {}))

    def foresee(self, side: Side, quantity: int, worst_price: int) -> list[Execution]:
        """The trades of an order that takes from `side`, under price-time priority."""
        sign = 1 if side is Side.SELL else -1
        prices = sorted(
            price * sign
            for level_side, price in self._levels
            if level_side is side and price * sign <= worst_price * sign
        )
        executions: list[Execution] = []
        for price in prices:
            level = side, price * sign
            for label, resting in self._levels[level].items():
                if quantity == 0:
                    return executions
                executions.append((label, level, min(resting, quantity)))
                quantity -= min(resting, quantity)
        return executions
