"""The player: which requests it makes of which steps, what it counts, when it gives up."""

import asyncio
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tapewire.client import OrderEntry
from tapewire.client.addresses import ServiceAddress
from tapewire.replay.player import Player
from tapewire.replay.report import Report
from tapewire.replay.steps import Amend, Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.types import OrderType, Side
from tests.support.transport.scripted_socket import (
    HELLO,
    SOCKET_OPTIONS,
    ScriptedSocket,
    gateway_that,
)

BUY = Enter(0, "b", Side.BUY, OrderType.LIMIT, "2", "99")
SELL = Enter(1_000, "s", Side.SELL, OrderType.MARKET, "1")
SEED = Enter(0, "seed", Side.BUY, OrderType.LIMIT, "1", "98", is_seed=True)
TIME = "2012-06-21T13:30:00.000000Z"
TIME_US = 1_340_285_400_000_000

# The members of a reply beside its id.
Answer = Callable[[dict[str, Any]], dict[str, Any]]


def done(order_id: int | str, **changes: Any) -> dict[str, Any]:
    """An order that was placed, amended or canceled."""
    order = {"order_id": str(order_id), "remaining_quantity": "2", "timestamp": TIME, "fills": []}
    return {"status": 201, "result": order | changes}


def refused(status: int, code: str) -> dict[str, Any]:
    """A refusal."""
    return {"status": status, "error": {"code": code, "detail": f"{code}."}}


def counting_venue(first_id: int = 1, step: int = 1) -> Answer:
    """A venue that takes every order, with ids that grow by `step`, and cancels every one."""
    next_id = first_id

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        nonlocal next_id
        if request["op"] != "place":
            return done(1)
        next_id += step
        return done(next_id - step)

    return answer


async def play(
    steps: list[Step],
    answer: Answer,
    in_flight_max: int = 4,
    *,
    accounts: int = 1,
    **options: Any,
) -> tuple[Report, list[dict[str, Any]]]:
    """Play against a scripted gateway; the report and the requests."""

    async def serve(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        async for text in socket:
            request = json.loads(text)
            gateway.requests.append((gateway.connections, request))
            await socket.send(json.dumps({"id": request["id"], **answer(request)}))

    async with gateway_that(serve, HELLO | {"in_flight_max": 256}) as (gateway, _):
        entries = [OrderEntry(ServiceAddress(gateway.url), SOCKET_OPTIONS) for _ in range(accounts)]
        player = Player(entries, "X-Y", run_id="r", in_flight_max=in_flight_max, **options)
        try:
            assert [step async for step in player.play(steps)] == steps
        finally:
            for entry in entries:
                await entry.aclose()
    return player.report, [request for _, request in gateway.requests]


async def test_steps_become_requests_in_order() -> None:
    """Orders have names of their own, by which they are canceled."""
    steps: list[Step] = [SEED, BUY, SELL, Cancel(2_000, "b")]
    report, requests = await play(steps, counting_venue(41))

    common = {"symbol": "X-Y", "self_trade_prevention": "none"}
    limit = common | {"side": "buy", "order_type": "limit"}
    market = common | {"side": "sell", "order_type": "market", "quantity": "1"}
    assert [(request["op"], request["params"]) for request in requests] == [
        ("place", limit | {"quantity": "1", "price": "98", "client_order_id": "r-1"}),
        ("place", limit | {"quantity": "2", "price": "99", "client_order_id": "r-2"}),
        ("place", market | {"client_order_id": "r-3"}),
        ("cancel", {"client_order_id": "r-2"}),
    ]
    assert not any("clock_us" in request for request in requests)
    assert (report.orders, report.cancels, report.requests) == (3, 1, 4)
    assert report.labels == {"41": "seed", "42": "b", "43": "s"}


async def test_amends_are_sent_under_the_orders_name() -> None:
    """Quantity and price are sent, the price only if it changes."""
    steps: list[Step] = [BUY, Amend(1, "b", "1"), Amend(2, "b", "3", "98")]
    report, requests = await play(steps, counting_venue(7))

    assert [(request["op"], request["params"]) for request in requests[1:]] == [
        ("amend", {"client_order_id": "r-1", "quantity": "1"}),
        ("amend", {"client_order_id": "r-1", "quantity": "3", "price": "98"}),
    ]
    assert (report.amends, report.requests) == (2, 3)


@pytest.mark.parametrize("in_flight_max", [1, 2, 16])
async def test_a_cancel_reaches_the_newest_order_of_a_label(in_flight_max: int) -> None:
    """An order that is entered again while its first answer is due is the one to cancel."""
    steps: list[Step] = [BUY, BUY, Cancel(1, "b")]
    _, requests = await play(steps, counting_venue(41), in_flight_max)

    assert requests[2]["params"] == {"client_order_id": "r-2"}


async def test_a_cancel_of_a_refused_order_is_no_refusal_of_its_own() -> None:
    """The second order of a label was refused: its cancel never reaches the first."""
    answers = iter([done(1), refused(422, "off_tick"), refused(404, "order_not_found")])
    report, requests = await play([BUY, BUY, Cancel(1, "b")], lambda _: next(answers))

    assert requests[2]["params"] == {"client_order_id": "r-2"}
    assert report.refusals == {"off_tick": 1, "not_entered": 1}


@pytest.mark.parametrize("in_flight_max", [1, 2, 3, 16])
async def test_every_step_is_answered_whatever_the_window(in_flight_max: int) -> None:
    """No answer is lost and none is awaited twice, at any number of requests in flight."""
    steps: list[Step] = []
    for i in range(20):
        steps.append(Enter(i, str(i), Side.BUY, OrderType.LIMIT, "1", "1"))
        if i % 3 == 0:
            steps.append(Cancel(i, str(i // 2)))

    report, requests = await play(steps, counting_venue(), in_flight_max)

    assert (report.orders, report.cancels) == (20, 7)
    assert len(requests) == 27


class Outstanding(OrderEntry):
    """Takes every order and counts how many requests wait for their answer at once."""

    def __init__(self) -> None:
        super().__init__(ServiceAddress("http://127.0.0.1:1"), SOCKET_OPTIONS)
        self.waiting = self.most = self.answered = 0

    def submit(self, call: Any) -> Any:
        """Count one more in flight; it is answered in one of the next turns of the loop."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        answer = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(self._answer, call, answer)
        return answer

    def _answer(self, call: Any, answer: Any) -> None:
        self.waiting -= 1
        self.answered += 1
        answer.set_result(call.decode(json.dumps(done(self.answered)["result"]).encode()))


@pytest.mark.parametrize("in_flight_max", [1, 2, 5])
async def test_the_window_is_used_and_never_passed(in_flight_max: int) -> None:
    """As many requests as allowed are in flight at once, and not one more."""
    entry = Outstanding()
    player = Player([entry], "X-Y", run_id="r", in_flight_max=in_flight_max)
    steps = [Enter(i, str(i), Side.BUY, OrderType.LIMIT, "1", "1") for i in range(20)]
    async for _ in player.play(steps):
        pass

    assert entry.most == in_flight_max
    assert (entry.waiting, entry.answered) == (0, 20)


async def test_several_accounts_take_turns_and_keep_the_order() -> None:
    """Each has a connection of its own; a request waits for the answers on the others."""
    steps: list[Step] = [Enter(i, str(i), Side.BUY, OrderType.LIMIT, "1", "1") for i in range(20)]
    steps.append(Cancel(20, "7"))
    report, requests = await play(steps, counting_venue(), in_flight_max=16, accounts=3)

    assert [request["params"]["client_order_id"] for request in requests] == [
        *(f"r-{number}" for number in range(1, 21)),
        "r-8",
    ]
    assert (report.orders, report.cancels) == (20, 1)


async def test_recorded_time_goes_with_every_request() -> None:
    """Each request has the moment of its step."""
    steps: list[Step] = [BUY, SELL, Amend(2_000, "b", "1"), Cancel(3_000, "b")]
    _, requests = await play(steps, counting_venue(), start_us=TIME_US)

    assert [request["clock_us"] for request in requests] == [
        TIME_US, TIME_US + 1_000, TIME_US + 2_000, TIME_US + 3_000,
    ]  # fmt: skip


async def test_a_market_that_is_ahead_of_the_recording_is_noticed() -> None:
    """The clock of the market never runs backwards, so that recorded times would be lost."""
    with pytest.raises(ReplayError, match="later than the recording begins: start the venue with"):
        await play([BUY], counting_venue(), start_us=TIME_US - 1)


async def test_trades_and_remainders_are_compared_with_the_recording() -> None:
    """Equal trades count one to one; a cancel agrees if as much was left as recorded."""
    fill = {"trade_id": "X-Y-1", "seq": 1, "price": "99.0", "quantity": "1"}
    answers = iter(
        [
            done(1),
            done(2, fills=[fill, fill | {"seq": 2}]),
            done(1, remaining_quantity="1.0"),
            refused(409, "order_closed"),
        ]
    )
    steps: list[Step] = [
        BUY,
        SELL,
        RecordedTrade(5, Decimal(99), Decimal(1)),
        Cancel(6, "b", Decimal(1)),
        Cancel(7, "s", Decimal(3)),
    ]
    report, _ = await play(steps, lambda _: next(answers))

    assert [trade.taker for trade in report.trades] == ["s", "s"]
    assert report.trades_equal == 1
    assert (report.cancels, report.closed_before) == (1, 1)
    assert (report.remainders, report.remainders_equal) == (2, 1)
    text = "\n".join(report.lines())
    assert "1 of 2 trades equal one of the 1 recorded" in text
    assert "1 of 2 cancels found" in text
    report.caveats.append("the file is shallow")
    assert report.lines()[-1] == "this comparison means nothing: the file is shallow"


async def test_refusals_are_counted_by_code() -> None:
    """Orders and changes that the venue refuses, and steps of orders that were never entered."""
    steps: list[Step] = [BUY, SELL, Cancel(2, "s"), Cancel(3, "nobody")]
    answers = iter([refused(422, "off_tick"), done(1), refused(404, "order_not_found")])
    report, requests = await play(steps, lambda _: next(answers))

    assert report.refusals == {"off_tick": 1, "not_entered": 1, "order_not_found": 1}
    assert len(requests) == 3
    assert "off_tick: 1" in "\n".join(report.lines())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(503, "redis_unavailable"), "after 0 requests: redis_unavailable"),
        (refused(503, "outcome_unknown"), "after 0 requests: outcome_unknown"),
        (refused(429, "rate_limited"), "limits the rate .*ORDERS_PER_S=0"),
        ({"status": 201, "result": {"order_id": "1"}}, "after 0 requests: the answer is not"),
    ],
)
async def test_an_unusable_answer_stops_the_replay(answer: dict[str, Any], reason: str) -> None:
    """What is not known, or not in the contract, ends the replay with a sentence."""
    with pytest.raises(ReplayError, match=reason):
        await play([BUY], lambda _: answer)


async def test_a_venue_that_reorders_is_noticed() -> None:
    """Order ids that do not grow mean that the order was not kept."""
    with pytest.raises(ReplayError, match="did not keep the order"):
        await play([BUY, SELL], counting_venue(9, -1))


async def test_speed_keeps_the_recorded_distances() -> None:
    """At speed 10 a step of one recorded second later is sent a tenth of a second later."""
    steps: list[Step] = [BUY, Enter(1_000_000, "c", Side.BUY, OrderType.LIMIT, "1", "99")]
    started_s = time.monotonic()
    report, _ = await play(steps, counting_venue(), speed=10)

    # Only the lower bound: a busy machine may always be later.
    assert time.monotonic() - started_s >= 0.1
    assert report.orders == 2


async def test_fills_that_an_answer_does_not_show_are_read() -> None:
    """Page by page, and the trades of the report are in the order of the venue."""

    def fill(seq: int) -> dict[str, Any]:
        return {
            "trade_id": f"X-Y-{seq}", "seq": seq, "price": "99", "quantity": "1",
            "liquidity": "taker", "fee": "0", "fee_asset": "X", "timestamp": TIME,
            "order_id": "1", "symbol": "X-Y", "side": "buy",
        }  # fmt: skip

    def page(*seqs: int, cursor: str | None) -> dict[str, Any]:
        fills = [fill(seq) for seq in seqs]
        return {"status": 200, "result": {"fills": fills, "next_cursor": cursor}}

    answers = iter(
        [
            done(1, fills=[fill(3)], fills_truncated=True),
            done(2, fills=[fill(4)]),
            page(3, 2, cursor="8-1"),
            page(1, cursor=None),
        ]
    )
    report, requests = await play([BUY, SELL], lambda _: next(answers))
    assert [(trade.seq, trade.taker) for trade in report.trades] == [
        (1, "b"), (2, "b"), (3, "b"), (4, "s"),
    ]  # fmt: skip
    assert [(request["op"], request["params"]) for request in requests[2:]] == [
        ("fills", {"order_id": "1"}), ("fills", {"order_id": "1", "cursor": "8-1"}),
    ]  # fmt: skip
