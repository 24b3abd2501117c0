"""Gives a client what it missed, then lets it go on live: no gap, no duplicate.

The session is subscribed and held first, so that live messages gather behind the replay. What is in
memory goes out at once; older messages are read from a log, page by page, as fast as the client
takes them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from market_data.clients.protocol import encoded, error_message
from market_data.clients.sources import Source
from market_data.errors import CloseCode, RequestError
from market_data.fanout.frames import text_frame
from market_data.fanout.hub import Subscription, Topic
from market_data.fanout.lag import gap_message, seq_name
from market_data.fanout.ring import Entry, Note
from market_data.fanout.session import Session
from market_data.feed.sequencer import Sequencer

logger = logging.getLogger(__name__)

# Resumes that read a log at the same time; more wait their turn.
LOG_RESUMES_MAX = 32
# A client may be ahead of this process by what is on its way through Redis, but not for long.
AHEAD_TIMEOUT_S = 2.0
# Unsent replay of one client at which reading waits.
REPLAY_AHEAD_BYTES = 1024 * 1024
ROOM_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.01


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a resume can give: everything, or everything but `missed` (topic: first, last)."""

    missed: Mapping[Topic, tuple[int, int]] = field(default_factory=dict)
    other_epoch: bool = False

    @property
    def recovered(self) -> bool:
        """Whether nothing is missing."""
        return not self.missed and not self.other_epoch

    def message(self) -> dict[str, object]:
        """The members that an acknowledgement of a resume has."""
        missed = {
            seq_name(*topic): {"from": first, "to": last}
            for topic, (first, last) in self.missed.items()
        }
        return {"recovered": self.recovered} | ({"missed": missed} if missed else {})


Told = Callable[[Recovery], None]


@dataclass(frozen=True, slots=True)
class Resume:
    """What one client wants: everything after `since`, and then live."""

    session: Session
    since: Mapping[Topic, int]
    epoch: str | None
    told: Told


class Resumer:
    """Replays for all sessions of a process."""

    def __init__(self, sources: Mapping[str, Source], sequencer: Sequencer) -> None:
        """`sources` by channel; `sequencer` knows the present epoch."""
        self._sources = sources
        self._sequencer = sequencer
        self._turns = asyncio.Semaphore(LOG_RESUMES_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    def unopened(self, topics: Subscription) -> list[Topic]:
        """The topics of which Redis has to be asked where they stand."""
        return [
            (channel, name)
            for channel, name in sorted(topics)
            if channel in self._sources and not self._sources[channel].is_open(name)
        ]

    def start(self, resume: Resume, topics: Subscription) -> None:
        """Resume a session that is subscribed to `topics` and held.

        `told` is called before the replay.
        """
        unopened = self.unopened(topics)
        if not unopened and self._resume_at_once(resume):
            return
        task = asyncio.create_task(self._resume(resume, unopened))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End the resumes that are under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    def _resume_at_once(self, resume: Resume) -> bool:
        """Resume a session from memory, if all that it missed is there."""
        session = resume.session
        if resume.epoch is not None and resume.since and resume.epoch != self._sequencer.epoch:
            resume.told(Recovery(other_epoch=True))
            session.release()
            return True
        runs: list[list[Entry]] = []
        for (channel, name), seq in resume.since.items():
            source, head = self._sources[channel], self._head(session, (channel, name))
            run = source.remembered(name, seq, head) if seq <= head else None
            if run is None:
                return False
            runs.append(run)
        resume.told(Recovery())
        for run in runs:
            session.replay(run)
        session.release()
        return True

    def _head(self, session: Session, topic: Topic) -> int:
        """The last seq before what is held back."""
        channel, name = topic
        return held_from(session, topic, self._sources[channel].head(name))

    async def _resume(self, resume: Resume, unopened: list[Topic]) -> None:
        session, since = resume.session, resume.since
        try:
            async with self._turns:
                for channel, name in unopened:
                    await self._sources[channel].open(name)
                if session.closed or (unopened and self._resume_at_once(resume)):
                    return
                heads = {topic: self._head(session, topic) for topic in since}
                await self._catch_up_with(session, since)
                await self._replay(resume, heads)
            session.release()
        except RequestError as error:
            _refuse(session, error)
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("a client could not resume: %s", error)
            _refuse(session, RequestError("unavailable", "the log cannot be read now; try again"))

    async def _catch_up_with(self, session: Session, since: Mapping[Topic, int]) -> None:
        """Wait until this process has seen what the client has seen elsewhere.

        Raises RequestError if that does not happen in time: since_in_future, or unavailable if it
        is this process that is behind. Raises RedisError, OSError.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + AHEAD_TIMEOUT_S
        for (channel, name), seq in since.items():
            source = self._sources[channel]
            while source.head(name) < seq:
                if loop.time() > deadline_s:
                    last = await source.last_seq(name)
                    if last >= seq:
                        raise RequestError("unavailable", "this process is behind; try another")
                    raise RequestError(
                        "since_in_future",
                        f"the last of {seq_name(channel, name)} is {last}, not {seq}",
                    )
                await asyncio.sleep(POLL_INTERVAL_S)
        if session.held is not None:
            session.held[:] = [entry for entry in session.held if not _is_known(entry, since)]

    async def _replay(self, resume: Resume, heads: dict[Topic, int]) -> None:
        pages: dict[Topic, list[Entry]] = {}
        missed = {}
        for topic, seq in resume.since.items():
            if seq < heads[topic]:
                channel, name = topic
                pages[topic] = await self._sources[channel].logged(name, seq)
                first = _seq(pages[topic][0]) if pages[topic] else heads[topic] + 1
                if first > seq + 1:
                    missed[topic] = (seq + 1, min(first - 1, heads[topic]))
        resume.told(Recovery(missed))
        for topic, page in pages.items():
            last = missed.get(topic, (0, resume.since[topic]))[1]
            await self._replay_topic(resume.session, topic, page, last, heads[topic])

    async def _replay_topic(
        self, session: Session, topic: Topic, page: list[Entry], last: int, head: int
    ) -> None:
        channel, name = topic
        while page and last < head and not session.closed:
            last = _send_page(session, topic, page, last, head)
            await self._room(session)
            if last < head:
                page = await self._sources[channel].logged(name, last)
        if last < head and not session.closed:
            _send_gap(session, topic, last + 1, head)

    async def _room(self, session: Session) -> None:
        """Wait until the client took most of what it was sent. Raises TimeoutError."""
        async with asyncio.timeout(ROOM_TIMEOUT_S):
            # An event per session would cost memory for thousands that never replay.
            while _is_full(session):  # noqa: ASYNC110
                await asyncio.sleep(POLL_INTERVAL_S)


def held_from(session: Session, topic: Topic, head: int) -> int:
    """The last seq before the first message of a topic that is held back; else its head."""
    for _, note in session.held or ():
        if note is not None and (note.channel, note.symbol) == topic and note.first_seq is not None:
            return min(head, note.first_seq - 1)
    return head


def _is_full(session: Session) -> bool:
    return session.backlog_bytes > REPLAY_AHEAD_BYTES and not session.closed


def _seq(entry: Entry) -> int:
    note = entry[1]
    if note is None or note.first_seq is None:
        raise AssertionError("a log has only numbered messages")
    return note.first_seq


def _send_page(session: Session, topic: Topic, page: list[Entry], last: int, head: int) -> int:
    """Replay one page up to `head`; returns the last seq sent."""
    entries: list[Entry] = []
    for entry in page:
        seq = _seq(entry)
        if last < seq <= head:
            if seq > last + 1:
                session.replay(entries)
                entries = []
                _send_gap(session, topic, last + 1, seq - 1)
            entries.append(entry)
            last = seq
    session.replay(entries)
    return last


def _send_gap(session: Session, topic: Topic, first: int, last: int) -> None:
    """Tell that the log lost a range between two pages."""
    note = Note(*topic, first, last, is_gap=True)
    session.replay([(text_frame(gap_message(note)), note)])


def _refuse(session: Session, error: RequestError) -> None:
    passing = error.code == "unavailable"
    session.send(text_frame(encoded(error_message(error))))
    session.close(CloseCode.TRY_AGAIN if passing else CloseCode.INVALID_REQUEST, error.code)


def _is_known(entry: Entry, since: Mapping[Topic, int]) -> bool:
    """Whether the client already has this message from another process."""
    note = entry[1]
    return (
        note is not None
        and note.last_seq is not None
        and note.last_seq <= since.get((note.channel, note.symbol), 0)
    )
