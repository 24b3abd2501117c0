"""The sources of missed messages for clients that resume: by channel, memory and logs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from market_data.errors import RequestError
from market_data.fanout.ring import Entry, Note
from market_data.feed.account_line import AccountLine
from market_data.feed.account_log import AccountLog
from market_data.feed.replay_log import ReplayLog
from market_data.feed.sequencer import AccountPosition
from market_data.feed.trade_line import TradeLine, trade_frame
from market_data.limits import REPLAY_PAGE_BYTES, REPLAY_PAGE_MESSAGES
from market_data.topics import ORDERS, TRADES, Topic, seq_name
from tapewire.limits import EXACT_INTEGER_MAX

AHEAD_TIMEOUT_S = 2.0
"""A client may be ahead of this process for a short time, by messages on their way through Redis.
"""

EPOCH_TIMEOUT_S = 2.0
"""A process may learn of another epoch this much later than Redis."""

POLL_INTERVAL_S = 0.01

BALANCE_SEQ_MAX = EXACT_INTEGER_MAX
"""In a position: behind every message that has no later report."""


class Source(Protocol):
    """One channel; `name` is the second part of its topics: a symbol or an account.

    Methods that wait raise RedisError, OSError.
    """

    def is_open(self, name: str) -> bool:
        """Whether the feed follows the name, so that its head is known."""

    async def open(self, name: str) -> None:
        """Follow a name. Raises RequestError unavailable."""

    def head(self, name: str) -> int:
        """The last number that was published to the hub."""

    async def last_seq(self, name: str) -> int:
        """The last number that the venue has."""

    def remembered(self, name: str, after: int, last: int) -> list[Entry] | None:
        """The messages after `after` up to `last`; None if memory lacks one."""

    def pages(self, name: str, after: int) -> AsyncIterator[list[Entry]]:
        """The messages after `after` as far as memory and log go, in pages of bounded size."""


async def reach(source: Source, topic: Topic, seq: int) -> None:
    """Wait until this process has published the messages that a client saw at another process.

    Raises RequestError if that takes longer than AHEAD_TIMEOUT_S: since_in_future if the venue has
    no such message, unavailable if this process is behind. Raises RedisError, OSError.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + AHEAD_TIMEOUT_S
    while source.head(topic[1]) < seq:
        if loop.time() > deadline_s:
            last = await source.last_seq(topic[1])
            if last >= seq:
                raise RequestError("unavailable", "this process is behind; try another")
            raise RequestError(
                "since_in_future",
                f"the last seq of {seq_name(topic)} is {last}, so since cannot be {seq}",
            )
        await asyncio.sleep(POLL_INTERVAL_S)


class TradeSource:
    """The trades of a symbol; the newest are in memory."""

    def __init__(self, line: TradeLine, log: ReplayLog) -> None:
        self._line = line
        self._log = log

    def is_open(self, name: str) -> bool:
        """See `Source`: the feed follows every symbol that trades."""
        return bool(name)

    async def open(self, name: str) -> None:
        """See `Source`: nothing to do."""

    def head(self, name: str) -> int:
        """See `Source`."""
        return self._line.sequencer.seqs.get(name, 0)

    async def last_seq(self, name: str) -> int:
        """See `Source`."""
        return (await self._log.positions()).seqs.get(name, 0)

    def remembered(self, name: str, after: int, last: int) -> list[Entry] | None:
        """See `Source`."""
        run = self._line.recent.after(name, after, last)
        if run is None:
            return None
        return [(trade.frame, Note(TRADES, name, trade.seq, trade.seq)) for trade in run]

    async def pages(self, name: str, after: int) -> AsyncIterator[list[Entry]]:
        """See `Source`."""
        while True:
            last = min(self.head(name), after + REPLAY_PAGE_MESSAGES)
            page = self.remembered(name, after, last) if last > after else None
            if not page:
                messages, _ = await self._log.read(name, after)
                page = [
                    (trade_frame(message), Note(TRADES, name, message.last, message.last))
                    for message in messages
                ]
            note = page[-1][1] if page else None
            if note is None or note.last_seq is None:
                return
            yield page
            after = note.last_seq


class AccountSource:
    """The execution reports of an account, which only its log has."""

    def __init__(self, line: AccountLine, log: AccountLog) -> None:
        self._line = line
        self._log = log

    def is_open(self, name: str) -> bool:
        """See `Source`: whether a client follows the account already."""
        return self._line.position(name) is not None

    async def open(self, name: str) -> None:
        """See `Source`."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + EPOCH_TIMEOUT_S
        while not await self._line.follow(name):
            if loop.time() > deadline_s:
                raise RequestError("unavailable", "this process is behind; try another")
            await asyncio.sleep(POLL_INTERVAL_S)

    def head(self, name: str) -> int:
        """See `Source`."""
        position = self._line.position(name)
        return 0 if position is None else position.seq

    async def last_seq(self, name: str) -> int:
        """See `Source`."""
        return (await self._log.record(name)).position.seq

    def remembered(self, name: str, after: int, last: int) -> list[Entry] | None:
        """See `Source`: no reports are in memory, so only an empty range can be remembered."""
        return [] if after >= last and self.is_open(name) else None

    async def pages(self, name: str, after: int) -> AsyncIterator[list[Entry]]:
        """See `Source`."""
        # The entry id is the number of a message's last report, so a message of which the client
        # has the first reports is read too.
        position = AccountPosition(after, BALANCE_SEQ_MAX)
        frames = self._line.frames
        log_ended = False
        while not log_ended:
            events, log_ended = await self._log.read(name, position)
            for event in events:
                position = AccountPosition(event.header.seq, event.header.balance_seq)
                if not await frames.denominations.learn(event):
                    continue
                page: list[Entry] = []
                page_bytes = 0
                for report, frame in frames.reports(event):
                    if report.seq <= after:
                        continue
                    page.append((frame, Note(ORDERS, name, report.seq, report.seq)))
                    page_bytes += len(frame)
                    if len(page) == REPLAY_PAGE_MESSAGES or page_bytes > REPLAY_PAGE_BYTES:
                        yield page
                        page, page_bytes = [], 0
                if page:
                    yield page
