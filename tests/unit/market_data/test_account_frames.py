"""Messages with many reports are rendered beside the event loop, and once."""

import threading
from typing import Any, cast

import pytest

from market_data.feed.account_frames import AccountFrames
from market_data.feed.account_log import READ_REPORTS_MAX
from tapewire.wire.account_event import AccountEvent, decode_account_event
from tapewire.wire.account_feed import render_report
from tests.support.reference.account_events import (
    change_text,
    event_text,
    fill_text,
    state_text,
    terms_text,
)
from tests.support.venue import BTC, INSTRUMENTS


class OneInstrument:
    """A log that knows one instrument and its assets."""

    async def instrument(self, _symbol: str) -> object:
        """The instrument of every symbol."""
        return INSTRUMENTS[BTC]

    async def decimals(self) -> dict[str, int]:
        """Those of its assets."""
        return {"BTC": 8, "USDT": 6}


def event_with(reports: int) -> AccountEvent:
    """A message of an order that was filled so often."""
    lots = 10 * reports
    state = state_text("filled", lots, 50 * lots)
    fills = [fill_text(number, 50, 10) for number in range(reports)]
    change = change_text("", "9", terms_text("alice"), state, fills)
    return decode_account_event(event_text("alice", reports, 0, changes=[change]))


@pytest.mark.parametrize("reports", [2, READ_REPORTS_MAX, READ_REPORTS_MAX + 1, 10_000])
async def test_many_reports_are_rendered_in_another_thread(
    reports: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message with few is rendered where it is sent."""
    rendered_in: set[str] = set()

    def noted(*args: Any) -> bytes:
        rendered_in.add(threading.current_thread().name)
        return render_report(*args)

    monkeypatch.setattr("market_data.feed.account_frames.render_report", noted)
    frames, event = AccountFrames(cast("Any", OneInstrument())), event_with(reports)
    expected = list(AccountFrames.reports(await knowing(event), event))
    rendered_in.clear()
    await frames.denominations.learn(event)
    await frames.prepare(event)
    assert list(frames.reports(event)) == expected
    this_thread = threading.current_thread().name
    assert (this_thread in rendered_in) is (reports <= READ_REPORTS_MAX)


async def test_only_the_prepared_message_gets_its_frames() -> None:
    """Another message with the same numbers is rendered again."""
    event, other = event_with(READ_REPORTS_MAX + 1), event_with(READ_REPORTS_MAX + 2)
    frames = await knowing(event)
    await frames.prepare(event)
    assert [report for report, _ in frames.reports(other)] == list(other.reports)
    assert [report for report, _ in frames.reports(event)] == list(event.reports)


async def knowing(event: AccountEvent) -> AccountFrames:
    """Frames that have read what a message needs."""
    frames = AccountFrames(cast("Any", OneInstrument()))
    await frames.denominations.learn(event)
    return frames
