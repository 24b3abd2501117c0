"""The sequencer: which messages are delivered, dropped, read from the log, or reported as lost."""

import pytest

from market_data.feed.sequencer import Lost, Positions, Sequencer, Verdict
from tapewire.wire.account_event import AccountEvent, decode_account_event
from tapewire.wire.trade_event import TradeMessage, decode_trade
from tests.support.feeds.trades import trade_message
from tests.support.reference.account_events import change_text, event_text, state_text, terms_text

EPOCH = "e1"


def trade(seq: int, symbol: str = "A", epoch: str = EPOCH) -> TradeMessage:
    return trade_message(seq, symbol, epoch)


def positions(epoch: str = EPOCH, /, **seqs: int) -> Positions:
    return Positions(epoch, seqs, {})


@pytest.fixture
def sequencer() -> Sequencer:
    """A sequencer that has delivered all messages up to A:10 and B:20."""
    started = Sequencer()
    started.start(positions(A=10, B=20))
    return started


def test_the_next_trade_is_delivered(sequencer: Sequencer) -> None:
    """Each seq follows the last one of its symbol; other symbols do not matter."""
    for seq, symbol in ((11, "A"), (21, "B"), (12, "A"), (13, "A"), (22, "B")):
        assert sequencer.offer(trade(seq, symbol)) is Verdict.DELIVER
    assert sequencer.seqs == {"A": 13, "B": 22}
    assert not sequencer.targets


def test_what_was_delivered_is_dropped(sequencer: Sequencer) -> None:
    """The last trade again, or an old one, is a duplicate and changes nothing."""
    assert sequencer.offer(trade(10)) is Verdict.DUPLICATE
    assert sequencer.offer(trade(1)) is Verdict.DUPLICATE
    assert (sequencer.duplicates, sequencer.seqs["A"], sequencer.targets) == (2, 10, {})


def test_a_gap_holds_back_what_comes_after(sequencer: Sequencer) -> None:
    """After a gap the symbol gets no message, not even the next, until the log was read."""
    assert sequencer.offer(trade(13)) is Verdict.BEHIND
    assert sequencer.offer(trade(14)) is Verdict.BEHIND
    assert sequencer.offer(trade(11)) is Verdict.BEHIND
    assert sequencer.targets == {"A": 14}
    assert sequencer.gaps == 1
    assert sequencer.offer(trade(21, "B")) is Verdict.DELIVER


def test_a_refill_closes_the_gap(sequencer: Sequencer) -> None:
    """The messages of the log are sent from the gap on, also those after the target."""
    sequencer.offer(trade(13))
    log = [trade(seq) for seq in (11, 12, 13, 14)]
    assert sequencer.refill("A", log, log_ended=True) == log
    assert (sequencer.seqs["A"], sequencer.targets) == (14, {})
    assert sequencer.offer(trade(14)) is Verdict.DUPLICATE
    assert sequencer.offer(trade(15)) is Verdict.DELIVER


def test_a_refill_in_pages_goes_on_where_it_stopped(sequencer: Sequencer) -> None:
    """A page that does not reach the target leaves the symbol behind, without a loss."""
    sequencer.offer(trade(14))
    first, second = [trade(11), trade(12)], [trade(13), trade(14)]
    assert sequencer.refill("A", first, log_ended=False) == first
    assert sequencer.targets == {"A": 14}
    assert sequencer.refill("A", second, log_ended=True) == second
    assert not sequencer.targets


def test_a_refill_repeats_nothing(sequencer: Sequencer) -> None:
    """Logged trades up to the last delivered one are skipped."""
    sequencer.offer(trade(12))
    log = [trade(seq) for seq in (9, 10, 11, 12)]
    assert sequencer.refill("A", log, log_ended=True) == log[2:]


@pytest.mark.parametrize(
    ("log", "sent"),
    [
        ([13, 14], [(11, 12), 13, 14]),
        ([11, 14], [11, (12, 13), 14]),
        ([11, 12], [11, 12, (13, 14)]),
        ([], [(11, 14)]),
        ([12, 16], [(11, 11), 12, (13, 15), 16]),
    ],
)
def test_losses_are_told_exactly(
    sequencer: Sequencer, log: list[int], sent: list[int | tuple[int, int]]
) -> None:
    """Trades missing at the start, in the middle or at the end of the log are reported in place."""
    sequencer.offer(trade(14))
    items = sequencer.refill("A", [trade(seq) for seq in log], log_ended=True)
    assert [
        (item.first, item.last) if isinstance(item, Lost) else item.event.seq for item in items
    ] == sent
    assert sequencer.seqs["A"] == max(14, *log, 0)
    assert not sequencer.targets


def test_positions_show_a_gap_that_no_trade_shows(sequencer: Sequencer) -> None:
    """A later position of the venue sets a target; an equal or earlier position does not."""
    assert sequencer.expect(positions(A=10, B=19))
    assert not sequencer.targets
    assert sequencer.expect(positions(A=12, B=20, C=1))
    assert sequencer.targets == {"A": 12, "C": 1}


def test_a_target_never_shrinks_by_older_news(sequencer: Sequencer) -> None:
    """Positions read before the newest trade arrived do not lower the target."""
    sequencer.offer(trade(15))
    sequencer.expect(positions(A=12))
    assert sequencer.targets == {"A": 15}


def test_another_epoch_is_not_judged(sequencer: Sequencer) -> None:
    """A trade of another epoch changes nothing, and positions of another epoch are refused."""
    assert sequencer.offer(trade(11, epoch="e2")) is Verdict.UNKNOWN
    assert not sequencer.expect(positions("e2", A=5))
    assert (sequencer.seqs, sequencer.targets) == ({"A": 10, "B": 20}, {})


def test_an_unknown_symbol_is_not_judged(sequencer: Sequencer) -> None:
    """The first trade of an unknown symbol waits until Redis has confirmed the symbol."""
    assert sequencer.offer(trade(1, "NEW")) is Verdict.UNKNOWN
    assert sequencer.expect(positions(NEW=1))
    assert sequencer.targets == {"NEW": 1}
    assert sequencer.refill("NEW", [trade(1, "NEW")], log_ended=True) == [trade(1, "NEW")]


def test_a_log_that_proves_nothing_is_doubted(sequencer: Sequencer) -> None:
    """A log that ends before the target is doubtful; a full page or a reached target is not."""
    sequencer.offer(trade(13))
    assert sequencer.doubts("A", [trade(11)], log_ended=True)
    assert sequencer.doubts("A", [], log_ended=True)
    assert sequencer.doubts("A", [trade(13, epoch="e2")], log_ended=False)
    assert not sequencer.doubts("A", [trade(11)], log_ended=False)
    assert not sequencer.doubts("A", [trade(11), trade(12), trade(13)], log_ended=True)


def test_a_target_that_never_was_is_given_up(sequencer: Sequencer) -> None:
    """A seq beyond the venue's own position is corrected, and real trades go on from there."""
    sequencer.offer(trade(2**53))
    sequencer.offer(trade(99, "B"))
    assert sequencer.correct(positions(A=10, B=22))
    assert sequencer.targets == {"B": 22}
    assert not sequencer.correct(positions(A=10, B=22))
    assert sequencer.offer(trade(11)) is Verdict.DELIVER


def test_targets_of_an_epoch_that_ended_are_given_up(sequencer: Sequencer) -> None:
    """With the venue in another epoch, all targets are given up."""
    sequencer.offer(trade(12))
    assert sequencer.correct(positions("e2", A=50))
    assert not sequencer.targets


def test_a_restart_takes_the_new_epoch_from_its_first_trade(sequencer: Sequencer) -> None:
    """Old positions are forgotten, and the messages of the new epoch are still to be read."""
    sequencer.offer(trade(12))
    sequencer.restart(positions("e2", A=3, C=0))
    assert (sequencer.epoch, sequencer.targets) == ("e2", {"A": 3})
    assert sequencer.offer(trade(1, "C", "e2")) is Verdict.DELIVER
    log = [trade(seq, "A", "e2") for seq in (1, 2, 3)]
    assert sequencer.refill("A", log, log_ended=True) == log
    assert sequencer.offer(trade(13)) is Verdict.UNKNOWN


def test_a_venue_that_went_back_is_followed(sequencer: Sequencer) -> None:
    """After a rewind the later numbers are delivered again, and older targets are gone."""
    sequencer.expect(positions(A=15))
    sequencer.rewind({"A": 7})
    assert (sequencer.seqs["A"], sequencer.targets) == (7, {})
    assert sequencer.offer(trade(8)) is Verdict.DELIVER
    assert sequencer.offer(trade(8)) is Verdict.DUPLICATE


def test_messages_keep_their_bytes() -> None:
    """The delivered message is the object that was offered."""
    sequencer = Sequencer()
    sequencer.start(positions(A=0))
    payload = trade(1).payload
    message = decode_trade(payload)
    sequencer.offer(trade(3))
    (sent, *_) = sequencer.refill("A", [message, trade(2), trade(3)], log_ended=True)
    assert isinstance(sent, TradeMessage)
    assert sent.payload is payload


def happened(seq: int, balance_seq: int, reports: int, has_balances: bool) -> AccountEvent:
    """A message of alice after which her account has these numbers."""
    change = change_text("new", "1", terms_text("alice"), state_text("new"))
    payload = event_text(
        "alice",
        seq,
        balance_seq,
        balances=[("BTC", 1, 0)] if has_balances else [],
        changes=[change] * reports,
    )
    return decode_account_event(payload)


def test_a_message_may_have_several_numbers() -> None:
    """Reports and changes of balances count together; each message has to follow the last one."""
    line = Sequencer(EPOCH)
    line.begin("alice", 10)
    assert line.offer(happened(8, 5, 2, has_balances=True)) is Verdict.DELIVER
    assert line.seqs == {"alice": 13}
    assert line.offer(happened(8, 5, 2, has_balances=True)) is Verdict.DUPLICATE
    assert line.offer(happened(9, 7, 1, has_balances=True)) is Verdict.BEHIND
    assert line.targets == {"alice": 16}
    missed = [happened(8, 6, 0, has_balances=True), happened(9, 7, 1, has_balances=True)]
    assert line.refill("alice", missed, log_ended=True) == missed
    assert (line.seqs, line.targets) == ({"alice": 16}, {})


def test_a_name_is_followed_from_anywhere_until_it_is_forgotten() -> None:
    """A name begins at its number, gets a target, and is forgotten without a trace."""
    line = Sequencer(EPOCH)
    line.begin("alice", 10)
    line.reach("alice", 9)
    assert not line.targets
    line.reach("alice", 12)
    assert line.targets == {"alice": 12}
    line.forget("alice")
    line.forget("alice")
    assert (line.seqs, line.targets) == ({}, {})
    assert line.offer(happened(8, 5, 2, has_balances=True)) is Verdict.UNKNOWN
