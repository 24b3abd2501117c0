"""Sends a client the messages that it missed, then the live stream: no gap, no duplicate.

The session is subscribed and held first, so that live messages wait behind the replay. A short
replay that is in memory goes out at once. A longer one goes out in pages, as fast as the client
takes them, so that a replay costs little memory and never counts as lag of the client.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from market_data.clients.protocol import error_message
from market_data.clients.sources import Source, reach
from market_data.errors import CloseCode, RequestError
from market_data.fanout.lag import gap_frame
from market_data.fanout.replay import Replay
from market_data.fanout.ring import Entry, Note
from market_data.fanout.session import Session
from market_data.feed.sequencer import Sequencer
from market_data.limits import REPLAY_AHEAD_BYTES, REPLAY_PAGE_MESSAGES
from market_data.topics import Subscription, Topic, seq_name
from tapewire.runtime.supervision import Errands
from tapewire.web.websocket_frames import json_frame

logger = logging.getLogger(__name__)

LOG_RESUMES_MAX = 32
"""Resumes that read a log at the same time; more wait their turn."""

ROOM_TIMEOUT_S = 60.0
"""Seconds without progress of a replay, after which its client is closed as too slow."""

POLL_INTERVAL_S = 0.01


@dataclass(frozen=True, slots=True)
class Recovery:
    """The messages that a resume can give: all, or all except `missed` (topic: first, last)."""

    missed: Mapping[Topic, tuple[int, int]] = field(default_factory=dict)
    other_epoch: bool = False

    @property
    def recovered(self) -> bool:
        """Whether nothing is missing."""
        return not self.missed and not self.other_epoch

    def message(self) -> dict[str, object]:
        """The members that an acknowledgement of a resume has."""
        missed = {
            seq_name(topic): {"from": first, "to": last}
            for topic, (first, last) in self.missed.items()
        }
        return {"recovered": self.recovered} | ({"missed": missed} if missed else {})


@dataclass(frozen=True, slots=True)
class Resume:
    """The wish of one client: everything after `since`, and then live."""

    replay: Replay
    since: Mapping[Topic, int]
    epoch: str | None
    told: Callable[[Recovery], None]
    """Called once, before the replay."""
    over: Callable[[], None]
    """Called once, when the session is live or closed."""


class _TookNothing(Exception):
    """A client did not take anything of its replay for ROOM_TIMEOUT_S."""


class Resumer:
    """Replays for all sessions of a process."""

    def __init__(self, sources: Mapping[str, Source], sequencer: Sequencer) -> None:
        """`sources` by channel; `sequencer` knows the present epoch."""
        self._sources = sources
        self._sequencer = sequencer
        self._turns = asyncio.Semaphore(LOG_RESUMES_MAX)
        self._errands = Errands()

    def unopened(self, topics: Subscription) -> list[Topic]:
        """The topics whose positions have to be read from Redis first."""
        return [
            (channel, name)
            for channel, name in sorted(topics)
            if channel in self._sources and not self._sources[channel].is_open(name)
        ]

    def start(self, resume: Resume, topics: Subscription) -> None:
        """Resume the session of a replay, which is subscribed to `topics`."""
        unopened = self.unopened(topics)
        if not unopened and self._resume_at_once(resume):
            return
        self._errands.start(self._resume(resume, unopened))

    async def close(self) -> None:
        """End the resumes that are under way."""
        await self._errands.close()

    def _resume_at_once(self, resume: Resume) -> bool:
        """Resume a session from memory, if memory has all missed messages and they fit one page."""
        replay = resume.replay
        if resume.epoch is not None and resume.since and resume.epoch != self._sequencer.epoch:
            resume.told(Recovery(other_epoch=True))
            replay.end()
            resume.over()
            return True
        runs: list[Entry] = []
        for (channel, name), seq in resume.since.items():
            head = self._head(replay, (channel, name))
            if not seq <= head <= seq + REPLAY_PAGE_MESSAGES - len(runs):
                return False
            run = self._sources[channel].remembered(name, seq, head)
            if run is None:
                return False
            runs += run
        resume.told(Recovery())
        replay.send(runs)
        if self._behind(replay):
            # The held messages were over their bound, so they were dropped and joined the replay.
            self._errands.start(self._resume(resume, [], has_begun=True))
        else:
            replay.end()
            resume.over()
        return True

    def _head(self, replay: Replay, topic: Topic) -> int:
        """The last number before the kept-back messages of a topic."""
        channel, name = topic
        return replay.head(topic, self._sources[channel].head(name))

    def _behind(self, replay: Replay) -> list[tuple[Topic, int]]:
        """The topics of which messages before the kept-back ones are missing, with positions."""
        return [
            (topic, seq)
            for topic, seq in replay.positions.items()
            if seq < self._head(replay, topic)
        ]

    async def _resume(
        self, resume: Resume, unopened: list[Topic], *, has_begun: bool = False
    ) -> None:
        """Replay from the logs; a replay that `has_begun` only needs its end."""
        replay, session = resume.replay, resume.replay.session
        try:
            async with self._turns:
                if not has_begun:
                    for channel, name in unopened:
                        await self._sources[channel].open(name)
                    if unopened and self._resume_at_once(resume):
                        return
                    for topic, seq in resume.since.items():
                        await reach(self._sources[topic[0]], topic, seq)
                    replay.drop_known()
                    await self._begin_replay(resume)
                await self._end_replay(replay)
            replay.end()
        except RequestError as error:
            _refuse(session, error)
        except _TookNothing:
            session.give_up()
        except (RedisError, OSError) as error:
            logger.warning("a client could not resume: %s", error)
            _refuse(session, RequestError("unavailable", "the log cannot be read now; try again"))
        resume.over()

    async def _begin_replay(self, resume: Resume) -> None:
        """Find the ranges that the logs have lost, send them to the client, replay the rest."""
        replay = resume.replay
        begun: list[tuple[Topic, list[Entry], AsyncIterator[list[Entry]]]] = []
        missed = {}
        for topic, seq in resume.since.items():
            head = self._head(replay, topic)
            if seq < head:
                pages = self._sources[topic[0]].pages(topic[1], seq)
                page: list[Entry] = await anext(pages, [])
                first = _seq(page[0]) if page else head + 1
                if first > seq + 1:
                    missed[topic] = (seq + 1, min(first - 1, head))
                begun.append((topic, page, pages))
        resume.told(Recovery(missed))
        for topic, page, pages in begun:
            if topic in missed:
                replay.advance(topic, missed[topic][1])
            await self._replay_page(replay, topic, page)
            await self._replay_topic(replay, topic, pages)

    async def _end_replay(self, replay: Replay) -> None:
        """Replay the messages that arrived meanwhile and were not held, until the client has all.

        Live messages follow when the replay is out, so that its last page does not count as lag.
        """
        while not replay.session.closed:
            await _room(replay.session, 0)
            behind = self._behind(replay)
            if not behind:
                return
            for topic, seq in behind:
                pages = self._sources[topic[0]].pages(topic[1], seq)
                await self._replay_topic(replay, topic, pages)

    async def _replay_topic(
        self, replay: Replay, topic: Topic, pages: AsyncIterator[list[Entry]]
    ) -> None:
        while not replay.session.closed and replay.positions[topic] < self._head(replay, topic):
            page: list[Entry] = await anext(pages, [])
            if not page:
                _replay_gap(replay, topic, self._head(replay, topic))
                return
            await self._replay_page(replay, topic, page)

    async def _replay_page(self, replay: Replay, topic: Topic, page: list[Entry]) -> None:
        """Replay one page up to the kept-back messages. Raises _TookNothing."""
        if replay.session.closed:
            return
        head = self._head(replay, topic)
        entries: list[Entry] = []
        last = replay.positions[topic]
        for entry in page:
            seq = _seq(entry)
            if last < seq <= head:
                if seq > last + 1:
                    replay.send(entries)
                    entries = []
                    _replay_gap(replay, topic, seq - 1)
                entries.append(entry)
                last = seq
        replay.send(entries)
        await _room(replay.session, REPLAY_AHEAD_BYTES)


async def _room(session: Session, bytes_max: int) -> None:
    """Wait until at most `bytes_max` bytes of a replay wait for a client. Raises _TookNothing."""
    loop = asyncio.get_running_loop()
    unsent_bytes = session.ready_bytes
    deadline_s = loop.time() + ROOM_TIMEOUT_S
    # An event per session would cost memory for thousands that never replay.
    while session.ready_bytes > bytes_max and not session.closed:
        if session.backlog_bytes < unsent_bytes:
            unsent_bytes = session.ready_bytes
            deadline_s = loop.time() + ROOM_TIMEOUT_S
        elif loop.time() > deadline_s:
            raise _TookNothing
        await asyncio.sleep(POLL_INTERVAL_S)
    await asyncio.sleep(0)


def _seq(entry: Entry) -> int:
    note = entry[1]
    if note is None or note.first_seq is None:
        raise AssertionError("a log has only numbered messages")
    return note.first_seq


def _replay_gap(replay: Replay, topic: Topic, last: int) -> None:
    """Send a client the range up to `last`, which the log has lost."""
    if not replay.session.closed:
        note = Note(*topic, replay.positions[topic] + 1, last, is_gap=True)
        replay.send([(gap_frame(note), note)])


def _refuse(session: Session, error: RequestError) -> None:
    passing = error.code == "unavailable"
    session.send(json_frame(error_message(error)))
    session.close(CloseCode.TRY_AGAIN if passing else CloseCode.INVALID_REQUEST, error.code)
