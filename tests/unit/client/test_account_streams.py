"""What a client keeps of its account: reports proven, balances proven, orders rebuilt."""

from typing import Any

from tapewire.client import OrderKeeper, OrderReport
from tapewire.client.balance_keeper import BalanceKeeper
from tapewire.client.errors import EpochError, GapError
from tapewire.client.tracker import Position, ReportTracker, Signal
from tests.support.feeds.samples import TIMESTAMP, epoch_message, heartbeat, read, subscribed

AGAIN = Signal.RECONNECT


def report(seq: int, kind: str = "new", epoch: str = "e1", **data: Any) -> dict[str, Any]:
    """An execution report as a client gets it."""
    state = {
        "report": kind, "order_id": "1", "client_order_id": None, "symbol": "A", "side": "buy",
        "order_type": "limit", "time_in_force": "gtc", "price": "1.0", "stop_price": None,
        "quantity": "5", "executed_quantity": "0", "remaining_quantity": "5",
        "cumulative_quote_quantity": "0", "status": "new", "reason": None, "timestamp": TIMESTAMP,
    }  # fmt: skip
    return {"type": "order", "account": "alice", "epoch": epoch, "seq": seq, "data": state | data}


def balances(kind: str, seq: int, epoch: str = "e1", **amounts: str) -> dict[str, Any]:
    """Balances as a client gets them."""
    data = [
        {"asset": asset, "available": amount, "held": "0", "total": amount}
        for asset, amount in amounts.items()
    ]
    return {
        "type": kind, "account": "alice", "epoch": epoch, "seq": seq, "data": data,
        "timestamp": TIMESTAMP,
    }  # fmt: skip


def gap(channel: str, first: int, last: int) -> dict[str, Any]:
    return {"type": "gap", "channel": channel, "account": "alice", "from": first, "to": last}


def offer(core: ReportTracker | BalanceKeeper, *messages: dict[str, Any]) -> list[Any]:
    """What follows: seqs of reports, ranges of gaps, available amounts, the rest as it is."""
    return [shown(item) for message in messages for item in core.offer(read(message))]


def shown(item: Any) -> Any:
    if isinstance(item, OrderReport):
        return item.seq
    if isinstance(item, GapError):
        return item.range
    if isinstance(item, EpochError):
        return item.reason
    if isinstance(item, dict):
        return {asset: balance.available for asset, balance in item.items()}
    return item


def at(seq: int) -> ReportTracker:
    """A tracker that has every report up to `seq`, on an answered connection."""
    tracker = ReportTracker()
    tracker.request()
    assert offer(tracker, subscribed({"orders": seq})) == []
    return tracker


def test_reports_come_in_order_and_once() -> None:
    """As trades do: repeated ones are dropped, and the position is one that resumes."""
    tracker = at(4)
    assert offer(tracker, report(5), report(6), report(5), report(7)) == [5, 6, 7]
    assert tracker.duplicates == 1
    assert tracker.position == Position("e1", {"orders": 7})
    assert tracker.request() == {
        "op": "subscribe", "channels": ["orders"], "since": {"orders": 7}, "epoch": "e1",
    }  # fmt: skip


def test_a_missing_report_is_asked_for_and_then_given_up() -> None:
    """A hole reconnects; only if the next connection shows it again is it a gap."""
    tracker = at(4)
    assert offer(tracker, report(6)) == [AGAIN]
    tracker.request()
    assert offer(tracker, subscribed({"orders": 6}, recovered=True), report(6)) == [
        ("orders", 5, 5), 6,
    ]  # fmt: skip
    assert offer(tracker, heartbeat({"orders": 8})) == [AGAIN]


def test_what_the_service_lost_is_told() -> None:
    """A gap notice, a log that forgot, another epoch."""
    tracker = at(4)
    assert offer(tracker, gap("orders", 5, 7), report(8)) == [("orders", 5, 7), 8]
    assert offer(tracker, gap("balances", 1, 7)) == []
    assert offer(tracker, epoch_message("e2", "new", {"orders": 0, "A": 3})) == ["new"]
    assert offer(tracker, report(1, epoch="e2")) == [1]
    resumed = ReportTracker(Position("e1", {"orders": 2, "A": 9}))
    assert resumed.request()["since"] == {"orders": 2}
    missed = {"orders": {"from": 3, "to": 5}}
    answer = subscribed({"orders": 6}, recovered=False, missed=missed)
    assert offer(resumed, answer, report(6)) == [("orders", 3, 5), 6]


def test_balances_are_the_snapshot_and_its_changes() -> None:
    """Each change replaces what it names; what the snapshot has already is dropped."""
    keeper = BalanceKeeper()
    assert keeper.request() == {"op": "subscribe", "channels": ["balances"]}
    assert offer(keeper, balances("balances", 3, BTC="9")) == []
    assert offer(
        keeper,
        balances("balances_snapshot", 5, BTC="1", USDT="2"),
        balances("balances", 5, BTC="7"),
        balances("balances", 6, USDT="3"),
    ) == [{"BTC": "1", "USDT": "2"}, {"BTC": "1", "USDT": "3"}]
    assert offer(keeper, heartbeat({"balances": 6})) == []


def test_balances_that_miss_something_are_asked_for_again() -> None:
    """A hole or a heartbeat ahead reconnects; after a gap notice a snapshot comes by itself."""
    keeper = BalanceKeeper()
    offer(keeper, balances("balances_snapshot", 5, BTC="1"))
    assert offer(keeper, balances("balances", 7, BTC="2")) == [AGAIN]
    assert offer(keeper, heartbeat({"balances": 6})) == [AGAIN]
    assert offer(keeper, gap("balances", 6, 9), heartbeat({"balances": 9})) == []
    assert offer(keeper, balances("balances_snapshot", 9, BTC="4")) == [{"BTC": "4"}]
    assert offer(keeper, balances("balances", 1, epoch="e2", BTC="1")) == []
    assert offer(keeper, balances("balances_snapshot", 0, epoch="e2")) == [{}]


def test_orders_are_rebuilt_from_reports() -> None:
    """The newest report is the order, its trades are kept, and it is open until it ends."""
    keeper = OrderKeeper()
    trade: dict[str, Any] = {
        "last_price": "1.0",
        "last_quantity": "2",
        "trade_seq": 4,
        "fee": "0.1",
    }
    for message in (
        report(1),
        report(2, order_id="2"),
        report(3, "trade", status="partially_filled", executed_quantity="2", **trade),
        report(4, "canceled", order_id="2", status="canceled"),
    ):
        item = read(message)
        assert isinstance(item, OrderReport)
        keeper.take(item)
    assert list(keeper.orders) == ["1", "2"]
    assert list(keeper.open_orders) == ["1"]
    assert keeper.orders["1"].state.executed_quantity == "2"
    assert [item.trade_seq for item in keeper.orders["1"].trades] == [4]
    assert keeper.seq == 4
