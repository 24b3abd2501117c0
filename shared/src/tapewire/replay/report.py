"""The counts of a replay, and the comparison of its trades with those of the recording."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VenueTrade:
    """A trade of the venue, from the answer to the incoming order, whose label is `taker`."""

    trade_id: str
    seq: int
    price: Decimal
    quantity: Decimal
    taker: str


@dataclass(slots=True)
class Report:
    """Counts of one replay. `labels` maps the venue's order ids to those of the recording."""

    orders: int = 0
    cancels: int = 0
    amends: int = 0
    closed_before: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    trades: list[VenueTrade] = field(default_factory=list)
    recorded: Counter[tuple[Decimal, Decimal]] = field(default_factory=Counter)
    remainders_equal: int = 0
    remainders: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    elapsed_s: float = 0.0
    # Why the comparison with the recording means nothing; empty if it means something.
    caveats: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """Requests that were answered."""
        changed = self.amends + self.cancels + self.closed_before
        return self.orders + changed + self.refusals.total()

    @property
    def trades_equal(self) -> int:
        """Trades that equal a recorded one in price and quantity; a recorded trade counts once."""
        venue = Counter((trade.price, trade.quantity) for trade in self.trades)
        return (venue & self.recorded).total()

    def lines(self) -> list[str]:
        """The lines of the report."""
        rate = self.requests / self.elapsed_s if self.elapsed_s else 0.0
        lines = [
            f"orders    {self.orders:>9,}",
            f"trades    {len(self.trades):>9,}",
            f"cancels   {self.cancels:>9,}  and {self.closed_before:,} of orders that had ended",
            f"amends    {self.amends:>9,}",
            f"refusals  {self.refusals.total():>9,}"
            + "".join(f"  {code}: {count:,}" for code, count in self.refusals.most_common()),
            f"rate      {rate:>9,.0f}  requests/s, {self.elapsed_s:.1f} s",
        ]
        if self.recorded:
            lines.append(
                f"as recorded: {self.trades_equal:,} of {len(self.trades):,} trades equal one of "
                f"the {self.recorded.total():,} recorded in price and quantity"
            )
        if self.remainders:
            lines.append(
                f"as recorded: {self.remainders_equal:,} of {self.remainders:,} cancels found "
                "what was left in the recording"
            )
        if self.recorded or self.remainders:
            lines += [f"this comparison means nothing: {caveat}" for caveat in self.caveats]
        return lines
