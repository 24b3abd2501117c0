"""Notices, rounds with a clock, who sees the leaderboard, a fresh start, the audit."""

import json
from typing import Any

import redis

from tapewire import keys
from tests.support.running.gateway_pair import Desk
from tests.support.wait import wait_for


def order(desk: Desk, account: str, side: str, price: str, quantity: str = "10") -> Any:
    """Place a limit order in ACME-USD; returns the answer."""
    body = {"symbol": "ACME-USD", "side": side, "order_type": "limit", "quantity": quantity,
            "price": price}  # fmt: skip
    return desk.here.post("/v1/orders", json=body, headers={"X-Account": account})


def state(desk: Desk, symbol: str = "ACME-USD") -> str:
    """What a market takes now."""
    found: str = desk.there.get(f"/v1/instruments/{symbol}").json()["state"]
    return found


def current_round(desk: Desk) -> dict[str, Any]:
    """The newest round, as the other gateway has it."""
    found: dict[str, Any] = desk.there.get("/v1/round").json()["round"]
    return found


def test_a_notice_is_kept_and_published(desk: Desk) -> None:
    """Every gateway lists it, newest first, and market-data hears of it."""
    client: Any = desk.redis
    with client.pubsub() as subscription:
        subscription.subscribe(keys.VENUE_CHANNEL)
        assert subscription.get_message(timeout=5) is not None
        for text in ("Round 1 begins at noon.", "<b>Lunch</b> & tea"):
            sent = desk.here.post("/v1/admin/notices", json={"text": text})
            assert sent.status_code == 201, sent.text
        told: Any = subscription.get_message(timeout=5)
        event = json.loads(told["data"])
        assert event["change"] == "notice"
        assert event["notice"]["text"] == "Round 1 begins at noon."
    listed = desk.there.get("/v1/notices").json()["notices"]
    assert [notice["text"] for notice in listed] == [
        "<b>Lunch</b> & tea",
        "Round 1 begins at noon.",
    ]


def test_a_round_may_begin_with_an_auction(desk: Desk) -> None:
    """The markets collect orders for the given time, then trade them at one price."""
    desk.add_instrument("ACME-USD")
    body = {"name": "Round 1", "duration_s": 3600, "auction_s": 3600}
    refused = desk.here.post("/v1/admin/round", json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, "auction_s")
    made = desk.here.post("/v1/admin/round", json=body | {"auction_s": 2})
    assert made.status_code == 201, made.text
    ends_at = made.json()["auction_ends_at"]
    assert made.json()["starts_at"] < ends_at < made.json()["ends_at"]
    sold = order(desk, "ann", "sell", "100.00").json()
    bought = order(desk, "ben", "buy", "104.00").json()
    assert (sold["status"], bought["status"]) == ("new", "new")
    assert state(desk) == "auction"
    wait_for(lambda: state(desk) == "trading", "the auction is over")
    found = desk.there.get(f"/v1/orders/{sold['order_id']}", headers={"X-Account": "ann"}).json()
    assert (found["status"], found["fills"][0]["price"]) == ("filled", "102.00")
    assert desk.here.get("/v1/round").json()["now"] >= ends_at


def test_a_notice_is_one_line_of_text(desk: Desk) -> None:
    """Line breaks, control characters and long texts are refused with the field's name."""
    for text in ("", " a", "a\nb", "a\x07b", "x" * 501, 5, None):
        answer = desk.here.post("/v1/admin/notices", json={"text": text})
        assert answer.status_code == 422, text
        assert answer.json()["field"] == "text"


def test_a_round_opens_and_closes_by_the_clock(desk: Desk) -> None:
    """The markets are closed before and after the round, and results count from its start.

    Eve and fay, who traded before the round and have no position, are not in its results.
    """
    desk.add_instrument("ACME-USD")
    desk.here.put("/v1/admin/leaderboard/options", json={"asset": "USD"})
    for seller, buyer in (("eve", "fay"), ("fay", "eve")):
        order(desk, seller, "sell", "100.00")
        order(desk, buyer, "buy", "100.00")
    order(desk, "ann", "sell", "100.00")
    order(desk, "ben", "buy", "100.00")
    order(desk, "cem", "sell", "110.00")
    order(desk, "dee", "buy", "110.00")
    made = desk.here.post("/v1/admin/round", json={"name": "Round 1", "duration_s": 3600})
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "running"
    assert state(desk) == "trading"
    ranks = desk.there.get("/v1/leaderboard").json()
    assert ranks["round"] == 1
    assert {row["pnl"] for row in ranks["ranks"]} <= {"0.00000000"}
    again = desk.here.post("/v1/admin/round", json={"name": "Round 2", "duration_s": 60})
    assert again.json()["code"] == "round_running"
    order(desk, "ann", "sell", "120.00", "1")
    order(desk, "ben", "buy", "120.00", "1")
    order(desk, "ann", "sell", "500.00", "1")
    now = desk.here.get("/v1/round").json()["now"]
    moved = desk.there.patch("/v1/admin/round", json={"ends_at": now})
    assert moved.status_code == 200, moved.text
    wait_for(lambda: current_round(desk)["state"] == "ended", "the round is over")
    assert state(desk) == "cancel_only"
    assert order(desk, "ann", "buy", "90.00").json()["code"] == "market_cancel_only"
    opened = desk.here.get("/v1/orders?status=open", headers={"X-Account": "ann"}).json()
    assert opened["orders"] == []
    results = desk.here.get("/v1/rounds/1/results").json()
    # 100.00 or 110.00 at the start, 120.00 at the end: 10 ACME each were held or owed.
    assert [(row["name"], row["pnl"]) for row in results["ranks"]] == [
        ("ben", "100.00000000"), ("dee", "100.00000000"), ("ann", "-100.00000000"),
        ("cem", "-100.00000000"),
    ]  # fmt: skip
    assert desk.here.get("/v1/rounds/2/results").json()["code"] == "no_results"


def test_an_announced_round_closes_its_markets_until_it_begins(desk: Desk) -> None:
    """Only those that it names; it may be replaced or dropped before."""
    desk.add_instrument("ACME-USD")
    desk.add_instrument("BOLT-USD", base="BOLT")
    body = {"name": "Later", "starts_at": "2099-01-01T00:00:00Z", "duration_s": 60,
            "closed_state": "halted", "symbols": ["ACME-USD"]}  # fmt: skip
    assert desk.here.post("/v1/admin/round", json=body).json()["state"] == "scheduled"
    assert (state(desk), state(desk, "BOLT-USD")) == ("halted", "trading")
    assert desk.here.post("/v1/admin/round/end").json()["state"] == "ended"
    assert desk.here.post("/v1/admin/round/end").json()["code"] == "no_round"
    for wrong, field in (({"starts_at": "2020-01-01T00:00:00Z"}, "starts_at"),
                         ({"duration_s": 0}, "duration_s"), ({"symbols": ["NO"]}, "symbol"),
                         ({"closed_state": "trading"}, "closed_state")):  # fmt: skip
        answer = desk.here.post("/v1/admin/round", json=body | wrong)
        assert answer.json()["field"] == field, answer.text


def test_a_gateway_that_dies_while_it_opens_a_round_is_succeeded(desk: Desk) -> None:
    """The lock of a dead gateway runs out, and another one opens the round."""
    desk.add_instrument("ACME-USD")
    desk.redis.set(keys.CONTEST_LOCK, "of a dead gateway", px=1_500)
    made = desk.here.post("/v1/admin/round", json={"name": "Round 1", "duration_s": 3600})
    assert made.status_code == 201, made.text
    # It was written as far as this when its gateway died.
    record = json.loads(desk.redis.get(keys.ROUND) or b"")
    desk.redis.set(keys.ROUND, json.dumps(record | {"state": "scheduled"}))
    desk.here.put("/v1/admin/markets/ACME-USD", json={"state": "halted"})
    wait_for(lambda: current_round(desk)["state"] == "running", "another gateway opens it")
    assert state(desk) == "trading"


def test_who_sees_the_leaderboard_is_the_organisers_choice(desk: Desk) -> None:
    """Hidden, with aliases, with a delay; administrators see it in any case."""
    desk.add_instrument("ACME-USD")
    order(desk, "ann", "sell", "100.00")
    order(desk, "ben", "buy", "100.00")
    options = "/v1/admin/leaderboard/options"
    assert desk.here.get(options).json()["visibility"] == "all"
    desk.here.put(options, json={"visibility": "admins"})
    assert desk.there.get("/v1/leaderboard").json()["code"] == "leaderboard_hidden"
    assert len(desk.there.get("/v1/admin/leaderboard").json()["ranks"]) == 2
    desk.here.put(options, json={"visibility": "all", "names": "aliases"})
    desk.here.put("/v1/admin/accounts/ann/alias", json={"alias": "Team Blue"})
    names = {row["name"] for row in desk.there.get("/v1/leaderboard").json()["ranks"]}
    assert "Team Blue" in names
    assert not names & {"ann", "ben"}
    desk.here.put(options, json={"delay_s": 3600})
    assert desk.there.get("/v1/leaderboard").json()["ranks"] == []
    wait_for(lambda: kept_boards(desk.redis) > 0, "a leaderboard is kept for later", 20)
    assert desk.there.get("/v1/leaderboard").json()["ranks"] == []
    # As if it had been kept an hour ago.
    client: Any = desk.redis
    (entry,) = client.xrange(keys.LEADERBOARDS, count=1)
    client.delete(keys.LEADERBOARDS)
    client.xadd(keys.LEADERBOARDS, entry[1], id="1-0")
    assert len(desk.there.get("/v1/leaderboard").json()["ranks"]) == 2


def kept_boards(client: redis.Redis) -> int:
    """Leaderboards that are kept for those who see them later."""
    count: Any = client.xlen(keys.LEADERBOARDS)
    return int(count)


def test_a_fresh_start_gives_everybody_the_same(desk: Desk) -> None:
    """Orders are canceled, balances are exactly those of the body, and it may be asked again."""
    desk.add_instrument("ACME-USD")
    order(desk, "ann", "sell", "100.00", "3")
    order(desk, "ben", "buy", "100.00", "1")
    for _ in range(2):
        answer = desk.here.post("/v1/admin/reset", json={"balances": {"USD": "1000.5"}})
        assert answer.status_code == 200, answer.text
        for account in ("ann", "ben"):
            balances = desk.there.get("/v1/account", headers={"X-Account": account}).json()
            amounts = {item["asset"]: item["total"] for item in balances["balances"]}
            assert amounts["USD"] == "1000.50000000"
            assert amounts["ACME"] == "0.00000000"
    assert state(desk) == "cancel_only"
    for body, code in (({"balances": {"NONE": "1"}}, "unknown_asset"),
                       ({"balances": {"USD": "0"}}, "out_of_range"),
                       ({"balances": {"USD": "x"}}, "invalid_decimal"),
                       ({"balances": []}, "invalid_value"), ({}, "missing_field")):  # fmt: skip
        answer = desk.here.post("/v1/admin/reset", json=body)
        assert answer.json()["code"] == code, answer.text
    desk.here.post("/v1/admin/round", json={"name": "Round 1", "duration_s": 3600})
    refused = desk.here.post("/v1/admin/reset", json={"balances": {}})
    assert refused.json()["code"] == "round_running"


def test_an_audit_tells_what_does_not_add_up(desk: Desk) -> None:
    """Clean at first; then a unit of money too much is found."""
    desk.add_instrument("ACME-USD")
    order(desk, "ann", "sell", "100.00")
    assert desk.here.post("/v1/admin/audit").json()["clean"]
    desk.redis.hincrby(keys.SUPPLY, "USD", 1)
    found = desk.here.post("/v1/admin/audit").json()
    assert not found["clean"]
    (supply,) = [check for check in found["checks"] if check["check"] == "supply"]
    assert supply["different_count"] == 1
    assert "USD" in supply["differences"][0]
