"""The position of a subscription: what is handed out, dropped, asked for again, given up."""

from typing import Any

from tapewire.client.errors import EpochError, GapError
from tapewire.client.tracker import Outcome, Position, Signal, TradeTracker
from tapewire.wire.trade_event import TradeEvent
from tests.support.feeds.samples import (
    epoch_message,
    gap,
    heartbeat,
    market_message,
    read,
    subscribed,
    trade,
)

AGAIN = Signal.RECONNECT


def offer(tracker: TradeTracker, *messages: dict[str, Any]) -> list[Any]:
    """What follows from the messages: seqs of trades, ranges of gaps, the rest as it is."""
    return [shown(outcome) for message in messages for outcome in tracker.offer(read(message))]


def shown(outcome: Outcome[TradeEvent]) -> Any:
    if isinstance(outcome, TradeEvent):
        return outcome.seq
    if isinstance(outcome, GapError):
        return (outcome.first, outcome.last)
    if isinstance(outcome, EpochError):
        return (outcome.old, outcome.new, outcome.reason)
    return outcome


def at(seq: int) -> TradeTracker:
    """A tracker that has every trade of A up to `seq`, on an answered connection."""
    tracker = TradeTracker()
    tracker.request()
    assert offer(tracker, subscribed({"A": seq})) == []
    return tracker


def again(tracker: TradeTracker, seq: int, **more: Any) -> list[Any]:
    """Connect again to a service whose last trade is `seq`."""
    tracker.request()
    return offer(tracker, subscribed({"A": seq}, recovered="missed" not in more, **more))


def test_trades_come_in_order_and_once() -> None:
    """The next seq is handed out, what was had before is dropped and counted."""
    tracker = at(4)
    assert offer(tracker, trade(5), trade(6), trade(6), trade(5), trade(7)) == [5, 6, 7]
    assert tracker.duplicates == 2
    assert tracker.position == Position("e1", {"A": 7})


def test_the_request_names_symbols_position_and_epoch() -> None:
    """A new connection is asked for exactly what follows the position."""
    tracker = TradeTracker(["B", "A"], Position("e1", {"A": 3, "C": 9}))
    assert tracker.request() == {
        "op": "subscribe",
        "channels": ["trades"],
        "symbols": ["A", "B"],
        "since": {"A": 3},
        "epoch": "e1",
    }
    assert TradeTracker().request() == {"op": "subscribe", "channels": ["trades"]}


def test_a_missing_trade_is_asked_for_again_before_it_is_given_up() -> None:
    """A jump reconnects; only what is missing after the resume as well is a gap."""
    tracker = at(4)
    assert offer(tracker, trade(6)) == [AGAIN]
    assert again(tracker, 6) == []
    assert offer(tracker, trade(5), trade(6)) == [5, 6]
    assert offer(tracker, trade(9)) == [AGAIN]
    assert again(tracker, 9) == []
    assert offer(tracker, trade(9)) == [(7, 8), 9]


def test_a_heartbeat_ahead_proves_a_lost_tail() -> None:
    """Without any later trade the loss is found, and given up if it stays."""
    tracker = at(4)
    assert offer(tracker, heartbeat({"A": 4}), heartbeat({"A": 3})) == []
    assert offer(tracker, heartbeat({"A": 6})) == [AGAIN]
    assert again(tracker, 6) == []
    assert offer(tracker, heartbeat({"A": 6}), trade(7)) == [(5, 6), 7]


def test_a_given_up_symbol_is_told_although_another_one_reconnects() -> None:
    """Gaps of a heartbeat come before the wish to reconnect, which ends its reading."""
    tracker = at(4)
    assert offer(tracker, heartbeat({"A": 6})) == [AGAIN]
    assert again(tracker, 6) == []
    assert offer(tracker, heartbeat({"B": 3, "A": 6})) == [(5, 6), AGAIN]


def test_what_the_service_says_is_missing_is_a_gap() -> None:
    """`missed` of an answer and gap messages are told once, cut to what was not had."""
    tracker = at(4)
    assert again(tracker, 9, missed={"A": {"from": 5, "to": 7}}) == [(5, 7)]
    assert offer(tracker, trade(8), gap(8, 9), trade(10)) == [8, (9, 9), 10]
    assert offer(tracker, gap(1, 10)) == []
    assert offer(tracker, gap(12, 13)) == [AGAIN]
    assert offer(tracker, gap(11, 12, channel="book")) == []


def test_another_epoch_is_read_from_its_start() -> None:
    """After an outage with a new epoch, the client asks for all of the new epoch."""
    tracker = at(4)
    tracker.request()
    other = subscribed({"A": 2}, "e2", recovered=False)
    assert offer(tracker, other) == [("e1", "e2", "new"), AGAIN]
    assert tracker.request()["since"] == {"A": 0}
    assert offer(tracker, subscribed({"A": 2}, "e2", recovered=True)) == []
    assert offer(tracker, trade(1, epoch="e2"), trade(2, epoch="e2")) == [1, 2]


def test_an_epoch_that_begins_while_connected() -> None:
    """The notice is passed on, and the seqs go on from what it says."""
    tracker = at(4)
    assert offer(tracker, epoch_message("e2", "new", {"A": 0})) == [("e1", "e2", "new")]
    assert offer(tracker, epoch_message("e2", "new", {"A": 0})) == []
    assert offer(tracker, trade(1, epoch="e2")) == [1]
    assert offer(tracker, epoch_message("e2", "rewound", {"A": 0})) == [("e2", "e2", "rewound")]
    assert offer(tracker, trade(1, epoch="e2")) == [1]


def test_the_first_epoch_of_a_venue_is_no_break() -> None:
    """Where there was nothing before, the first epoch takes nothing away."""
    tracker = TradeTracker()
    tracker.request()
    assert offer(tracker, subscribed({}, ""), heartbeat({}, "")) == []
    assert tracker.position == Position()
    assert offer(tracker, epoch_message("e1", "new", {"A": 0}), trade(1)) == [1]


def test_a_trade_or_heartbeat_of_an_unknown_epoch_reconnects() -> None:
    """Only the answer to a subscription, or a notice, can say what another epoch means."""
    assert offer(at(4), trade(5, epoch="e2")) == [AGAIN]
    assert offer(at(4), heartbeat({"A": 4}, "e2")) == [AGAIN]


def test_a_service_that_lost_what_was_had() -> None:
    """A position in the future of the venue is told, and given up for the present one."""
    tracker = at(9)
    tracker.request()
    error = {"type": "error", "code": "since_in_future", "message": "the last trade is 6"}
    assert offer(tracker, error) == [("e1", "e1", "rewound"), AGAIN]
    assert "since" not in tracker.request()
    assert offer(tracker, subscribed({"A": 6}), trade(7)) == [7]


def test_a_symbol_that_appears_during_an_outage_is_read_from_its_first_trade() -> None:
    """The client has seen no trade of the symbol, so all of them are missing."""
    tracker = at(4)
    tracker.request()
    assert offer(tracker, subscribed({"A": 4, "B": 2}, recovered=True)) == [AGAIN]
    assert tracker.request()["since"] == {"A": 4, "B": 0}


def test_nothing_counts_before_the_answer() -> None:
    """Until a new connection is answered its heartbeats say nothing about the subscription."""
    tracker = at(4)
    tracker.request()
    assert offer(tracker, heartbeat({"A": 9}), trade(9)) == []
    assert offer(tracker, {"type": "something_new"}) == []


def test_a_delisted_symbol_is_not_asked_for_until_it_is_listed_again() -> None:
    """A request that names it would be refused as a whole; its position stays."""
    tracker = TradeTracker(["A", "B"], Position("e1", {"A": 3, "B": 5}))
    tracker.request()
    offer(tracker, subscribed({"A": 3, "B": 5}), market_message("A", "delisted"))
    asked = tracker.request()
    assert (asked["symbols"], asked["since"]) == (["B"], {"B": 5})
    offer(tracker, subscribed({"B": 5}), market_message("A", "added"))
    asked = tracker.request()
    assert (asked["symbols"], asked["since"]) == (["A", "B"], {"A": 3, "B": 5})
    offer(tracker, subscribed({"A": 3, "B": 5}))
    # Without a symbol the request would be about all of them.
    offer(tracker, market_message("A", "delisted"), market_message("B", "delisted"))
    assert tracker.request()["symbols"] == ["A", "B"]
