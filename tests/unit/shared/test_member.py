"""Restarts: with growing delays, bounded, and with a reason for people."""

import pytest

from tapewire.errors import TapewireError
from tapewire.launcher.member import (
    RESTART_DELAY_MAX_S,
    LaunchFailed,
    Member,
    RestartPolicy,
    sentence_of,
)


class RecordedPart:
    """A part without a process: it is alive until the test says otherwise."""

    name = "order-gateway"
    ending = "exit status 1"

    def __init__(self, *lines: str, refusals: int = 0) -> None:
        self.running = True
        self.launches = 0
        self._lines = list(lines)
        self._refusals = refusals

    def launch(self) -> None:
        """Come alive, unless it was told to refuse."""
        self.launches += 1
        if self.launches <= self._refusals:
            raise TapewireError("port taken")
        self.running = True

    def last_words(self) -> list[str]:
        """What the test gave it."""
        return self._lines


def test_a_living_part_is_left_alone() -> None:
    """Nothing happens as long as it runs."""
    part = RecordedPart()
    member = Member(part)
    assert member.supervise(0) is None
    assert member.due_in_s(0, 7) == 7
    assert part.launches == 0


def test_a_dead_part_is_started_after_its_delay() -> None:
    """The death is told, then the restart, and not a moment earlier."""
    part = RecordedPart()
    member = Member(part)
    part.running = False
    news = member.supervise(100)
    assert news == "order-gateway ended (exit status 1); starting it again in 0.25 s"
    assert member.due_in_s(100.1, 7) < 0.16
    assert member.supervise(100.1) is None
    assert member.supervise(100.25) == "order-gateway was started again"
    assert (part.launches, member.supervise(100.3)) == (1, None)


def test_delays_grow_to_a_bound() -> None:
    """Each death within the window doubles the delay, up to the longest."""
    policy = RestartPolicy(restarts_max=7)
    assert [policy.delay_s(0) for _ in range(8)] == [
        0.25, 0.5, 1, 2, 4, RESTART_DELAY_MAX_S, RESTART_DELAY_MAX_S, None,
    ]  # fmt: skip


def test_old_deaths_are_forgotten() -> None:
    """Deaths that lie longer back than the window do not count."""
    policy = RestartPolicy(restarts_max=1, window_s=60)
    assert policy.delay_s(0) == 0.25
    assert policy.delay_s(60) is None
    assert policy.delay_s(61) == 0.25


def test_a_part_that_keeps_dying_is_given_up() -> None:
    """The last word of the part stands in the sentence."""
    part = RecordedPart("order-gateway: the instruments are bad")
    member = Member(part, RestartPolicy(restarts_max=2))
    part.running = False
    for now_s in (0, 10):
        assert member.supervise(now_s)
        assert member.supervise(now_s + 5)
        part.running = False
    with pytest.raises(LaunchFailed) as failure:
        member.supervise(20)
    assert str(failure.value) == (
        "order-gateway died again and again (exit status 1), so it is given up. "
        "The instruments are bad."
    )


def test_a_start_that_fails_is_tried_again() -> None:
    """A refusal to start counts like a death."""
    part = RecordedPart(refusals=1)
    member = Member(part)
    part.running = False
    member.supervise(0)
    assert member.supervise(1) == "order-gateway ended (port taken); starting it again in 0.5 s"
    assert member.supervise(2) == "order-gateway was started again"


def test_the_sentence_is_what_was_written_for_people() -> None:
    """A plain line wins over log lines; of those the last error; log prefixes are cut."""
    log = "2026-01-31 12:00:00.000 {} order-gateway tapewire.web.serving: {}"
    info, error = log.format("INFO", "listening"), log.format("ERROR", "no more memory")
    assert sentence_of(RecordedPart(info, "order-gateway: bad port", info)) == "Bad port."
    assert sentence_of(RecordedPart(info, error, info)) == "No more memory."
    assert sentence_of(RecordedPart()) == "The log is empty."
