"""A session without a network: order of starts and replies, bounds, joined writes, drain."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
import pytest
from msgspec import Struct

from order_gateway.examples import FILLED_EXAMPLE
from order_gateway.operations import Operations
from order_gateway.rate_limit import RateLimits
from order_gateway.replies import Reply
from order_gateway.schemas import BatchReply, CanceledReply, OrdersReply, PartResult, ReplaceReply
from order_gateway.ws.messages import Pong
from order_gateway.ws.orders import PlacedOrders
from order_gateway.ws.session import IN_FLIGHT_MAX, Session
from tapewire.errors import Conflict, OutcomeUnknown, Unavailable
from tapewire.values.types import Account, OrderId
from tapewire.web.problem import problem_of
from tapewire.wire.orders import OrderReply
from tests.support.transport.raw_websocket import parse_frames
from tests.support.wait import wait_until

ALICE = Account("alice")
NOTHING = Pong()


class ScriptedOperations:
    """Each operation waits until the test answers it; `started` is their order."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: list[asyncio.Future[Reply]] = []

    async def run(
        self, op: str, account: Account, params: Mapping[str, Any], clock_us: int | None = None
    ) -> Reply:
        assert (account, clock_us) == (ALICE, None)
        self.started.append((op, params))
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    def hear_clock(self, clock_us: int | None) -> None:
        assert clock_us is None

    async def cancel(self, account: Account, params: Mapping[str, Any], reason: str) -> Reply:
        assert reason == "disconnect"
        return await self.run("cancel", account, params)

    def answer(self, index: int, answer: Struct = NOTHING, status: int = 200) -> None:
        """Answer the operation that was started as number `index`."""
        self.answers[index].set_result(Reply(status, answer))


class RecordingSocket:
    """Remembers what a session does to its connection."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.reading = True
        self.closed: tuple[int, str] | None = None

    @property
    def write(self) -> Callable[[bytes], None]:
        return self.writes.append

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


class Connection:
    """A session between its two ends."""

    def __init__(self, orders_max: int | None = None) -> None:
        self.operations = ScriptedOperations()
        operations = cast("Operations", self.operations)
        self.socket = RecordingSocket()
        self.ended: list[Session] = []
        self.refusals: Counter[str] = Counter()
        self.orders = (
            None if orders_max is None else PlacedOrders(operations, ALICE, orders_max=orders_max)
        )
        self.session = Session(
            self.socket,
            operations,
            RateLimits(None, None),
            account=ALICE,
            address=None,
            orders=self.orders,
            on_closed=self.ended.append,
            refusals=self.refusals,
        )
        self.sent = 0

    def send(self, *ops: str, **params: Any) -> None:
        """Messages of the client, numbered on."""
        for op in ops:
            self.sent += 1
            message = {"id": self.sent, "op": op, "params": params}
            self.session.text_received(json.dumps(message))

    def replies(self) -> list[dict[str, Any]]:
        """Every reply so far."""
        return parse_frames(b"".join(self.socket.writes))

    async def replied(self, count: int) -> None:
        """Wait for so many replies."""
        await wait_until(lambda: len(self.replies()) >= count, f"{count} replies")

    async def started(self, count: int) -> None:
        """Wait until so many operations were started."""
        await wait_until(lambda: len(self.operations.started) >= count, f"{count} started")


async def test_replies_wait_for_those_before_them() -> None:
    """An answer that comes early is written behind the ones that are due before it."""
    connection = Connection()
    connection.send("place", "order", "place")
    await connection.started(3)
    for index in (2, 1):
        connection.operations.answer(index)
    connection.send("ping")
    await asyncio.sleep(0)
    assert connection.replies() == []
    connection.operations.answer(0)
    await connection.replied(4)
    assert [reply["id"] for reply in connection.replies()] == [1, 2, 3, 4]


async def test_replies_of_one_turn_leave_in_one_write() -> None:
    """A hundred answers at once cost one call of the transport."""
    connection = Connection()
    connection.send(*["place"] * 100)
    await connection.started(100)
    for index in range(100):
        connection.operations.answer(index)
    await connection.replied(100)
    assert len(connection.socket.writes) == 1


async def test_more_than_the_bound_in_flight_pauses_reading() -> None:
    """Nothing beyond IN_FLIGHT_MAX is started; reading goes on when there is room."""
    connection = Connection()
    connection.send(*["place"] * (IN_FLIGHT_MAX + 10))
    await connection.started(IN_FLIGHT_MAX)
    assert len(connection.operations.started) == IN_FLIGHT_MAX
    assert not connection.socket.reading
    for index in range(10):
        connection.operations.answer(index)
    await connection.started(IN_FLIGHT_MAX + 10)
    assert connection.socket.reading


@pytest.mark.parametrize("op", ["amend", "batch", "cancel_all"])
async def test_what_takes_several_round_trips_holds_back_the_rest(op: str) -> None:
    """Nothing that was sent later is started before it has ended."""
    connection = Connection()
    connection.send("place", op, "place", orders=[])
    await connection.started(2)
    connection.operations.answer(0, shown(1))
    await connection.replied(1)
    assert [name for name, _ in connection.operations.started] == ["place", op]
    connection.operations.answer(1)
    await connection.started(3)


async def test_a_client_that_does_not_read_is_not_worked_for() -> None:
    """While the socket is full nothing is started; then all of it is."""
    connection = Connection()
    connection.session.pause_writing()
    connection.send("place", "place")
    assert not connection.socket.reading
    assert connection.operations.started == []
    connection.session.resume_writing()
    await connection.started(2)
    assert connection.socket.reading


async def test_a_failure_of_ours_is_one_reply() -> None:
    """An unexpected exception is answered with internal_error and ends nothing else."""
    connection = Connection()
    connection.send("place", "place")
    await connection.started(2)
    connection.operations.answers[0].set_exception(ZeroDivisionError())
    connection.operations.answer(1)
    await connection.replied(2)
    assert [reply["status"] for reply in connection.replies()] == [500, 200]


async def test_a_drain_answers_what_was_read() -> None:
    """The drain ends with the last reply to a read request; nothing more is read."""
    connection = Connection()
    connection.send(*["place"] * (IN_FLIGHT_MAX + 1))
    await connection.started(IN_FLIGHT_MAX)
    drain = asyncio.create_task(connection.session.drain())
    for index in range(IN_FLIGHT_MAX):
        connection.operations.answer(index)
    await connection.started(IN_FLIGHT_MAX + 1)
    assert not drain.done()
    connection.operations.answer(IN_FLIGHT_MAX)
    await drain
    assert len(connection.replies()) == IN_FLIGHT_MAX + 1
    assert not connection.socket.reading


async def test_what_was_not_started_ends_with_the_connection() -> None:
    """In flight is finished, waiting is forgotten, nothing is written."""
    connection = Connection()
    connection.send(*["place"] * (IN_FLIGHT_MAX + 5))
    await connection.started(IN_FLIGHT_MAX)
    connection.session.connection_closed()
    connection.session.connection_closed()
    assert connection.ended == [connection.session]
    for index in range(IN_FLIGHT_MAX):
        connection.operations.answer(index)
    await connection.session.settled()
    await asyncio.sleep(0)
    assert len(connection.operations.started) == IN_FLIGHT_MAX
    assert connection.socket.writes == []


def shown(order_id: int, status: str = "new") -> OrderReply:
    """An order; the bookkeeping looks at its id and its status."""
    return msgspec.convert(
        FILLED_EXAMPLE | {"order_id": str(order_id), "status": status}, OrderReply
    )


async def canceled_by(connection: Connection, answer: Exception | None = None) -> list[Any]:
    """What `PlacedOrders.cancel` asks to be canceled."""
    assert connection.orders is not None
    before = len(connection.operations.started)
    task = asyncio.create_task(connection.orders.cancel())
    count = len(connection.orders)
    await connection.started(before + count)
    for index in range(before, before + count):
        if answer is None:
            connection.operations.answer(index)
        else:
            connection.operations.answers[index].set_exception(answer)
    assert await task == 0
    return [params for _, params in connection.operations.started[before:]]


async def test_only_open_orders_of_the_connection_are_remembered() -> None:
    """Placed and resting is remembered; filled, canceled and foreign ones are not."""
    connection = Connection(orders_max=100)
    answers = [
        ("place", shown(1)),
        ("place", shown(2, "filled")),
        ("place", shown(3, "partially_filled")),
        ("place", shown(4)),
        ("cancel", shown(1, "canceled")),
        ("amend", shown(3, "filled")),
        ("amend", shown(77)),
        ("order", shown(88)),
    ]
    for index, (op, body) in enumerate(answers):
        connection.send(op)
        await connection.started(index + 1)
        connection.operations.answer(index, body)
        await connection.replied(index + 1)
    assert await canceled_by(connection) == [{"order_id": "4"}]


async def test_orders_of_batches_and_sweeps_are_followed() -> None:
    """Items of a batch are remembered one by one, and a cancel-all forgets what it canceled."""
    connection = Connection(orders_max=100)
    items = [{}, {"operation": "cancel"}, {"operation": "place"}, {}]
    connection.send("batch", orders=items)
    await connection.started(1)
    results = [
        PartResult(201, shown(1)),
        PartResult(200, shown(9, "canceled")),
        PartResult(201, shown(2)),
        PartResult(422, problem=problem_of("off_tick", "Off.")),
    ]
    connection.operations.answer(0, BatchReply(results))
    await connection.replied(1)
    connection.send("cancel_all")
    await connection.started(2)
    connection.operations.answer(1, CanceledReply([OrderId("1")], 1))
    await connection.replied(2)
    assert await canceled_by(connection) == [{"order_id": "2"}]


async def test_both_orders_of_a_replacement_are_followed() -> None:
    """The canceled one is forgotten and the new one remembered."""
    connection = Connection(orders_max=100)
    connection.send("place")
    await connection.started(1)
    connection.operations.answer(0, shown(1))
    await connection.replied(1)
    connection.send("replace", cancel={"order_id": "1"}, order={})
    await connection.started(2)
    parts = PartResult(200, shown(1, "canceled")), PartResult(201, shown(2))
    connection.operations.answer(1, ReplaceReply(*parts))
    await connection.replied(2)
    assert await canceled_by(connection) == [{"order_id": "2"}]


async def test_an_order_of_unknown_outcome_is_canceled_by_its_name() -> None:
    """If the answer of Redis was lost, the client's own id still leads to the order."""
    connection = Connection(orders_max=100)
    connection.send("place", client_order_id="mine")
    await connection.started(1)
    connection.operations.answers[0].set_exception(OutcomeUnknown("Lost."))
    await connection.replied(1)
    assert await canceled_by(connection) == [{"client_order_id": "mine"}]


async def test_orders_that_ended_meanwhile_are_no_failure() -> None:
    """A refusal of a cancel is final; only an absent Redis is asked again."""
    connection = Connection(orders_max=100)
    connection.send("place")
    await connection.started(1)
    connection.operations.answer(0, shown(1))
    await connection.replied(1)
    refusal = Conflict("market_halted", "The market is halted.")
    assert await canceled_by(connection, refusal) == [{"order_id": "1"}]


async def test_an_absent_redis_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be canceled is tried again, in bounded time, and then told."""
    monkeypatch.setattr("order_gateway.ws.orders.RETRY_DELAYS_S", (0.0,))
    connection = Connection(orders_max=100)
    assert connection.orders is not None
    connection.orders.note("place", {}, Reply(201, shown(1)))
    task = asyncio.create_task(connection.orders.cancel())
    for index in range(2):
        await connection.started(index + 1)
        connection.operations.answers[index].set_exception(Unavailable("Away."))
    assert await task == 1


async def test_the_bookkeeping_is_bounded() -> None:
    """When full, the closed ones are forgotten; if all are open, the order is refused."""
    connection = Connection(orders_max=2)
    assert connection.orders is not None
    for number in (1, 2):
        connection.orders.note("place", {}, Reply(201, shown(number)))
    connection.send("place", "ping")
    await connection.started(1)
    assert connection.operations.started[0][0] == "open_orders"
    connection.operations.answer(0, OrdersReply([shown(2)], None))
    await connection.started(2)
    connection.operations.answer(1, shown(3), 201)
    await connection.replied(2)
    connection.send("place")
    await connection.started(3)
    connection.operations.answer(2, OrdersReply([shown(3)], "more"))
    await connection.started(4)
    connection.operations.answer(3, OrdersReply([shown(2)], None))
    await connection.replied(3)
    reply = connection.replies()[2]
    assert (reply["status"], reply["error"]["code"]) == (409, "open_orders_limit")
