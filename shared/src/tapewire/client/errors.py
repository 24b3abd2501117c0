"""The exceptions of the client library. Each has a stable `code` and a sentence, `detail`.

TapewireError
├── RequestRefused       a service refused the request, and nothing was done; `code` says why
├── Unavailable          no service could answer; `code` is that of the last answer, if any
│   ├── Unreachable      no connection was made, so nothing was done
│   └── OutcomeUnknown   the request was sent and its answer was lost: it may have been done
├── ContinuityError      a stream is not complete; the stream may be iterated further
│   ├── GapError         `first` to `last` of a symbol's trades, or of the orders, are lost for good
│   ├── EpochError       the venue's data began anew, or lost its newest part
│   └── BookError        a copy of a book does not match the service's checksum after several tries
├── FeedRefused          the feed refused for good: another attempt is useless
├── FeedUnavailable      no connection to the feed within the time that was given
├── MessageError         an answer that is not one of Tapewire's
└── ConfigurationError   an address or a certificate file of no use
"""

from tapewire.errors import TapewireError, Unavailable


class RequestRefused(TapewireError):
    """A service refused a request, and nothing was done. `field` names the member at fault."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        field: str | None = None,
        *,
        retry_after_s: int | None = None,
        attempts: int = 1,
    ) -> None:
        """`attempts` counts how often the request was sent; `retry_after_s` comes with 429."""
        super().__init__(f"{code}: {detail}")
        self.status, self.code, self.field = status, code, field
        self.retry_after_s, self.attempts = retry_after_s, attempts
        self._detail = detail

    @property
    def detail(self) -> str:
        """The sentence of the service."""
        return self._detail


class Unreachable(Unavailable):
    """No connection was made in any attempt, so nothing was done."""

    code = "unreachable"


class ContinuityError(TapewireError):
    """Something is missing; the stream that raised it may be iterated further."""

    code = "continuity"


class GapError(ContinuityError):
    """Trades `first` to `last` (both included) of `symbol` are lost for good.

    For execution reports `symbol` is `orders`.
    """

    code = "gap"

    def __init__(self, symbol: str, first: int, last: int) -> None:
        super().__init__(f"{symbol}: {first} to {last} are missing")
        self.symbol, self.first, self.last = symbol, first, last

    @property
    def range(self) -> tuple[str, int, int]:
        """`symbol`, `first`, `last`."""
        return self.symbol, self.first, self.last


class EpochError(ContinuityError):
    """Items received before this error do not continue in the items after it.

    `reason` is `new` (another data set: every seq starts at 1 again) or `rewound` (the newest
    items are gone and their seqs will be used again).
    """

    code = "epoch"

    def __init__(self, old: str, new: str, reason: str) -> None:
        what = "began anew" if old != new else "lost its newest part"
        super().__init__(
            f"the venue's data {what}: epoch {old or 'unknown'}, now {new or 'unknown'}"
        )
        self.old, self.new, self.reason = old, new, reason


class BookError(ContinuityError):
    """The copy of a book does not match the checksums of the service, time after time."""

    code = "book"

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the book of {symbol} is wrong, also after it was asked for again")
        self.symbol = symbol


class FeedRefused(TapewireError):
    """The feed refused for good: `code` is the code of its error message or close frame."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"the feed refused ({code}): {message}")
        self.code = code
        self._message = message

    @property
    def detail(self) -> str:
        """The sentence of the feed."""
        return self._message


class FeedUnavailable(TapewireError):
    """There was no connection to the feed within the time given."""

    code = "feed_unavailable"
