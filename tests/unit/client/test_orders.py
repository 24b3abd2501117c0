"""Order entry against a gateway that loses answers: asked again by name, never doubled."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from order_gateway.examples import FILLED_EXAMPLE
from tapewire.client import OrderRefused, VenueClient
from tapewire.errors import MessageError, OutcomeUnknown
from tests.support.transport.scripted_gateway import Request, reply, scripted_gateway

ORDER = FILLED_EXAMPLE | {"status": "new"}
LOST = b""
AWAY = reply(503, {"code": "redis_unavailable", "detail": "Redis is away."})


def problem(status: int, code: str, **more: str) -> bytes:
    return reply(status, {"code": code, "detail": f"{code}.", **more})


def in_turn(*answers: bytes) -> Callable[[Request], bytes]:
    """Each request gets the next answer, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def client(url: str, **more: Any) -> VenueClient:
    return VenueClient(url, account="alice", retry_delay_s=0.01, retry_delay_max_s=0.02, **more)


async def test_a_lost_answer_is_asked_for_by_the_same_name() -> None:
    """Every attempt carries the same body, so that only one order can come of it."""
    with scripted_gateway(in_turn(LOST, AWAY, reply(201, ORDER))) as gateway:
        async with client(gateway.url) as venue:
            order = await venue.place("BTC-USDT", "buy", Decimal("0.5"), Decimal("6E+4"))
    assert order.price == Decimal(60000)
    assert len(gateway.requests) == 3
    bodies = [request.body for request in gateway.requests]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["price"] == "60000"
    assert bodies[0]["client_order_id"]
    assert gateway.requests[0].account == "alice"


async def test_a_market_order_has_no_price_and_keeps_its_name() -> None:
    """The order type follows from the price, the name is the caller's if there is one."""
    with scripted_gateway(in_turn(reply(201, ORDER))) as gateway:
        async with client(gateway.url) as venue:
            await venue.place("BTC-USDT", "sell", "0.5", client_order_id="my-1")
    assert gateway.requests[0].body == {
        "symbol": "BTC-USDT",
        "side": "sell",
        "order_type": "market",
        "quantity": "0.5",
        "client_order_id": "my-1",
    }


async def test_attempts_are_bounded() -> None:
    """After the last attempt the outcome is unknown, and that is said."""
    with scripted_gateway(in_turn(AWAY)) as gateway:
        async with client(gateway.url, attempts_max=3) as venue:
            with pytest.raises(OutcomeUnknown, match="Redis is away"):
                await venue.place("BTC-USDT", "buy", "0.5")
    assert len(gateway.requests) == 3


async def test_a_refusal_is_an_answer() -> None:
    """It is raised at once, with code and field."""
    with scripted_gateway(in_turn(problem(422, "off_tick", field="price"))) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(OrderRefused) as refused:
                await venue.place("BTC-USDT", "buy", "0.5", "0.001")
    assert (refused.value.code, refused.value.field, refused.value.status) == (
        "off_tick",
        "price",
        422,
    )
    assert len(gateway.requests) == 1


async def test_a_cancel_whose_answer_was_lost_is_done() -> None:
    """`order_closed` at the second attempt is looked into; at the first it is a refusal."""
    canceled = reply(200, ORDER | {"status": "canceled"})
    closed = problem(409, "order_closed")
    with scripted_gateway(in_turn(LOST, closed, canceled, closed)) as gateway:
        async with client(gateway.url) as venue:
            assert (await venue.cancel("42")).status == "canceled"
            with pytest.raises(OrderRefused):
                await venue.cancel("42")
    assert [request.method for request in gateway.requests] == ["DELETE", "DELETE", "GET", "DELETE"]


async def test_a_filled_order_was_not_canceled() -> None:
    """Looking into a lost cancel finds that the order traded instead."""
    filled = reply(200, ORDER | {"status": "filled"})
    with scripted_gateway(in_turn(LOST, problem(409, "order_closed"), filled)) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(OrderRefused, match="order_closed"):
                await venue.cancel("42")


async def test_what_is_no_order_is_refused() -> None:
    """Another service's answer is not taken for an order."""
    answers = in_turn(reply(200, {"status": "fine"}), reply(418, "I am a teapot"))
    with scripted_gateway(answers) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(MessageError):
                await venue.order("42")
            with pytest.raises(OrderRefused, match="418"):
                await venue.order("42")


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, ("demo", None)),
        ({"account": "bob"}, ("bob", None)),
        ({"api_key": "tw_x"}, (None, "Bearer tw_x")),
        ({"api_key": "tw_x", "account": "bob"}, ("bob", "Bearer tw_x")),
    ],
)
async def test_a_client_says_who_it_is(
    options: dict[str, Any], sent: tuple[str | None, str | None]
) -> None:
    """By its key, or by a name where that is enough."""
    with scripted_gateway(in_turn(reply(200, ORDER))) as gateway:
        async with VenueClient(gateway.url, **options) as venue:
            await venue.order("42")
    (request,) = gateway.requests
    assert (request.account, request.authorization) == sent
