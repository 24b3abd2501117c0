"""Gives a client what it missed, then lets it go on live: no gap, no duplicate.

The session is subscribed and held first, so that live trades gather behind the replay. What is in
memory goes out at once; older trades are read from the replay log, page by page, as fast as the
client takes them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from market_data.errors import CloseCode, RequestError
from market_data.feed import Feed, trade_frame
from market_data.frames import text_frame
from market_data.lag import gap_message
from market_data.protocol import encoded, error_message
from market_data.replay_log import ReplayLog
from market_data.ring import Entry, Note
from market_data.session import Session
from tapewire.messages import TradeMessage

logger = logging.getLogger(__name__)

# Resumes that read the log at the same time; more wait their turn.
LOG_RESUMES_MAX = 32
# A client may be ahead of this process by what is on its way through Redis, but not for long.
AHEAD_TIMEOUT_S = 2.0
# Unsent replay of one client at which reading waits.
REPLAY_AHEAD_BYTES = 1024 * 1024
ROOM_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.01


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a resume can give: everything, or everything but `missed` (symbol: first, last)."""

    missed: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    other_epoch: bool = False

    @property
    def recovered(self) -> bool:
        """Whether nothing is missing."""
        return not self.missed and not self.other_epoch

    def message(self) -> dict[str, object]:
        """The members that an acknowledgement of a resume has."""
        missed = {
            symbol: {"from": first, "to": last} for symbol, (first, last) in self.missed.items()
        }
        return {"recovered": self.recovered} | ({"missed": missed} if missed else {})


Told = Callable[[Recovery], None]


class Resumer:
    """Replays for all sessions of a process."""

    def __init__(self, feed: Feed, log: ReplayLog) -> None:
        self._feed = feed
        self._log = log
        self._turns = asyncio.Semaphore(LOG_RESUMES_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self, session: Session, since: Mapping[str, int], epoch: str | None, told: Told
    ) -> None:
        """Resume a session that is subscribed and held; `told` is called before the replay."""
        sequencer = self._feed.sequencer
        if epoch is not None and epoch != sequencer.epoch:
            told(Recovery(other_epoch=True))
            session.release()
            return
        heads = {symbol: sequencer.seqs.get(symbol, 0) for symbol in since}
        runs = {
            symbol: self._feed.recent.after(symbol, seq, heads[symbol])
            for symbol, seq in since.items()
            if seq <= heads[symbol]
        }
        if len(runs) == len(since) and None not in runs.values():
            told(Recovery())
            for symbol, run in runs.items():
                session.replay(
                    (trade.frame, Note("trades", symbol, trade.seq, trade.seq))
                    for trade in run or ()
                )
            session.release()
            return
        task = asyncio.create_task(self._resume(session, dict(since), heads, told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End the resumes that are under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    async def _resume(
        self, session: Session, since: dict[str, int], heads: dict[str, int], told: Told
    ) -> None:
        try:
            async with self._turns:
                await self._catch_up_with(session, since)
                await self._replay(session, since, heads, told)
            session.release()
        except RequestError as error:
            _refuse(session, error)
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("a client could not resume: %s", error)
            _refuse(
                session, RequestError("unavailable", "the replay log cannot be read now; try again")
            )

    async def _catch_up_with(self, session: Session, since: Mapping[str, int]) -> None:
        """Wait until this process has seen what the client has seen elsewhere.

        Raises RequestError if that does not happen in time: since_in_future, or unavailable if it
        is this process that is behind. Raises RedisError, OSError.
        """
        seqs = self._feed.sequencer.seqs
        deadline_s = asyncio.get_running_loop().time() + AHEAD_TIMEOUT_S
        for symbol, seq in since.items():
            while seqs.get(symbol, 0) < seq:
                if asyncio.get_running_loop().time() > deadline_s:
                    last = (await self._log.positions()).seqs.get(symbol, 0)
                    if last >= seq:
                        raise RequestError("unavailable", "this process is behind; try another")
                    raise RequestError(
                        "since_in_future", f"the last trade of {symbol} is {last}, not {seq}"
                    )
                await asyncio.sleep(POLL_INTERVAL_S)
        if session.held is not None:
            session.held[:] = [entry for entry in session.held if not _is_known(entry, since)]

    async def _replay(
        self, session: Session, since: dict[str, int], heads: dict[str, int], told: Told
    ) -> None:
        pages: dict[str, list[TradeMessage]] = {}
        missed = {}
        for symbol, seq in since.items():
            if seq < heads[symbol]:
                pages[symbol], _ = await self._log.read(symbol, seq)
                first = pages[symbol][0].event.seq if pages[symbol] else heads[symbol] + 1
                if first > seq + 1:
                    missed[symbol] = (seq + 1, min(first - 1, heads[symbol]))
        told(Recovery(missed))
        for symbol, page in pages.items():
            last = missed.get(symbol, (0, since[symbol]))[1]
            await self._replay_symbol(session, symbol, page, last, heads[symbol])

    async def _replay_symbol(
        self, session: Session, symbol: str, page: list[TradeMessage], last: int, head: int
    ) -> None:
        while page and last < head and not session.closed:
            last = _send_page(session, symbol, page, last, head)
            await self._room(session)
            if last < head:
                page, _ = await self._log.read(symbol, last)
        if last < head and not session.closed:
            _send_gap(session, symbol, last + 1, head)

    async def _room(self, session: Session) -> None:
        """Wait until the client took most of what it was sent. Raises TimeoutError."""
        async with asyncio.timeout(ROOM_TIMEOUT_S):
            # An event per session would cost memory for thousands that never replay.
            while _is_full(session):  # noqa: ASYNC110
                await asyncio.sleep(POLL_INTERVAL_S)


def _is_full(session: Session) -> bool:
    return session.backlog_bytes > REPLAY_AHEAD_BYTES and not session.closed


def _send_page(
    session: Session, symbol: str, page: list[TradeMessage], last: int, head: int
) -> int:
    """Replay one page up to `head`; returns the last seq sent."""
    entries: list[Entry] = []
    for message in page:
        seq = message.event.seq
        if last < seq <= head:
            if seq > last + 1:
                session.replay(entries)
                entries = []
                _send_gap(session, symbol, last + 1, seq - 1)
            entries.append((trade_frame(message), Note("trades", symbol, seq, seq)))
            last = seq
    session.replay(entries)
    return last


def _send_gap(session: Session, symbol: str, first: int, last: int) -> None:
    """Tell that the log lost a range between two pages."""
    note = Note("trades", symbol, first, last, is_gap=True)
    session.replay([(text_frame(gap_message(note)), note)])


def _refuse(session: Session, error: RequestError) -> None:
    passing = error.code == "unavailable"
    session.send(text_frame(encoded(error_message(error))))
    session.close(CloseCode.TRY_AGAIN if passing else CloseCode.INVALID_REQUEST, error.code)


def _is_known(entry: Entry, since: Mapping[str, int]) -> bool:
    """Whether the client already has this trade from another process."""
    note = entry[1]
    return (
        note is not None
        and note.channel == "trades"
        and note.last_seq is not None
        and note.last_seq <= since.get(note.symbol, 0)
    )
