"""The interface of objects that follow the messages of the venue beside the clients of the feed."""

from market_data.market.book import Level2Book
from tapewire.wire.book_event import BookUpdate
from tapewire.wire.trade_event import TradeEvent


class Listener:
    """Hears of every step of the feed, in order; this class does nothing with it.

    Every method runs between two messages of the feed, so it must not wait.
    """

    def take_trade(self, event: TradeEvent, *, goes_on: bool) -> None:
        """The next trade of its symbol; `goes_on`: of the same command as the trade before."""

    def lose_trades(self, symbol: str) -> None:
        """Trades of a symbol left the replay log unread."""

    def change_book(self, update: BookUpdate, book: Level2Book, *, is_best_new: bool) -> None:
        """An update was applied to a book; `is_best_new`: the best bid or ask changed."""

    def renew_book(self, symbol: str, before: Level2Book | None, book: Level2Book | None) -> None:
        """A book was read from Redis again, so updates may be missing; None for no book."""

    def restart(self) -> None:
        """The venue is in a new epoch, or has lost messages that were published."""

    def flush(self) -> None:
        """All messages of a poll were taken."""
