"""Lag policies: every dropped numbered message is in exactly one gap notice."""

from market_data.fanout.lag import (
    LagPolicy,
    gap_frame,
    resume_points,
    slow_consumer_frame,
    states_to_renew,
    thin,
)
from market_data.fanout.ring import Entry, Note
from tests.support.transport.raw_websocket import parse_frames


def entry(channel: str, symbol: str, seq: int | None) -> Entry:
    """Return a message as the ring keeps it."""
    return (f"{channel}/{symbol}/{seq}".encode(), Note(channel, symbol, seq, seq))


def private(text: str) -> Entry:
    """Return a message that may not be dropped."""
    return (text.encode(), None)


def thinned(entries: list[Entry], policy: LagPolicy = LagPolicy.SKIP) -> list[str]:
    """Return what is left, gap notices as `gap symbol from-to`."""
    texts = []
    for frame, note in thin(entries, policy).entries:
        if note is not None and note.is_gap:
            (gap,) = parse_frames(frame)
            assert gap["type"] == "gap"
            texts.append(f"gap {gap['channel']} {gap['symbol']} {gap['from']}-{gap['to']}")
        else:
            texts.append(frame.decode())
    return texts


def test_skip_replaces_a_run_by_one_exact_gap() -> None:
    """Unbroken sequences become one notice with both ends included."""
    assert thinned([entry("trades", "BTC", seq) for seq in range(5, 12)]) == ["gap trades BTC 5-11"]


def test_skip_accounts_for_each_symbol_and_channel() -> None:
    """Each topic has its own notices."""
    entries = [
        entry("trades", "BTC", 1),
        entry("trades", "ETH", 7),
        entry("bbo", "BTC", 3),
        entry("trades", "BTC", 2),
    ]
    assert thinned(entries) == ["gap trades ETH 7-7", "gap bbo BTC 3-3", "gap trades BTC 1-2"]


def test_skip_does_not_claim_what_was_not_dropped() -> None:
    """Numbers missing between two runs, as after a resubscription, are in no notice."""
    entries = [entry("trades", "BTC", seq) for seq in (1, 2, 9, 10)]
    assert thinned(entries) == ["gap trades BTC 1-2", "gap trades BTC 9-10"]


def test_skip_does_not_join_across_an_epoch() -> None:
    """A sequence that starts again is a new run."""
    entries = [entry("trades", "BTC", seq) for seq in (8, 9, 1, 2)]
    assert thinned(entries) == ["gap trades BTC 8-9", "gap trades BTC 1-2"]


def test_private_messages_survive_in_order() -> None:
    """Acknowledgements keep their place around the notices."""
    entries = [private("a"), entry("trades", "BTC", 1), private("b"), entry("trades", "BTC", 2)]
    assert thinned(entries) == ["a", "b", "gap trades BTC 1-2"]


def test_thinning_again_extends_the_notice() -> None:
    """A second lag merges with the first notice, so that notices do not pile up."""
    first = thin([entry("trades", "BTC", seq) for seq in (1, 2)], LagPolicy.SKIP)
    again = thin([*first.entries, entry("trades", "BTC", 3)], LagPolicy.SKIP)
    assert [gap["to"] for frame, _ in again.entries for gap in parse_frames(frame)] == [3]
    assert again.gaps == [Note("trades", "BTC", 1, 3, is_gap=True)]
    assert (first.dropped, again.dropped) == (2, 1)


def test_conflate_keeps_the_newest_state_and_counts_trades() -> None:
    """The newest bbo per symbol survives, trades become a notice."""
    entries = [
        entry("bbo", "BTC", 1),
        entry("trades", "BTC", 1),
        entry("bbo", "ETH", 4),
        entry("bbo", "BTC", 2),
        entry("trades", "BTC", 2),
    ]
    assert thinned(entries, LagPolicy.CONFLATE) == ["bbo/ETH/4", "bbo/BTC/2", "gap trades BTC 1-2"]
    assert thin(entries, LagPolicy.CONFLATE).dropped == 3


def test_messages_without_a_sequence_leave_only_the_newest() -> None:
    """No policy makes a notice for heartbeats."""
    entries = [entry("heartbeat", "", None), (b"newest", Note("heartbeat", "", None, None))]
    assert thinned(entries) == ["newest"]


def test_state_gap_from_an_earlier_skip_is_not_mistaken_for_state() -> None:
    """A notice about a state channel is kept beside the newest state."""
    notice = (b"", Note("bbo", "BTC", 1, 2, is_gap=True))
    assert thinned([notice, entry("bbo", "BTC", 3)], LagPolicy.CONFLATE) == [
        "gap bbo BTC 1-2", "bbo/BTC/3",
    ]  # fmt: skip


def test_resume_points_are_the_last_sequences_delivered() -> None:
    """Resuming from the point asks for exactly what is missing."""
    entries = [
        private("ack"),
        entry("trades", "BTC", 6),
        entry("bbo", "BTC", 1),
        entry("trades", "BTC", 7),
        entry("trades", "ETH", 1),
    ]
    assert resume_points(entries) == {"BTC": 5, "ETH": 0}


def test_messages_are_the_documented_json() -> None:
    """Gap notices have the fields of docs/protocol.md."""
    (gap,) = parse_frames(gap_frame(Note("trades", "BTC", 2, 5, is_gap=True)))
    assert gap == {"type": "gap", "channel": "trades", "symbol": "BTC", "from": 2, "to": 5}
    (error,) = parse_frames(slow_consumer_frame({"BTC": 5}))
    assert (error["type"], error["code"], error["since"]) == ("error", "slow_consumer", {"BTC": 5})


def test_an_account_is_named_as_such() -> None:
    """Gaps of an account name `account`; reports are resumed under the name of their channel."""
    gap = Note("orders", "alice", 3, 5, is_gap=True)
    assert parse_frames(gap_frame(gap)) == [
        {"type": "gap", "channel": "orders", "account": "alice", "from": 3, "to": 5},
    ]
    entries: list[Entry] = [
        (b"", Note("orders", "alice", 7, 7)),
        (b"", Note("balances", "alice", 2, 2)),
        (b"", Note("orders", "alice", 8, 8)),
    ]
    assert resume_points(entries) == {"orders": 6}


def test_states_are_renewed_where_the_policy_says_so() -> None:
    """Balances are sent again after every gap, books only to a client that conflates."""
    gaps = [Note(name, "X", 1, 2, is_gap=True) for name in ("trades", "book10", "balances", "bbo")]
    assert states_to_renew(gaps, LagPolicy.SKIP) == [("balances", "X")]
    assert states_to_renew(gaps, LagPolicy.CONFLATE) == [("book10", "X"), ("balances", "X")]
