"""Why a request of a Binance client is refused: a number and a text, as Binance has them."""


class StreamError(Exception):
    """A refused request; `code` is Binance's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def may_be_new(self) -> bool:
        """Whether the request may succeed once this process knows all symbols of the venue."""
        return self.code == _UNKNOWN_SYMBOL

    @classmethod
    def unknown_symbol(cls) -> "StreamError":
        """A stream of a symbol that the venue does not have."""
        return cls(_UNKNOWN_SYMBOL, "Invalid symbol.")

    @classmethod
    def invalid_interval(cls) -> "StreamError":
        """Candles of an interval that the venue does not have."""
        return cls(_INVALID_INTERVAL, "Invalid interval.")

    @classmethod
    def invalid_request(cls, reason: str) -> "StreamError":
        """A request that is not one."""
        return cls(_INVALID_REQUEST, f"Invalid request: {reason}")


_UNKNOWN_SYMBOL = -1121
_INVALID_INTERVAL = -1120
_INVALID_REQUEST = 2
