"""What accounts were told, against what is: each log read from its beginning gives the account."""

from collections import defaultdict
from typing import Any

from tapewire import keys
from tapewire.values.types import Account, OrderId
from tests.support.reference.machine_world import ACCOUNTS, DAVE

RECORD, FIELD = "\x1e", "\x1f"
NO_REPORT_OF_END = {"new", "partially_filled", "filled"}

Dump = dict[str, tuple[Any, bool]]


def check_account_logs(dump: Dump, heard: list[bytes]) -> None:
    """Logs are what was published; they have no gap, and end with what Redis has."""
    published: dict[str, list[bytes]] = defaultdict(list)
    for event in heard:
        published[event.decode().partition("|")[0]].append(event)
    assert published.keys() <= {*ACCOUNTS, DAVE}
    for account in (*ACCOUNTS, DAVE):
        log = dump.get(keys.account_log(account), ([], False))[0]
        events = [fields[b"event"] for _, fields in log]
        assert events == published[account]
        _check_log(dump, account, [name.decode() for name, _ in log], events)


def _check_log(dump: Dump, account: Account, names: list[str], events: list[bytes]) -> None:
    seq = balance_seq = 0
    balances: dict[str, tuple[str, str]] = {}
    orders: dict[str, tuple[str, str]] = {}
    fills: dict[str, list[str]] = defaultdict(list)
    for name, event in zip(names, events, strict=True):
        header, changed, *changes = event.decode().split(RECORD)
        told, _epoch, new_seq, new_balance_seq, _time_us = header.split("|")
        assert told == account
        assert name == f"{new_seq}-{new_balance_seq}"
        for part in filter(None, changed.split(";")):
            asset, available, held = part.split(",")
            assert balances.get(asset) != (available, held), "no change was told as one"
            balances[asset] = available, held
        balance_seq += bool(changed)
        for change in changes:
            kind, order_id, terms, state, traded = change.split(FIELD)
            assert (order_id not in orders) == (kind == "new")
            lines = traded.split(";") if traded else []
            ended = state.partition("|")[0] not in NO_REPORT_OF_END
            assert kind or lines or ended, "a change is told by at least one report"
            seq += bool(kind) + len(lines) + ended
            orders[order_id] = terms, state
            fills[order_id] += lines
        assert (int(new_seq), int(new_balance_seq)) == (seq, balance_seq)
    _check_account(dump, account, balances, {"seq": seq, "balance_seq": balance_seq})
    for order_id, told_last in orders.items():
        record = _texts(dump[keys.order(OrderId(order_id))][0])
        assert told_last == (record["terms"], record["state"])
        assert sorted(fills[order_id]) == sorted(
            f"{name[1:]},{value}" for name, value in record.items() if name[1:].isdigit()
        )


def _check_account(
    dump: Dump, account: Account, balances: dict[str, tuple[str, str]], seqs: dict[str, int]
) -> None:
    """The last balances and numbers that were told are those that are kept."""
    record = _texts(dump.get(keys.account(account), ({}, False))[0])
    for name, seq in seqs.items():
        assert int(record.get(name, 0)) == seq
    for name, value in record.items():
        kind, _, asset = name.partition(":")
        if kind in {"available", "held"}:
            at = 0 if kind == "available" else 1
            assert balances.get(asset, ("0", "0"))[at] == value


def _texts(record: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in record.items()}
