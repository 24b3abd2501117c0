"""Detects that Redis lost published messages, by comparing them with the venue's logs.

A failover may roll back messages that clients already have, and give their numbers to others. The
witness therefore compares the newest published message of every name with its log: at every
subscription to Redis, and with every canary. The published numbers are noted before Redis is read,
so that a venue without a loss is never behind them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from market_data.feed.account_line import AccountLine
from market_data.feed.replay_log import ReplayLog, Sent
from market_data.feed.sequencer import Positions
from market_data.feed.trade_line import TradeLine, sent_trade
from tapewire.wire.trade_event import TradeMessage

UNCHANGED_PER_LOOK_MAX = 100
"""Names without a new message that one comparison includes nevertheless, in turns."""


@dataclass(frozen=True, slots=True)
class Look:
    """Positions of the venue, and the names whose published messages the venue has lost."""

    positions: Positions
    # Losses that the feed had handled when the look began.
    generation: int = 0
    lost_symbols: frozenset[str] = frozenset()
    lost_accounts: frozenset[str] = frozenset()
    lost_books: frozenset[str] = frozenset()

    @property
    def is_contradicted(self) -> bool:
        """Whether the venue lost any published message."""
        return bool(self.lost_symbols or self.lost_accounts or self.lost_books)


@dataclass(slots=True)
class _Note:
    """The numbers and messages published when the look began."""

    epoch: str
    seqs: Mapping[str, int]
    book_seqs: Mapping[str, int]
    account_numbers: Mapping[str, int]
    trades: Mapping[str, Sent]
    accounts: Mapping[str, Sent] = field(default_factory=dict)


class Witness:
    """Compares the published messages of this process with the venue's logs."""

    def __init__(
        self,
        log: ReplayLog,
        trades: TradeLine,
        accounts: AccountLine,
        book_seqs: Callable[[str], Mapping[str, int]],
        generation: Callable[[], int],
    ) -> None:
        """`book_seqs` gives the number of every book of an epoch that is known, by symbol."""
        self._generation = generation
        self._log = log
        self._trades = trades
        self._accounts = accounts
        self._book_seqs = book_seqs
        # By log, the message that was found there the last time.
        self._proven: dict[str, Sent] = {}
        self._turn = 0

    async def look(self) -> Look:
        """Read the positions of the venue, and compare the published messages with its logs.

        A look compares the names with a new message since the last look, and in turns
        UNCHANGED_PER_LOOK_MAX others and ACCOUNTS_PER_ROUND_MAX accounts.
        Raises RedisError, OSError.
        """
        return await self._compare(self._accounts.due(), unchanged_max=UNCHANGED_PER_LOOK_MAX)

    async def look_at_all(self) -> Look:
        """Like `look`, for all names, because the server may be another one now.

        Raises RedisError, OSError.
        """
        names = self._accounts.names
        return await self._compare(names, unchanged_max=len(names) + len(self._proven))

    async def parting(self, symbol: str, last_seq: int) -> int:
        """The number of the last published trade of a symbol that the venue has too.

        The result is at most `last_seq`, the venue's last number. Only trades in memory are
        compared; if the venue has none of them, the number before them is returned. Raises
        RedisError, OSError.
        """
        run = self._trades.recent.run(symbol)
        if not run:
            return min(last_seq, self._trades.sequencer.seqs.get(symbol, 0))
        first = run[0].seq
        # All trades up to the parting are equal, and all later ones differ: a binary search.
        low, high = first - 1, min(run[-1].seq, last_seq)
        while low < high:
            middle = (low + high + 1) // 2
            trade = run[middle - first]
            if await self._differ([sent_trade(symbol, trade)]):
                high = middle - 1
            else:
                low = middle
        return min(low, high)

    def other_trade(self, message: TradeMessage) -> Sent | None:
        """The published trade with the same number as a message, if the two differ."""
        run, event = self._trades.recent.run(message.name), message.event
        if not run or not run[0].seq <= event.seq <= run[-1].seq:
            return None
        trade = run[event.seq - run[0].seq]
        if trade.payload == message.payload:
            return None
        return sent_trade(message.name, trade)

    async def is_lost(self, published: Iterable[Sent]) -> bool:
        """Whether the venue has other messages in these places. Raises RedisError, OSError."""
        return bool(await self._differ(list(published)))

    async def _compare(self, names: Sequence[str], *, unchanged_max: int) -> Look:
        noted, generation = self._take_note(names), self._generation()
        positions = await self._log.positions(names)
        if not positions.epoch or positions.epoch != noted.epoch:
            self._proven.clear()
            return Look(positions, generation)
        newest = (*noted.trades.values(), *noted.accounts.values())
        differing = await self._differ(self._due(newest, unchanged_max))
        if not differing:
            self._proven.update((item.log_key, item) for item in newest)
        else:
            self._proven.clear()
        accounts = {name: position.number for name, position in positions.accounts.items()}
        return Look(
            positions,
            generation,
            _behind(positions.seqs, noted.seqs) | _named(noted.trades, differing),
            _behind(accounts, noted.account_numbers) | _named(noted.accounts, differing),
            _behind(positions.book_seqs, noted.book_seqs),
        )

    def _due(self, newest: Sequence[Sent], unchanged_max: int) -> list[Sent]:
        """The messages to look up, the last one compared included, because the newest may follow a
        loss."""
        due: list[Sent] = []
        unchanged: list[Sent] = []
        for item in newest:
            proven = self._proven.get(item.log_key)
            if proven is not None and proven.entry_id == item.entry_id:
                unchanged.append(item)
            else:
                due += [item] if proven is None else [proven, item]
        first = self._turn % max(1, len(unchanged))
        self._turn = first + unchanged_max
        return due + (unchanged[first:] + unchanged[:first])[:unchanged_max]

    def _take_note(self, names: Sequence[str]) -> _Note:
        sequencer = self._trades.sequencer
        numbers = {}
        for name in names:
            position = self._accounts.position(name)
            if position is not None:
                numbers[name] = position.number
        return _Note(
            sequencer.epoch,
            dict(sequencer.seqs),
            self._book_seqs(sequencer.epoch),
            numbers,
            {
                symbol: sent
                for symbol in sequencer.seqs
                if (sent := self._trades.newest(symbol)) is not None
            },
            {name: sent for name in names if (sent := self._accounts.newest(name)) is not None},
        )

    async def _differ(self, published: Sequence[Sent]) -> set[str]:
        """The logs that have another message at such a place; trimmed entries do not count."""
        entries = await self._log.entries(published)
        return {
            item.log_key
            for item, payload in zip(published, entries, strict=True)
            if payload is not None and not item.is_same(payload)
        }


def _behind(venue: Mapping[str, int], published: Mapping[str, int]) -> frozenset[str]:
    """The names with a higher published number than the venue has."""
    return frozenset(name for name, number in venue.items() if number < published.get(name, number))


def _named(published: Mapping[str, Sent], logs: set[str]) -> frozenset[str]:
    return frozenset(name for name, item in published.items() if item.log_key in logs)
