"""What an audit found: counts of what was looked at, and every difference by its check."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

DIFFERENCES_SHOWN_MAX = 20
DIFFERENCE_CHARACTERS_MAX = 300


class Check(StrEnum):
    """The checks, in the order in which they are made and told."""

    SUPPLY = "supply"
    NEGATIVE = "negative"
    HOLDS = "holds"
    ORDERS = "orders"
    BOOKS = "books"
    LOGS = "logs"


@dataclass(slots=True)
class Findings:
    """Counts by check and noun, differences by check; the first ones as sentences."""

    seen: dict[Check, Counter[str]] = field(
        default_factory=lambda: {check: Counter() for check in Check}
    )
    # What a check could not tell or did not look at; no difference.
    remarks: dict[Check, str] = field(default_factory=dict)
    differences: Counter[Check] = field(default_factory=Counter)
    sentences: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether everything adds up."""
        return not self.differences.total()

    def count(self, check: Check, noun: str, number: int = 1) -> None:
        """Remember that a check looked at this much."""
        self.seen[check][noun] += number

    def differ(self, check: Check, sentences: Iterable[str]) -> None:
        """Remember differences; those beyond the first few are only counted."""
        for sentence in sentences:
            self.differences[check] += 1
            if len(self.sentences) < DIFFERENCES_SHOWN_MAX:
                # Whoever tampers may write anything: one line each, nothing unprintable.
                text = "".join(
                    sign if sign.isascii() and sign.isprintable() else ascii(sign)[1:-1]
                    for sign in sentence
                )
                self.sentences.append(f"{check}: {text[:DIFFERENCE_CHARACTERS_MAX]}")
