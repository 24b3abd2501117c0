"""What a client of the venue may have to tell its user.

TapewireError
├── ContinuityError     the stream is not what it should be; iterating further goes on after it
│   ├── GapError        `first` to `last` of a symbol's trades, or of the orders, are lost for good
│   ├── EpochError      the venue's data began anew, or lost its newest part
│   └── BookError       a copy of a book stays wrong however often it is asked for
├── FeedRefused         the service says that it is no use to try again
├── FeedUnavailable     no connection within the time that was given
└── OrderRefused        a request of ours was refused; `code` says why
"""

from tapewire.errors import TapewireError


class ContinuityError(TapewireError):
    """Something is missing; the stream that raised it may be iterated further."""


class GapError(ContinuityError):
    """Trades `first` to `last` (both included) of `symbol` cannot be had any more.

    For execution reports `symbol` is `orders`.
    """

    def __init__(self, symbol: str, first: int, last: int) -> None:
        super().__init__(f"{symbol}: {first} to {last} are missing")
        self.symbol, self.first, self.last = symbol, first, last

    @property
    def range(self) -> tuple[str, int, int]:
        """`symbol`, `first`, `last`."""
        return self.symbol, self.first, self.last


class EpochError(ContinuityError):
    """What was received before says nothing about what comes now.

    `reason` is `new` (another data set: every seq starts at 1 again) or `rewound` (the newest
    trades are gone and their seqs will be used again).
    """

    def __init__(self, old: str, new: str, reason: str) -> None:
        what = "began anew" if old != new else "lost its newest part"
        super().__init__(
            f"the venue's data {what}: epoch {old or 'unknown'}, now {new or 'unknown'}"
        )
        self.old, self.new, self.reason = old, new, reason


class BookError(ContinuityError):
    """The copy of a book does not match what the service says it must be, time after time."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the book of {symbol} is wrong, also after it was asked for again")
        self.symbol = symbol


class FeedRefused(TapewireError):
    """The service refused for good: `code` is that of its error message or close frame."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"the feed refused ({code}): {message}")
        self.code = code


class FeedUnavailable(TapewireError):
    """There was no connection within the time given."""


class OrderRefused(TapewireError):
    """The gateway refused a request; nothing was done."""

    def __init__(
        self, status: int, code: str, detail: str, field: str | None = None, attempts: int = 1
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status, self.code, self.field = status, code, field
        self.attempts = attempts
