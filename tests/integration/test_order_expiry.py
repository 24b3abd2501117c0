"""What ends by the clock: gtd orders and the dead-man timer, exactly once over two gateways."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order_gateway.schemas import TimerReply
from tapewire import keys
from tapewire.values.timestamps import format_timestamp, parse_timestamp
from tapewire.values.types import Symbol
from tests.support.running.gateway_pair import Desk
from tests.support.structures import read_exactly
from tests.support.transport.order_bodies import LIMIT_ORDER
from tests.support.transport.rest import place, refused
from tests.support.wait import moments_us, wait_for


def in_seconds(seconds: float) -> str:
    """A moment from now, on the clock of this machine, which is that of Redis here."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def placed_until(desk: Desk, *bodies: dict[str, Any]) -> list[str]:
    """Place orders in one batch, before the moment soon at which all of them expire; their ids."""
    for moment_us in moments_us():
        timed = [body | {"expire_at": format_timestamp(moment_us)} for body in bodies]
        reply = desk.here.post("/v1/orders/batch", json={"orders": timed})
        results = reply.json()["results"]
        if all(result["status"] == 201 for result in results):
            return [result["body"]["order_id"] for result in results]
        assert {result["status"] for result in results} == {422}, "the moment is over for some"
    raise AssertionError("no moment was late enough")


def statuses(desk: Desk, account: str | None = None) -> list[tuple[str, str | None]]:
    """Status and reason of every order of an account, oldest first."""
    headers = {} if account is None else {"X-Account": account}
    orders = desk.there.get("/v1/orders", headers=headers).json()["orders"]
    return [(order["status"], order["reason"]) for order in orders[::-1]]


def test_orders_end_by_their_date_exactly_once(desk: Desk) -> None:
    """Two gateways look for them; the journal has each once, and the book none."""
    place(desk.here)
    timed = {"time_in_force": "gtd"}
    stop = {name: value for name, value in LIMIT_ORDER.items() if name != "price"} | {
        "order_type": "stop",
        "stop_price": "70000",
    }
    ending = placed_until(desk, *[LIMIT_ORDER | timed] * 20, stop | timed)
    wait_for(lambda: statuses(desk)[1:] == [("expired", "expired")] * 21, "all of them expire")
    assert statuses(desk)[:1] == [("new", None)]
    order = desk.there.get(f"/v1/orders/{ending[0]}").json()
    assert parse_timestamp(order["updated_timestamp"]) >= parse_timestamp(order["expire_at"])
    ended = [
        order_id
        for entry in desk.journal("expire")
        for order_id in entry[b"result"].decode().partition("\x1f")[0].split(",")
    ]
    assert sorted(ended, key=int) == ending
    refused(desk.here.delete(f"/v1/orders/{ending[0]}"), 409, "order_closed")


def test_a_date_in_the_past_is_refused(desk: Desk) -> None:
    """By the clock of the venue; a repeated request still gets its order when the date is over."""
    body = LIMIT_ORDER | {"time_in_force": "gtd"}
    past = desk.here.post("/v1/orders", json=body | {"expire_at": in_seconds(-5)})
    assert refused(past, 422, "out_of_range").field == "expire_at"
    (first,) = placed_until(desk, body | {"client_order_id": "my-1"})
    wait_for(lambda: statuses(desk) == [("expired", "expired")], "it expires")
    known = desk.here.get(f"/v1/orders/{first}").json()
    soon = body | {"expire_at": known["expire_at"], "client_order_id": "my-1"}
    again = desk.there.post("/v1/orders", json=soon)
    assert (again.status_code, again.json()["order_id"]) == (200, first)


def arm(desk: Desk, timeout_s: object, account: str) -> dict[str, Any]:
    """Set the dead-man timer of an account."""
    reply = desk.here.post(
        "/v1/cancel-all-after", json={"timeout_s": timeout_s}, headers={"X-Account": account}
    )
    assert reply.status_code == 200, reply.text
    read_exactly(reply.content, TimerReply)
    answer: dict[str, Any] = reply.json()
    return answer


def test_the_dead_man_timer_cancels_all_orders_of_its_account_once(desk: Desk) -> None:
    """Those of others stay; it may be put off or disarmed, and is disarmed when it has fired."""
    for account in ("alice", "bob", "carol"):
        place(desk.here, account=account)
        place(desk.here, account=account, symbol="ETH-USDT", price="3000")
        assert arm(desk, 60, account)["fires_at"] is not None
    assert arm(desk, 0, "bob") == {"timeout_s": 0, "fires_at": None}
    later = arm(desk, 600, "carol")
    assert later["fires_at"] > in_seconds(500)
    assert timers(desk) == ["alice", "carol"]
    arm(desk, 1, "alice")
    wait_for(lambda: statuses(desk, "alice") == [("canceled", "dead_man")] * 2, "it fires")
    place(desk.here, account="alice")
    assert timers(desk) == ["carol"]
    assert len(desk.journal("expire")) == 1
    for account in ("bob", "carol"):
        assert statuses(desk, account) == [("new", None)] * 2
    assert statuses(desk, "alice")[2:] == [("new", None)]


def timers(desk: Desk) -> list[str]:
    """The accounts with an armed timer, the next to fire first."""
    armed: Any = desk.redis.zrange(keys.DEAD_MAN, 0, -1)
    return [account.decode() for account in armed]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"timeout_s": -1}, "invalid_value"),
        ({"timeout_s": 86_401}, "out_of_range"),
        ({"timeout_s": 1.5}, "invalid_value"),
        ({"timeout_s": None}, "invalid_value"),
        ({"timeout_s": True}, "invalid_value"),
        ({"timeout_s": 5, "symbol": "BTC-USDT"}, "unknown_field"),
    ],
)
def test_a_wrong_timer_is_refused(desk: Desk, body: dict[str, Any], code: str) -> None:
    """Nothing is armed."""
    refused(desk.here.post("/v1/cancel-all-after", json=body), 422, code)
    assert desk.redis.zcard(keys.DEAD_MAN) == 0


def test_a_clock_that_jumps_back_turns_no_time_back(desk: Desk) -> None:
    """The venue was an hour ahead: its orders go on from there, and nothing ends twice."""
    first = place(desk.here)
    market = keys.market(Symbol("BTC-USDT"))
    state: Any = desk.redis.hget(market, "state")
    ahead_us = parse_timestamp(first["timestamp"]) + 3_600_000_000
    desk.redis.hset(market, "state", state.decode().rpartition("|")[0] + f"|{ahead_us}")
    maker = place(desk.there, side="sell")
    second = place(desk.there)
    assert parse_timestamp(maker["timestamp"]) == parse_timestamp(second["timestamp"]) == ahead_us
    body = LIMIT_ORDER | {"time_in_force": "gtd", "expire_at": in_seconds(60)}
    refused(desk.here.post("/v1/orders", json=body), 422, "out_of_range")
    assert place(desk.here, time_in_force="gtd", expire_at=in_seconds(7_200))["status"] == "new"
    canceled = desk.here.delete(f"/v1/orders/{second['order_id']}").json()
    assert canceled["updated_timestamp"] >= second["timestamp"]
