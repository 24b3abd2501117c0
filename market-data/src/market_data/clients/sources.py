"""Where a client that comes back gets what it missed: by channel, from memory and from logs."""

import asyncio
from typing import Protocol

from market_data.errors import RequestError
from market_data.fanout.lag import ORDERS, TRADES
from market_data.fanout.ring import Entry, Note
from market_data.feed.account_line import AccountLine
from market_data.feed.account_log import AccountLog
from market_data.feed.replay_log import ReplayLog
from market_data.feed.sequencer import AccountPosition
from market_data.feed.trade_line import TradeLine, trade_frame
from tapewire.limits import EXACT_INTEGER_MAX

# A process may know of another epoch a little later than Redis.
EPOCH_TIMEOUT_S = 2.0
POLL_INTERVAL_S = 0.01
# Behind every message that has no later report.
BALANCE_SEQ_MAX = EXACT_INTEGER_MAX


class Source(Protocol):
    """One channel; `name` is what its topics name: a symbol or an account.

    Methods that wait raise RedisError, OSError.
    """

    def is_open(self, name: str) -> bool:
        """Whether it is followed, so that its head is known."""

    async def open(self, name: str) -> None:
        """Follow it. Raises RequestError unavailable."""

    def head(self, name: str) -> int:
        """The last seq that was published to the hub."""

    async def last_seq(self, name: str) -> int:
        """The last seq that the venue has."""

    def remembered(self, name: str, after: int, last: int) -> list[Entry] | None:
        """What came after `after` up to `last`; None if some of it is not in memory."""

    async def logged(self, name: str, after: int) -> list[Entry]:
        """A page of the log after `after`; nothing means that there is no more."""


class TradeSource:
    """The trades of a symbol, the newest of which are in memory."""

    def __init__(self, line: TradeLine, log: ReplayLog) -> None:
        self._line = line
        self._log = log

    def is_open(self, name: str) -> bool:
        """Every symbol that is traded is followed."""
        return bool(name)

    async def open(self, name: str) -> None:
        """Nothing to do."""

    def head(self, name: str) -> int:
        """As for every source."""
        return self._line.sequencer.seqs.get(name, 0)

    async def last_seq(self, name: str) -> int:
        """As for every source."""
        return (await self._log.positions()).seqs.get(name, 0)

    def remembered(self, name: str, after: int, last: int) -> list[Entry] | None:
        """As for every source."""
        run = self._line.recent.after(name, after, last)
        if run is None:
            return None
        return [(trade.frame, Note(TRADES, name, trade.seq, trade.seq)) for trade in run]

    async def logged(self, name: str, after: int) -> list[Entry]:
        """As for every source."""
        messages, _ = await self._log.read(name, after)
        return [
            (trade_frame(message), Note(TRADES, name, message.last, message.last))
            for message in messages
        ]


class AccountSource:
    """The execution reports of an account, all of which are read from its log."""

    def __init__(self, line: AccountLine, log: AccountLog) -> None:
        self._line = line
        self._log = log

    def is_open(self, name: str) -> bool:
        """Whether somebody follows the account already."""
        return self._line.position(name) is not None

    async def open(self, name: str) -> None:
        """As for every source."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + EPOCH_TIMEOUT_S
        while not await self._line.follow(name):
            if loop.time() > deadline_s:
                raise RequestError("unavailable", "this process is behind; try another")
            await asyncio.sleep(POLL_INTERVAL_S)

    def head(self, name: str) -> int:
        """As for every source."""
        position = self._line.position(name)
        return 0 if position is None else position.seq

    async def last_seq(self, name: str) -> int:
        """As for every source."""
        return (await self._log.record(name)).position.seq

    def remembered(self, name: str, after: int, last: int) -> list[Entry] | None:
        """Nothing is kept in memory, so only who missed nothing needs no log."""
        return [] if after >= last and self.is_open(name) else None

    async def logged(self, name: str, after: int) -> list[Entry]:
        """As for every source."""
        # A message may be known in part: its id has the last of its reports, so it is beyond.
        position = AccountPosition(after, BALANCE_SEQ_MAX)
        while True:
            events, log_ended = await self._log.read(name, position)
            entries: list[Entry] = []
            for event in events:
                if await self._line.frames.denominations.learn(event):
                    entries += [
                        (frame, Note(ORDERS, name, report.seq, report.seq))
                        for report, frame in self._line.frames.reports(event)
                        if report.seq > after
                    ]
            if entries or log_ended:
                return entries
            # A page of nothing but balances must not look like the end.
            position = AccountPosition(events[-1].header.seq, events[-1].header.balance_seq)
