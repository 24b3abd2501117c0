"""The player: which requests it makes of which steps, what it counts, when it gives up."""

import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from tapewire.replay.connection import GatewayConnection, Reply
from tapewire.replay.player import Player
from tapewire.replay.report import Report
from tapewire.replay.steps import Amend, Cancel, Enter, RecordedTrade, ReplayError, Step
from tapewire.values.types import OrderType, Side
from tests.support.transport.scripted_gateway import (
    Request,
    ScriptedGateway,
    reply,
    scripted_gateway,
)

BUY = Enter(0, "b", Side.BUY, OrderType.LIMIT, "2", "99")
SELL = Enter(1_000, "s", Side.SELL, OrderType.MARKET, "1")
SEED = Enter(0, "seed", Side.BUY, OrderType.LIMIT, "1", "98", is_seed=True)


def counting_venue(first_id: int = 1, step: int = 1) -> Callable[[Request], bytes]:
    """A venue that takes every order, with ids that grow by `step`, and cancels every one."""
    next_id = first_id

    def answer(request: Request) -> bytes:
        nonlocal next_id
        if request.method in {"DELETE", "PATCH"}:
            return reply(200, {"remaining_quantity": "2"})
        next_id += step
        return reply(201, {"order_id": str(next_id - step), "fills": []})

    return answer


def play(
    steps: list[Step], answer: Callable[[Request], bytes], in_flight_max: int = 4
) -> tuple[Report, ScriptedGateway]:
    """Play against a scripted gateway, as fast as it goes."""
    with scripted_gateway(answer) as gateway:
        connection = GatewayConnection(gateway.url)
        try:
            player = Player(connection, "X-Y", in_flight_max=in_flight_max)
            assert list(player.play(steps)) == steps
        finally:
            connection.close()
    return player.report, gateway


def test_steps_become_requests_in_order() -> None:
    """Orders are posted, cancels use the venue's id and the order's account."""
    steps: list[Step] = [SEED, BUY, SELL, Cancel(2_000, "b")]
    report, gateway = play(steps, counting_venue(41))

    limit = {"symbol": "X-Y", "side": "buy", "order_type": "limit"}
    market = {"symbol": "X-Y", "side": "sell", "order_type": "market", "quantity": "1"}
    assert gateway.requests == [
        Request("POST", "/v1/orders", "replay-seed", limit | {"quantity": "1", "price": "98"}),
        Request("POST", "/v1/orders", "replay-buy", limit | {"quantity": "2", "price": "99"}),
        Request("POST", "/v1/orders", "replay-sell", market),
        Request("DELETE", "/v1/orders/42", "replay-buy", None),
    ]
    assert (report.orders, report.cancels, report.requests) == (3, 1, 4)
    assert report.labels == {"41": "seed", "42": "b", "43": "s"}


def test_amends_are_sent_under_the_orders_id() -> None:
    """Quantity and price go in a PATCH, the price only if it changes; a refusal is counted."""
    steps: list[Step] = [BUY, Amend(1, "b", "1"), Amend(2, "b", "3", "98")]
    report, gateway = play(steps, counting_venue(7))

    assert gateway.requests[1:] == [
        Request("PATCH", "/v1/orders/7", "replay-buy", {"quantity": "1"}),
        Request("PATCH", "/v1/orders/7", "replay-buy", {"quantity": "3", "price": "98"}),
    ]
    assert (report.amends, report.requests) == (2, 3)


@pytest.mark.parametrize("in_flight_max", [1, 2, 16])
def test_a_cancel_reaches_the_newest_order_of_a_label(in_flight_max: int) -> None:
    """An order that is entered again while its first answer is due is the one to cancel."""
    steps: list[Step] = [BUY, BUY, Cancel(1, "b")]
    _, gateway = play(steps, counting_venue(41), in_flight_max)

    assert [request.path for request in gateway.requests][2:] == ["/v1/orders/42"]


def test_a_cancel_never_reaches_an_older_order_of_its_label() -> None:
    """When the second order of a label is refused, its cancel is not sent."""
    answers = iter([reply(201, {"order_id": "1", "fills": []}), reply(422, {"code": "off_tick"})])
    report, gateway = play([BUY, BUY, Cancel(1, "b")], lambda _: next(answers))

    assert len(gateway.requests) == 2
    assert report.refusals == {"off_tick": 1, "not_entered": 1}


@pytest.mark.parametrize("in_flight_max", [1, 2, 3, 16])
def test_every_step_is_answered_whatever_the_window(in_flight_max: int) -> None:
    """No answer is lost and none is awaited twice, at any number of requests in flight."""
    steps: list[Step] = []
    for i in range(20):
        steps.append(Enter(i, str(i), Side.BUY, OrderType.LIMIT, "1", "1"))
        if i % 3 == 0:
            steps.append(Cancel(i, str(i // 2)))

    report, gateway = play(steps, counting_venue(), in_flight_max)

    assert (report.orders, report.cancels) == (20, 7)
    assert len(gateway.requests) == 27


class Outstanding(GatewayConnection):
    """Takes every order and counts how many requests wait for their answer at once."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1")
        self.waiting = self.most = self.answered = 0

    def send(self, method: str, path: str, account: str, body: object = None) -> None:
        """Count one more on its way."""
        del method, path, account, body
        self.waiting += 1
        self.most = max(self.most, self.waiting)

    def receive(self) -> Reply:
        """Answer the oldest."""
        assert self.waiting > 0
        self.waiting -= 1
        self.answered += 1
        return Reply(201, {"order_id": str(self.answered), "fills": []})


@pytest.mark.parametrize("in_flight_max", [1, 2, 5])
def test_the_window_is_used_and_never_passed(in_flight_max: int) -> None:
    """As many requests as allowed are on their way at once, and not one more."""
    connection = Outstanding()
    player = Player(connection, "X-Y", in_flight_max=in_flight_max)
    for _ in player.play(Enter(i, str(i), Side.BUY, OrderType.LIMIT, "1", "1") for i in range(20)):
        pass

    assert connection.most == in_flight_max
    assert (connection.waiting, connection.answered) == (0, 20)


def test_trades_and_remainders_are_compared_with_the_recording() -> None:
    """Equal trades count one to one; a cancel agrees if as much was left as recorded."""
    fill = {"trade_id": "X-Y-1", "seq": 1, "price": "99.0", "quantity": "1"}
    answers = iter(
        [
            reply(201, {"order_id": "1", "fills": []}),
            reply(201, {"order_id": "2", "fills": [fill, fill | {"seq": 2}]}),
            reply(200, {"remaining_quantity": "1.0"}),
            reply(409, {"code": "order_closed"}),
        ]
    )
    steps: list[Step] = [
        BUY,
        SELL,
        RecordedTrade(5, Decimal(99), Decimal(1)),
        Cancel(6, "b", Decimal(1)),
        Cancel(7, "s", Decimal(3)),
    ]
    report, _ = play(steps, lambda _: next(answers))

    assert [trade.taker for trade in report.trades] == ["s", "s"]
    assert report.trades_equal == 1
    assert (report.cancels, report.closed_before) == (1, 1)
    assert (report.remainders, report.remainders_equal) == (2, 1)
    text = "\n".join(report.lines())
    assert "1 of 2 trades equal one of the 1 recorded" in text
    assert "1 of 2 cancels found" in text
    report.caveats.append("the file is shallow")
    assert report.lines()[-1] == "this comparison means nothing: the file is shallow"


def test_refusals_are_counted_by_code() -> None:
    """A refused order is counted, and its cancel is not sent."""
    steps: list[Step] = [BUY, Cancel(1, "b"), SELL, Cancel(2, "s")]
    answers = iter(
        [
            reply(422, {"code": "off_tick"}),
            reply(201, {"order_id": "1", "fills": []}),
            reply(404, {"code": "order_not_found"}),
        ]
    )
    report, gateway = play(steps, lambda _: next(answers))

    assert report.refusals == {"off_tick": 1, "not_entered": 1, "order_not_found": 1}
    assert len(gateway.requests) == 3
    assert "off_tick: 1" in "\n".join(report.lines())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(503, {"detail": "Redis is away."}), "503 after 0 requests: Redis is away."),
        (reply(201, {"order_id": "1"}), "not as documented: KeyError"),
        (reply(201, {"order_id": "one", "fills": []}), "not as documented: ValueError"),
        (reply(422, {}), "not as documented"),
    ],
)
def test_an_unusable_answer_stops_the_replay(answer: bytes, reason: str) -> None:
    """5xx and answers outside the contract end the replay with a sentence."""
    with pytest.raises(ReplayError, match=reason):
        play([BUY], lambda _: answer)


def test_a_venue_that_reorders_is_noticed() -> None:
    """Order ids that do not grow mean that the order was not kept."""
    with pytest.raises(ReplayError, match="did not keep the order"):
        play([BUY, SELL], counting_venue(9, -1))


def test_speed_keeps_the_recorded_distances() -> None:
    """At speed 10 a step of one recorded second later is sent a tenth of a second later."""
    steps: list[Step] = [BUY, Enter(1_000_000, "c", Side.BUY, OrderType.LIMIT, "1", "99")]
    with scripted_gateway(counting_venue()) as gateway:
        connection = GatewayConnection(gateway.url)
        player = Player(connection, "X-Y", speed=10)
        started_s = time.monotonic()
        for _ in player.play(steps):
            pass
        elapsed_s = time.monotonic() - started_s
        connection.close()

    # Only the lower bound: a busy machine may always be later.
    assert elapsed_s >= 0.1
    assert player.report.orders == 2


def test_fills_that_an_answer_does_not_show_are_read() -> None:
    """Page by page, and the trades of the report are in the order of the venue."""

    def fill(seq: int) -> dict[str, str | int]:
        return {"trade_id": f"X-Y-{seq}", "seq": seq, "price": "99", "quantity": "1"}

    answers = iter(
        [
            reply(201, {"order_id": "1", "fills": [fill(3)], "fills_truncated": True}),
            reply(201, {"order_id": "2", "fills": [fill(4)], "fills_truncated": False}),
            reply(200, {"fills": [fill(3), fill(2)], "next_cursor": "8-1"}),
            reply(200, {"fills": [fill(1)], "next_cursor": None}),
        ]
    )
    report, gateway = play([BUY, SELL], lambda _: next(answers), in_flight_max=2)
    assert [(trade.seq, trade.taker) for trade in report.trades] == [
        (1, "b"), (2, "b"), (3, "b"), (4, "s"),
    ]  # fmt: skip
    path = "/v1/fills?order_id=1&limit=500"
    assert [request.path for request in gateway.requests][2:] == [path, f"{path}&cursor=8-1"]
    assert {request.account for request in gateway.requests[2:]} == {"replay-buy"}
