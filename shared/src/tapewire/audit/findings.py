"""The result of an audit: the items that each check has read, and its differences."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

DIFFERENCES_SHOWN_MAX = 20
DIFFERENCE_CHARACTERS_MAX = 300


class Check(StrEnum):
    """The checks, in the order in which they are run and reported."""

    SUPPLY = "supply"
    NEGATIVE = "negative"
    HOLDS = "holds"
    ORDERS = "orders"
    MARKETS = "markets"
    BOOKS = "books"
    LOGS = "logs"


@dataclass(slots=True)
class Findings:
    """Counts by check and noun, and differences by check; the first differences as sentences."""

    seen: dict[Check, Counter[str]] = field(
        default_factory=lambda: {check: Counter() for check in Check}
    )
    # A limit of a check, such as records that it could not judge; not a difference.
    remarks: dict[Check, str] = field(default_factory=dict)
    differences: Counter[Check] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether no check found a difference."""
        return not self.differences.total()

    def count(self, check: Check, noun: str, number: int = 1) -> None:
        """Count items that a check has read."""
        self.seen[check][noun] += number

    def differ(self, check: Check, sentences: Iterable[str]) -> None:
        """Keep the first differences as sentences, and count all differences."""
        for sentence in sentences:
            self.differences[check] += 1
            if len(self.sentences) < DIFFERENCES_SHOWN_MAX:
                # A record that was tampered with may have any text: print one printable line.
                text = "".join(
                    sign if sign.isascii() and sign.isprintable() else ascii(sign)[1:-1]
                    for sign in sentence
                )
                self.sentences.append(f"{check}: {text[:DIFFERENCE_CHARACTERS_MAX]}")
