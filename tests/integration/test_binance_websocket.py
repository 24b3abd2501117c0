"""The WebSocket API of the Binance surface: calls, session, and the user data stream."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tapewire import keys
from tests.support.running.processes import Service, running_gateway
from tests.support.transport.raw_websocket import TEXT, RawWebSocket
from tests.support.transport.signed import SignedClient
from tests.support.transport.websocket_api import WebSocketApi
from tests.support.wait import wait_for

REQUESTS_AT_ONCE = 100
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1",
    "price": "50000.00",
}  # fmt: skip


@pytest.fixture(scope="module")
def gateway(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An open gateway."""
    with running_gateway(module_redis_url, tmp_path_factory.mktemp("gateway")) as service:
        yield service


@pytest.fixture
def api(gateway: Service) -> Iterator[WebSocketApi]:
    """A connection that signs as `bot`."""
    with WebSocketApi(gateway.port) as connection:
        yield connection


def test_public_calls_need_no_key_and_show_the_limits(api: WebSocketApi) -> None:
    """With the weight that was used; without them where the client says so."""
    answer = api.ask("v3/depth", symbol="BTCUSDT", limit=5)
    assert answer["status"] == 200
    assert answer["result"].keys() == {"lastUpdateId", "bids", "asks"}
    (weight,) = answer["rateLimits"]
    assert weight["rateLimitType"] == "REQUEST_WEIGHT"
    assert weight["count"] >= 5
    assert "rateLimits" not in api.ask("time", returnRateLimits=False)
    assert api.ask("exchangeInfo", symbols=["BTCUSDT", "ETHUSDT"])["result"]["symbols"][1:]


def test_a_signed_order_goes_through_its_life(api: WebSocketApi) -> None:
    """Numbers are signed as they were written; ids may be numbers or text."""
    placed = api.signed("order.place", **(ORDER | {"quantity": 0.10}))["result"]
    assert (placed["status"], placed["origQty"]) == ("NEW", "0.10000")
    number = placed["orderId"]
    for order_id in (number, str(number)):
        read = api.signed("order.status", symbol="BTCUSDT", orderId=order_id)["result"]
        assert read["clientOrderId"] == placed["clientOrderId"]
    assert len(api.signed("openOrders.status", symbol="BTCUSDT")["result"]) == 1
    canceled = api.signed("order.cancel", symbol="BTCUSDT", orderId=number)
    assert canceled["result"]["status"] == "CANCELED"
    refused = api.signed("order.cancel", symbol="BTCUSDT", orderId=number)
    assert (refused["status"], refused["error"]["code"]) == (400, -2011)


def test_the_stream_tells_every_step_of_an_order(gateway: Service) -> None:
    """Acceptance, fills, cancel and expiry, each with its balances, behind the subscription."""
    with (
        WebSocketApi(gateway.port, "streamed") as api,
        WebSocketApi(gateway.port, "other") as other,
    ):
        # The account is opened, which is an event too.
        assert api.signed("account.status")["status"] == 200
        assert api.signed("userDataStream.subscribe.signature")["result"] == {"subscriptionId": 0}
        number = api.signed("order.place", **ORDER, newClientOrderId="mine")["result"]["orderId"]
        other.signed("order.place", **(ORDER | {"side": "SELL", "quantity": "0.04"}))
        api.signed("order.cancel", symbol="BTCUSDT", orderId=number, newClientOrderId="stop")
        events = [api.event() for _ in range(6)]
        kinds = ["executionReport", "outboundAccountPosition"] * 3
        assert [event["e"] for event in events] == kinds
        new, trade, cancel = events[::2]
        assert (new["x"], new["X"], new["c"], new["C"], new["w"], new["t"]) == (
            "NEW", "NEW", "mine", "", True, -1,
        )  # fmt: skip
        assert (trade["x"], trade["X"], trade["l"], trade["L"], trade["z"], trade["m"]) == (
            "TRADE", "PARTIALLY_FILLED", "0.04000", "50000.00", "0.04000", True,
        )  # fmt: skip
        assert (trade["n"], trade["N"], trade["Y"]) == ("0.00000000", "BTC", "2000.0000000")
        assert (cancel["x"], cancel["X"], cancel["C"], cancel["c"], cancel["w"]) == (
            "CANCELED", "CANCELED", "mine", "stop", False,
        )  # fmt: skip
        assert [item["a"] for item in events[1]["B"]] == ["USDT"]
        assert {event["i"] for event in events[::2]} == {number}
        assert [event["I"] for event in events[::2]] == [1, 2, 3]
        api.signed("order.place", **(ORDER | {"timeInForce": "IOC"}))
        assert api.event()["x"] == "NEW"
        expired = api.event()
        assert (expired["X"], expired["eR"]) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
        assert api.ask("userDataStream.unsubscribe", subscriptionId="0")["result"] == {}
        refused = api.ask("userDataStream.unsubscribe", subscriptionId=0)
        assert refused["error"]["code"] == -2036


def test_the_stream_tells_when_a_list_begins_and_ends(gateway: Service) -> None:
    """One `listStatus` behind the reports of both orders, when placed and when one trades."""
    pair = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1", "listClientOrderId": "pair",
        "aboveType": "LIMIT_MAKER", "abovePrice": "70000", "belowType": "STOP_LOSS",
        "belowStopPrice": "30000",
    }  # fmt: skip
    with (
        WebSocketApi(gateway.port, "listing") as api,
        WebSocketApi(gateway.port, "buying") as buyer,
    ):
        buyer.signed("order.place", **(ORDER | {"price": "40000"}))
        api.signed("order.place", **(ORDER | {"price": "40000", "side": "SELL"}))
        api.signed("userDataStream.subscribe.signature")
        placed = api.signed("orderList.place.oco", **pair)["result"]
        began = [api.event() for _ in range(4)]
        buyer.signed("order.place", **(ORDER | {"price": "70000", "quantity": "0.01"}))
        over = [api.event() for _ in range(4)]
        for events, name in ((began, "EXEC_STARTED"), (over, "ALL_DONE")):
            reports = ["executionReport"] * 2
            assert [event["e"] for event in events] == [
                *reports, "listStatus", "outboundAccountPosition",
            ]  # fmt: skip
            status = events[2]
            assert (status["g"], status["c"], status["C"], status["l"], status["r"]) == (
                placed["orderListId"], "OCO", "pair", name, "NONE",
            )  # fmt: skip
            assert [(item["i"], item["c"]) for item in status["O"]] == [
                (order["orderId"], order["clientOrderId"]) for order in placed["orders"]
            ]
        assert [events[2]["L"] for events in (began, over)] == ["EXECUTING", "ALL_DONE"]
        assert [event["x"] for event in over[:2]] == ["TRADE", "EXPIRED"]
        api.signed("openOrders.cancelAll", symbol="BTCUSDT")


def test_a_stream_begins_with_its_subscription(gateway: Service) -> None:
    """What was before is not told; two connections hear the same; the unit is the connection's."""
    bot = SignedClient(gateway.url, "late")
    assert bot.order().status_code == 200
    with (
        WebSocketApi(gateway.port, "late") as first,
        WebSocketApi(gateway.port, "late", timeUnit="MICROSECOND") as second,
    ):
        for api in (first, second):
            api.signed("userDataStream.subscribe.signature")
        bot.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        one, other = first.event(), second.event()
        assert one["x"] == other["x"] == "CANCELED"
        assert other["E"] // 1_000 == one["E"]
    bot.close()


def test_a_stream_whose_events_are_lost_ends(
    gateway: Service, module_redis_url: str, tmp_path: Path
) -> None:
    """With `eventStreamTerminated`; the client reads its orders and subscribes again."""
    with (
        running_gateway(module_redis_url, tmp_path) as other,
        WebSocketApi(gateway.port, "lost") as api,
        redis.Redis.from_url(module_redis_url) as client,
    ):
        bot = SignedClient(other.url, "lost")
        assert bot.order(price="40000").status_code == 200
        api.signed("userDataStream.subscribe.signature")
        os.kill(gateway.process.pid, signal.SIGSTOP)
        try:
            for _ in range(3):
                assert bot.order(price="40000").status_code == 200
            client.xtrim(keys.account_log("lost"), maxlen=1, approximate=False)
        finally:
            os.kill(gateway.process.pid, signal.SIGCONT)
        # The gateway may have read the first event before the log was cut.
        kinds = [api.event()["e"]]
        while kinds[-1] != "eventStreamTerminated":
            kinds.append(api.event()["e"])
        assert kinds[:-1] in ([], ["executionReport", "outboundAccountPosition"])
        assert api.ask("session.subscriptions")["result"] == []
        assert len(api.signed("openOrders.status", symbol="BTCUSDT")["result"]) == 4
        api.signed("userDataStream.subscribe.signature")
        assert bot.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status_code == 200
        assert api.event()["x"] == "CANCELED"
        bot.close()


def test_after_logon_requests_are_unsigned(api: WebSocketApi) -> None:
    """Until the logout; the subscription follows the key of the logon."""
    assert api.ask("account.status")["error"]["code"] == -2014
    assert api.ask("userDataStream.subscribe")["error"]["code"] == -2014
    status = api.signed("session.logon")["result"]
    assert (status["apiKey"], status["userDataStream"]) == ("bot", False)
    assert api.ask("account.status", omitZeroBalances="true")["status"] == 200
    assert api.ask("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert api.ask("session.status")["result"]["userDataStream"] is True
    placed = api.ask("order.place", **ORDER)["result"]
    assert api.event()["i"] == placed["orderId"]
    assert api.ask("openOrders.cancelAll", symbol="BTCUSDT")["result"][0]["status"] == "CANCELED"
    limits = api.ask("account.rateLimits.orders")
    assert [item["interval"] for item in limits["result"]] == ["SECOND", "DAY"]
    assert api.ask("session.logout")["result"]["apiKey"] is None
    assert api.ask("account.status")["error"]["code"] == -2014


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x", -1135), ("[]", -1135), ('{"id":1}', -1102), ('{"id":1,"method":"none"}', -1020),
        ('{"id":{},"method":"ping"}', -1100), ('{"id":1,"method":"ping","params":[]}', -1135),
        ('{"id":1,"method":"depth","params":{"symbol":{}}}', -1100),
        ('{"id":1,"method":"depth","params":{"symbol":"\\ud800"}}', -1100),
        ('{"id":1,"method":"depth","params":{}}', -1102),
        ('{"id":1,"method":"depth","params":{"symbol":"NOPE"}}', -1121),
        ('{"id":1,"method":"ping","method":"ping"}', -1135),
        ('{"id":1.5,"method":"ping"}', -1100), ('{"id":"%s","method":"ping"}' % ("i" * 65), -1100),
    ],
)  # fmt: skip
def test_a_bad_message_is_refused_and_the_connection_stays(
    api: WebSocketApi, text: str, code: int
) -> None:
    """With the id, if it can be read."""
    api.socket.send(text)
    answer = api.receive()
    assert (answer["status"], answer["error"]["code"]) == (400, code)
    assert answer["id"] in {None, 1}
    assert api.ask("ping")["result"] == {}


def test_a_wrong_signature_opens_nothing(gateway: Service) -> None:
    """No logon, no stream, no order."""
    with WebSocketApi(gateway.port, "bot", "wrong") as api:
        for method in ("session.logon", "userDataStream.subscribe.signature", "account.status"):
            assert api.signed(method)["error"]["code"] == -1022, method


def test_many_requests_at_once_are_all_answered(api: WebSocketApi) -> None:
    """More than a connection has in flight."""
    for number in range(200):
        api.socket.send(json.dumps({"id": number, "method": "ping"}))
    assert {api.receive()["id"] for _ in range(200)} == set(range(200))


def test_a_stop_says_goodbye(module_redis_url: str, tmp_path: Path) -> None:
    """`serverShutdown`, then close code 1012."""
    with (
        running_gateway(module_redis_url, tmp_path) as service,
        WebSocketApi(service.port) as api,
    ):
        api.signed("userDataStream.subscribe.signature")
        assert service.stop() == 0
        assert api.event()["e"] == "serverShutdown"
        assert api.close_code() == 1012


def test_a_client_that_does_not_read_is_disconnected(gateway: Service) -> None:
    """At a bound of unsent answers, so that such clients cost bounded memory."""
    request = json.dumps({"id": 1, "method": "exchangeInfo"}).encode()
    frames = RawWebSocket.frame(TEXT, request) * REQUESTS_AT_ONCE
    with RawWebSocket(gateway.port, "/ws-api/v3", receive_buffer_bytes=4_096) as client:

        def is_ended() -> bool:
            try:
                client.socket.sendall(frames)
            except OSError:
                return True
            return False

        wait_for(is_ended, "the gateway ends the connection")
    with WebSocketApi(gateway.port) as api:
        assert api.ask("ping")["result"] == {}
