"""Order entry against a gateway that loses connections: sent again in order, never doubled."""

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from tapewire.client import (
    MessageError,
    OrderEntry,
    OutcomeUnknown,
    RequestRefused,
    RestOptions,
    Unavailable,
    Unreachable,
)
from tapewire.client.addresses import ServiceAddress
from tapewire.client.market_calls import instruments
from tapewire.client.order_calls import order, place
from tapewire.runtime.ports import free_port
from tests.support.transport.order_replies import ORDER
from tests.support.transport.scripted_socket import SOCKET_OPTIONS, ScriptedSocket, gateway_that

FILL = {
    "trade_id": "BTC-USDT-1", "seq": 1, "price": "60000.00", "quantity": "0.00010",
    "liquidity": "maker", "fee": "0.00", "fee_asset": "USDT",
    "timestamp": "2026-01-31T12:00:00.000001Z",
}  # fmt: skip


async def test_replies_find_their_requests_and_the_window_is_kept() -> None:
    """More requests than may be in flight are sent as places become free, in their order."""
    too_many: list[dict[str, Any]] = []

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        for places in (4, 4, 2):
            open_requests = [await gateway.take(socket) for _ in range(places)]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    too_many.append(await gateway.take(socket))
            for request in [*open_requests, *too_many]:
                await gateway.answer(socket, request)
        await gateway.answer_all(socket)

    async with gateway_that(play) as (gateway, entry), entry:
        orders = await asyncio.gather(*(entry.place("X", "buy", n, 1) for n in range(1, 11)))
    assert [placed.order_id for placed in orders] == [str(n) for n in range(1, 11)]
    assert [request["params"]["quantity"] for _, request in gateway.requests] == [
        str(n) for n in range(1, 11)
    ]
    assert too_many == []


async def test_replies_in_fragments_and_large_replies_are_read() -> None:
    """Replies of every shape, with pings between, come in their order."""
    fills = [dict(FILL, seq=number) for number in range(1, 1_001)]

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        requests = [await gateway.take(socket) for _ in range(4)]
        for request, count in zip(requests, (0, 1_000, 0, 0), strict=True):
            result = ORDER | {"order_id": str(request["id"]), "fills": fills[:count]}
            text = json.dumps({"id": request["id"], "status": 201, "result": result})
            await socket.send([text[:20], text[20:40], text[40:]] if request["id"] % 2 else text)
            await (await socket.ping())
        await gateway.answer_all(socket)

    async with gateway_that(play) as (_, entry), entry:
        orders = await asyncio.gather(*(entry.place("X", "buy", n, 1) for n in range(1, 5)))
        assert (await entry.place("X", "buy", 5, 1)).order_id == "5"
    assert [placed.order_id for placed in orders] == ["1", "2", "3", "4"]
    assert [len(placed.fills) for placed in orders] == [0, 1_000, 0, 0]


async def test_what_a_lost_connection_left_is_sent_again_in_order() -> None:
    """The second connection gets every request without an answer, the same as before."""

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        if gateway.connections == 1:
            first = await gateway.take(socket)
            await gateway.take(socket)
            await gateway.take(socket)
            await gateway.answer(socket, first)
            await socket.close(1012)
        else:
            await gateway.answer_all(socket)

    async with gateway_that(play) as (gateway, entry), entry:
        orders = await asyncio.gather(*(entry.place("X", "buy", n, 1) for n in (1, 2, 3)))
    assert [placed.order_id for placed in orders] == ["1", "2", "3"]
    assert [(connection, request["id"]) for connection, request in gateway.requests] == [
        (1, 1), (1, 2), (1, 3), (2, 2), (2, 3),
    ]  # fmt: skip
    assert gateway.requests[1][1] == gateway.requests[3][1]
    assert gateway.requests[1][1]["params"]["client_order_id"]


async def test_attempts_are_bounded_and_the_outcome_is_unknown() -> None:
    """A gateway that ends every connection without an answer is not asked for ever."""

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        await gateway.take(socket)
        await socket.close(1011)

    async with gateway_that(play) as (gateway, entry), entry:
        with pytest.raises(OutcomeUnknown, match="3 attempts"):
            await entry.place("X", "buy", 1, 1)
    assert len(gateway.requests) == 3


async def test_a_gateway_that_is_silent_is_left() -> None:
    """Without a reply in time the connection is given up, and the request sent over another."""

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        if gateway.connections == 1:
            await gateway.take(socket)
            await socket.wait_closed()
        else:
            await gateway.answer_all(socket)

    async with gateway_that(play) as (gateway, _):
        options = RestOptions(timeout_s=0.2, retry_delay_s=0.01)
        async with OrderEntry(ServiceAddress(gateway.url), options) as entry:
            assert (await entry.place("X", "buy", 1, 1)).order_id == "1"
            assert entry.connections == 2


async def test_with_cancel_on_disconnect_there_is_one_connection() -> None:
    """The venue cancels what was placed over it, so nothing is sent again."""

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        await gateway.take(socket)
        await socket.close(1012)

    async with gateway_that(play) as (gateway, _):
        address = ServiceAddress(gateway.url)
        async with OrderEntry(address, SOCKET_OPTIONS, cancel_on_disconnect=True) as entry:
            with pytest.raises(OutcomeUnknown):
                await entry.place("X", "buy", 1, 1)
            with pytest.raises(Unreachable, match="cancels the orders"):
                await entry.place("X", "buy", 1, 1)
    assert gateway.connections == 1


async def test_a_key_that_is_revoked_ends_the_requests() -> None:
    """The handshake says why; requests that were sent may have been done."""

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        await gateway.take(socket)
        gateway.refuse = HTTPStatus.UNAUTHORIZED
        await socket.close(4500)

    async with gateway_that(play) as (gateway, entry):
        await entry.connect()
        with pytest.raises(OutcomeUnknown, match="was revoked"):
            await entry.place("X", "buy", 1, 1)
        with pytest.raises(RequestRefused) as refused:
            await entry.place("X", "buy", 1, 1)
        assert (refused.value.status, refused.value.code) == (401, "key_revoked")
        with pytest.raises(RequestRefused):
            await entry.connect()
    assert len(gateway.requests) == 1


async def test_a_connection_never_made_is_unreachable() -> None:
    """Nothing was sent, so nothing was done."""
    entry = OrderEntry(ServiceAddress(f"http://127.0.0.1:{free_port()}"), SOCKET_OPTIONS)
    with pytest.raises(Unreachable):
        await entry.connect()
    with pytest.raises(Unreachable):
        await entry.place("X", "buy", 1, 1)
    await entry.aclose()


async def test_refusals_and_unavailability_are_raised_where_they_belong() -> None:
    """Each request has the answer of its own id, with code and time to wait."""
    answers = [
        {"status": 422, "error": {"code": "off_tick", "detail": "No.", "field": "price"}},
        {"status": 429, "error": {"code": "rate_limited", "detail": "No."}, "retry_after_s": 2},
        {"status": 503, "error": {"code": "redis_unavailable", "detail": "Away."}},
        {"status": 503, "error": {"code": "outcome_unknown", "detail": "Lost."}},
        {"status": 201, "result": {"status": "fine"}},
    ]

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        for answer in answers:
            request = await gateway.take(socket)
            await socket.send(json.dumps({"id": request["id"], **answer}))
        await socket.wait_closed()

    async with gateway_that(play) as (_, entry), entry:
        found = await asyncio.gather(
            *(entry.place("X", "buy", 1, 1) for _ in answers), return_exceptions=True
        )
    assert [type(error) for error in found] == [
        RequestRefused, RequestRefused, Unavailable, OutcomeUnknown, MessageError,
    ]  # fmt: skip
    first, second, third = found[:3]
    assert isinstance(first, RequestRefused)
    assert isinstance(second, RequestRefused)
    assert isinstance(third, Unavailable)
    assert (first.code, first.field, first.detail) == ("off_tick", "price", "No.")
    assert second.retry_after_s == 2
    assert third.code == "redis_unavailable"


async def test_a_cancel_whose_answer_was_lost_is_done() -> None:
    """`order_closed` at the second attempt is looked into."""

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        if gateway.connections == 1:
            await gateway.take(socket)
            return
        request = await gateway.take(socket)
        error = {"code": "order_closed", "detail": "Closed."}
        await socket.send(json.dumps({"id": request["id"], "status": 409, "error": error}))
        request = await gateway.take(socket)
        result = ORDER | {"status": "canceled"}
        await socket.send(json.dumps({"id": request["id"], "status": 200, "result": result}))
        await socket.wait_closed()

    async with gateway_that(play) as (gateway, entry), entry:
        assert (await entry.cancel(client_order_id="my-1")).status == "canceled"
    assert [(request["op"], request["params"]) for _, request in gateway.requests] == [
        ("cancel", {"client_order_id": "my-1"}),
        ("cancel", {"client_order_id": "my-1"}),
        ("order", {"client_order_id": "my-1"}),
    ]


async def test_bounds_are_kept_before_anything_is_sent() -> None:
    """A message that the gateway would close for, and operations that it does not have."""

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        await gateway.answer_all(socket)

    async with gateway_that(play) as (gateway, entry), entry:
        with pytest.raises(RequestRefused) as refused:
            await entry.place("X" * 2_000, "buy", 1, 1)
        assert refused.value.code == "body_too_large"
        with pytest.raises(ValueError, match="not an operation of order entry"):
            entry.submit(instruments())
    with pytest.raises(Unreachable, match="closed"):
        entry.submit(order("1"))
    assert not gateway.requests


async def test_a_request_that_was_given_up_is_not_sent_again() -> None:
    """A task that was canceled does not come back with a new connection."""
    taken = asyncio.Event()

    async def play(gateway: ScriptedSocket, socket: ServerConnection) -> None:
        if gateway.connections == 1:
            await gateway.take(socket)
            await gateway.take(socket)
            taken.set()
            await asyncio.sleep(0)
            await gateway.take(socket)
            return
        await gateway.answer_all(socket)

    async with gateway_that(play) as (gateway, entry), entry:
        given_up, kept = (
            entry.submit(place("X", "buy", 1, 1)),
            entry.submit(place("X", "buy", 2, 1)),
        )
        await taken.wait()
        given_up.cancel()
        third = entry.submit(place("X", "buy", 3, 1))
        assert [(await future).order_id for future in (kept, third)] == ["2", "3"]
    assert [request["id"] for number, request in gateway.requests if number == 2] == [2, 3]
