"""REST against a gateway that loses answers: asked again by name, never doubled."""

import ssl
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tapewire.client import (
    ConfigurationError,
    MessageError,
    OutcomeUnknown,
    RequestRefused,
    RestOptions,
    Unavailable,
    Unreachable,
    VenueClient,
)
from tapewire.client.rest import trust_for
from tapewire.runtime.ports import free_port
from tests.support.transport.order_replies import ORDER
from tests.support.transport.scripted_gateway import Request, reply, scripted_gateway

LOST = b""
AWAY = reply(503, {"code": "redis_unavailable", "detail": "Redis is away."})


def problem(status: int, code: str, **more: str) -> bytes:
    return reply(status, {"code": code, "detail": f"{code}.", **more})


def in_turn(*answers: bytes) -> Callable[[Request], bytes]:
    """Each request gets the next answer, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def client(url: str, **more: Any) -> VenueClient:
    options = RestOptions(account="alice", retry_delay_s=0.01, retry_delay_max_s=0.02, **more)
    return VenueClient(url, options=options)


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
    """What is left out is not sent; the name is the caller's if there is one."""
    with scripted_gateway(in_turn(reply(201, ORDER))) as gateway:
        async with client(gateway.url) as venue:
            await venue.place(
                "BTC-USDT", "sell", "0.5", order_type="market", client_order_id="my-1"
            )
    assert gateway.requests[0].body == {
        "symbol": "BTC-USDT",
        "side": "sell",
        "order_type": "market",
        "quantity": "0.5",
        "client_order_id": "my-1",
    }


@pytest.mark.parametrize(
    ("answers", "kind", "code"),
    [
        # The answer says that nothing was done.
        ((AWAY,), Unavailable, "redis_unavailable"),
        # One attempt may have been done.
        ((LOST, AWAY), OutcomeUnknown, "outcome_unknown"),
        ((problem(503, "outcome_unknown"), AWAY), OutcomeUnknown, "outcome_unknown"),
        ((reply(502, "a proxy"), AWAY), OutcomeUnknown, "outcome_unknown"),
    ],
)
async def test_the_last_attempt_tells_what_is_known(
    answers: tuple[bytes, ...], kind: type[Unavailable], code: str
) -> None:
    """Attempts are bounded; the outcome is unknown only if an attempt may have been done."""
    with scripted_gateway(in_turn(*answers)) as gateway:
        async with client(gateway.url, attempts_max=3) as venue:
            with pytest.raises(Unavailable, match="Redis is away") as raised:
                await venue.place("BTC-USDT", "buy", "0.5", "1")
    assert type(raised.value) is kind
    assert raised.value.code == code
    assert raised.value.detail == str(raised.value)
    assert len(gateway.requests) == 3


async def test_a_read_without_an_answer_has_no_outcome() -> None:
    """Reading changes nothing, so only the venue is not available."""
    with scripted_gateway(in_turn(LOST)) as gateway:
        async with client(gateway.url, attempts_max=2) as venue:
            with pytest.raises(Unavailable) as raised:
                await venue.order("42")
    assert type(raised.value) is Unavailable


async def test_a_connection_never_made_is_unreachable() -> None:
    """Nothing was sent, so nothing was done: the order may be placed elsewhere."""
    async with client(f"http://127.0.0.1:{free_port()}", attempts_max=2) as venue:
        with pytest.raises(Unreachable) as raised:
            await venue.place("BTC-USDT", "buy", "0.5", "1")
    assert raised.value.code == "unreachable"
    assert "no connection to http://127.0.0.1:" in str(raised.value)


async def test_a_request_that_may_not_be_repeated_is_sent_once() -> None:
    """A second API key would be made if its text was lost."""
    with scripted_gateway(in_turn(LOST)) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(OutcomeUnknown):
                await venue.admin.create_key("alice", ["trade"])
    assert len(gateway.requests) == 1


async def test_a_settings_null_is_sent_and_what_stays_is_not() -> None:
    """None means the instrument's fee, which is not the same as leaving the fee out."""
    account: dict[str, Any] = {
        "account": "bob", "state": "active", "maker_fee_ppm": None, "taker_fee_ppm": 5,
        "opened_timestamp": "2026-01-31T12:00:00.000001Z", "balances": [], "limits": [],
    }  # fmt: skip
    with scripted_gateway(in_turn(reply(200, account))) as gateway:
        async with client(gateway.url) as venue:
            shown = await venue.admin.change_account("bob", maker_fee_ppm=None)
    assert gateway.requests[0].body == {"maker_fee_ppm": None}
    assert shown.taker_fee_ppm == 5
    assert shown.balance("BTC").total == 0


async def test_floats_and_naive_times_are_refused() -> None:
    """0.1 has no exact float, and a time without a zone means several moments."""
    async with client("http://127.0.0.1:1") as venue:
        with pytest.raises(TypeError, match="floats are not exact"):
            await venue.place("BTC-USDT", "buy", 0.1, "1")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="no time zone"):
            venue.orders(start=datetime(2026, 1, 31))  # noqa: DTZ001
        with pytest.raises(ValueError, match="either order_id or client_order_id"):
            await venue.cancel()
        with pytest.raises(TypeError, match="must be a Place, Amend or Cancel"):
            await venue.batch([{"symbol": "BTC-USDT"}])  # type: ignore[list-item]


@pytest.mark.parametrize("url", ["ftp://x", "http://", "redis://127.0.0.1:1"])
def test_an_address_of_no_use_is_refused(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError) as raised:
        VenueClient(url)
    assert raised.value.code == "configuration"


async def test_a_refusal_is_an_answer() -> None:
    """A refusal is raised at once, with code and field."""
    with scripted_gateway(in_turn(problem(422, "off_tick", field="price"))) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(RequestRefused) as refused:
                await venue.place("BTC-USDT", "buy", "0.5", "0.001")
    assert refused.value.detail == "off_tick."
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
            with pytest.raises(RequestRefused):
                await venue.cancel("42")
    assert [request.method for request in gateway.requests] == ["DELETE", "DELETE", "GET", "DELETE"]


async def test_a_refusal_says_when_to_ask_again() -> None:
    """429 carries the seconds to wait."""
    limited = problem(429, "rate_limited").replace(b"\r\n\r\n", b"\r\nretry-after: 3\r\n\r\n", 1)
    with scripted_gateway(in_turn(limited)) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(RequestRefused) as refused:
                await venue.cancel_all()
    assert refused.value.retry_after_s == 3


async def test_a_filled_order_was_not_canceled() -> None:
    """Looking into a lost cancel finds that the order traded instead."""
    filled = reply(200, ORDER | {"status": "filled"})
    with scripted_gateway(in_turn(LOST, problem(409, "order_closed"), filled)) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(RequestRefused, match="order_closed"):
                await venue.cancel("42")


async def test_what_is_no_order_is_refused() -> None:
    """Another service's answer is not taken for an order."""
    answers = in_turn(reply(200, {"status": "fine"}), reply(418, "I am a teapot"))
    with scripted_gateway(answers) as gateway:
        async with client(gateway.url) as venue:
            with pytest.raises(MessageError):
                await venue.order("42")
            with pytest.raises(RequestRefused, match="418"):
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


def test_a_plain_url_needs_no_certificates() -> None:
    """Reading the public certificates would cost each command more than its request."""
    assert trust_for("http://127.0.0.1:1", None).cert_store_stats()["x509"] == 0
    secure = trust_for("https://127.0.0.1:1", None)
    assert secure.cert_store_stats()["x509"] > 0
    assert (secure.verify_mode, secure.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust_for("https://127.0.0.1:2", None) is secure
