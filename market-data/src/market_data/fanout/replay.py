"""A replay of earlier messages to one client, which the live stream waits behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from market_data.fanout.ring import Entry
    from market_data.fanout.session import Session
    from market_data.topics import Topic


class Replay:
    """Keeps the stream of a session back from its making until `end`."""

    def __init__(self, session: Session, since: Mapping[Topic, int]) -> None:
        """`since`: by topic, the last number that the client has."""
        self.session = session
        session.hold(since)

    @property
    def positions(self) -> Mapping[Topic, int]:
        """By topic, the last number that the client was given.

        Topics may join during the replay: if too much is held, messages are dropped and replayed.
        """
        return self.session.backlog.replayed

    def send(self, entries: list[Entry]) -> None:
        """Send earlier messages, in pages of which the next waits until `ready_bytes` is low."""
        if not self.session.closed:
            self.session.backlog.add_replay(entries)
            self.session.catch_up_and_judge()

    def advance(self, topic: Topic, seq: int) -> None:
        """Continue after `seq`: the client knows that the messages before it are lost."""
        if not self.session.closed:
            self.session.backlog.replayed[topic] = seq

    def drop_known(self) -> None:
        """Forget kept-back messages that the client has already, from another process."""
        if not self.session.closed:
            self.session.take_from_ring()
            self.session.backlog.drop_known()

    def head(self, topic: Topic, published: int) -> int:
        """The last number before the first kept-back message of a topic.

        Without such a message it is `published`, the last number that was published.
        """
        if self.session.closed:
            return published
        self.session.take_from_ring()
        first = self.session.backlog.first_kept_back(topic)
        return published if first is None else min(published, first - 1)

    def end(self) -> None:
        """Release the stream from the position at which it was held."""
        self.session.release()
