"""REST of the Binance surface on a real venue: calls, errors by code and text, bad input."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.running.processes import Service, running_gateway
from tests.support.transport.signed import SignedClient, error

CLOSED_FAR = "40000"


@pytest.fixture(scope="module")
def gateway(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An open gateway."""
    with running_gateway(module_redis_url, tmp_path_factory.mktemp("gateway")) as service:
        yield service


@pytest.fixture
def bot(gateway: Service) -> Iterator[SignedClient]:
    """The account `bot`."""
    client = SignedClient(gateway.url)
    yield client
    client.close()


@pytest.fixture
def maker(gateway: Service) -> Iterator[SignedClient]:
    """Another account."""
    client = SignedClient(gateway.url, "maker")
    yield client
    client.close()


def test_an_order_that_trades_is_answered_in_full(bot: SignedClient, maker: SignedClient) -> None:
    """With every field of RESULT and each fill; the other side sees its own."""
    assert maker.order(side="SELL", price="50001", newClientOrderId="m-1").status_code == 200
    order = bot.order(price="50001", quantity="0.15").json()
    assert order["fills"] == [
        {
            "price": "50001.00", "qty": "0.10000", "commission": "0.00000000",
            "commissionAsset": "BTC", "tradeId": order["fills"][0]["tradeId"],
        }
    ]  # fmt: skip
    shown = {
        "symbol": "BTCUSDT", "orderListId": -1, "price": "50001.00", "origQty": "0.15000",
        "executedQty": "0.10000", "cummulativeQuoteQty": "5000.1000000", "type": "LIMIT",
        "status": "PARTIALLY_FILLED", "timeInForce": "GTC", "side": "BUY",
        "origQuoteOrderQty": "0.00", "selfTradePreventionMode": "EXPIRE_TAKER",
        "clientOrderId": f"tw-{order['orderId']}",
    }  # fmt: skip
    assert shown.items() <= order.items()
    made = maker.call("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="m-1").json()
    assert (made["status"], made["isWorking"]) == ("FILLED", True)
    (trade,) = maker.call("GET", "/api/v3/myTrades", symbol="BTCUSDT", limit=1).json()
    assert (trade["orderId"], trade["isMaker"], trade["quoteQty"]) == (
        made["orderId"], True, "5000.1000000",
    )  # fmt: skip
    canceled = bot.call("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"])
    assert canceled.json()["status"] == "CANCELED"
    assert canceled.json()["clientOrderId"] == f"cancel-{order['orderId']}"


def test_each_way_to_send_parameters_is_read(bot: SignedClient) -> None:
    """Query, form, a form that is labelled JSON, and a query beside an empty JSON body."""
    params = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.1", "price": CLOSED_FAR,
    }  # fmt: skip
    assert bot.call("POST", "/api/v3/order", **params).status_code == 200
    assert bot.form("POST", "/api/v3/order", **params).status_code == 200
    headers = {"X-MBX-APIKEY": "bot", "Content-Type": "application/json;charset=utf-8"}
    text = bot.signed_text(**params)
    reply = bot.http.post("/api/v3/order", content=text, headers=headers)
    assert reply.status_code == 200, reply.text
    reply = bot.http.post(f"/api/v3/order?{bot.signed_text(**params)}", headers=headers)
    assert reply.status_code == 200, reply.text
    canceled = bot.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
    assert [order["status"] for order in canceled] == ["CANCELED"] * 4
    again = bot.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert error(again) == (400, -2011, "Unknown order sent.")


FILTER = "Filter failure: "
PARAMETER = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({"side": "buy"}, -1117, "Invalid side."),
        ({"type": "TRAILING"}, -1116, "Invalid orderType."),
        ({"timeInForce": "GTD"}, -1115, "Invalid timeInForce."),
        ({"timeInForce": None}, -1102, PARAMETER.format("timeInForce")),
        ({"price": None}, -1102, PARAMETER.format("price")),
        ({"quantity": ""}, -1105, "Parameter 'quantity' was empty."),
        ({"quantity": None}, -1102, PARAMETER.format("quantity")),
        ({"price": "50000.001"}, -1013, FILTER + "PRICE_FILTER"),
        ({"price": "0"}, -1013, FILTER + "PRICE_FILTER"),
        ({"quantity": "0.000001"}, -1013, FILTER + "LOT_SIZE"),
        ({"quantity": "0"}, -1013, FILTER + "LOT_SIZE"),
        ({"quantity": "0.00001", "price": "1"}, -1013, FILTER + "NOTIONAL"),
        ({"type": "MARKET", "timeInForce": None}, -1106,
         "Parameter 'price' sent when not required."),
        ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"trailingDelta": "1"}, -1106, "Parameter 'trailingDelta' sent when not required."),
        ({"newOrderRespType": "ALL"}, -1130,
         "Data sent for parameter 'newOrderRespType' is not valid."),
        ({"price": "1e5"}, -1100, (r"Illegal characters found in parameter 'price'; legal range is "
         r"'^([0-9]{1,20})(\.[0-9]{1,20})?$'.")),
        ({"newClientOrderId": "a b"}, -1100, ("Illegal characters found in parameter "
         "'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.")),
        ({"quantity": "90", "price": "500000"}, -2010,
         "Account has insufficient balance for requested action."),
        ({"type": "STOP_LOSS_LIMIT", "stopPrice": "1"}, -2010, "Order would trigger immediately."),
    ],
)  # fmt: skip
def test_a_bad_order_is_refused_by_code_and_text(
    bot: SignedClient, maker: SignedClient, changes: dict[str, str | None], code: int, text: str
) -> None:
    """As clients compare them; nothing is placed."""
    maker.order(side="SELL", price="61000", quantity="0.1")
    bot.order(price="61000", quantity="0.1")
    reply = bot.order(**changes)
    assert error(reply) == (400, code, text)
    assert bot.call("GET", "/api/v3/openOrders", symbol="BTCUSDT").json() == []


def test_a_post_only_order_does_not_take(bot: SignedClient, maker: SignedClient) -> None:
    """LIMIT_MAKER rests, or is refused with the text that ccxt knows."""
    sell = maker.order(side="SELL", price="52000").json()
    reply = bot.order(type="LIMIT_MAKER", timeInForce=None, price="52000")
    assert error(reply) == (400, -2010, "Order would immediately match and take.")
    resting = bot.order(type="LIMIT_MAKER", timeInForce=None, price="51000").json()
    assert resting.keys() == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    for client, order in ((maker, sell), (bot, resting)):
        client.call("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"])


def test_a_client_order_id_names_one_order(bot: SignedClient) -> None:
    """While it is open the id is refused, whether the body is the same or not; then it is free."""
    assert bot.order(price=CLOSED_FAR, newClientOrderId="mine").status_code == 200
    for price in (CLOSED_FAR, "41000"):
        reply = bot.order(price=price, newClientOrderId="mine")
        assert error(reply) == (400, -2010, "Duplicate order sent.")
    reply = bot.call(
        "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine", orderId=1
    )
    assert error(reply) == (400, -2011, "Unknown order sent.")
    reply = bot.call("DELETE", "/api/v3/order", symbol="ETHUSDT", origClientOrderId="mine")
    assert error(reply) == (400, -2011, "Unknown order sent.")
    reply = bot.call(
        "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="c"
    )
    assert (reply.json()["origClientOrderId"], reply.json()["clientOrderId"]) == ("mine", "c")
    reply = bot.call("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
    assert error(reply) == (400, -2011, "Unknown order sent.")
    again = bot.order(price=CLOSED_FAR, newClientOrderId="mine").json()
    bot.call("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=again["orderId"])
    reply = bot.call("GET", "/api/v3/order", symbol="BTCUSDT", orderId=10**19)
    assert error(reply) == (400, -2013, "Order does not exist.")


def test_replacing_says_what_was_done(bot: SignedClient) -> None:
    """Both done; one done: 409; none done: 400, each with the answers of both."""
    first = bot.order(price=CLOSED_FAR).json()
    replace = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.1", "price": "41000", "cancelReplaceMode": "STOP_ON_FAILURE",
        "cancelOrderId": first["orderId"],
    }  # fmt: skip
    path = "/api/v3/order/cancelReplace"
    done = bot.form("POST", path, **replace).json()
    assert (done["cancelResult"], done["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert done["cancelResponse"]["orderId"] == first["orderId"]
    none = bot.form("POST", path, **replace)
    assert error(none) == (400, -2022, "Order cancel-replace failed.")
    assert none.json()["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    assert none.json()["data"]["cancelResponse"]["code"] == -2011
    half = bot.form("POST", path, **(replace | {"cancelReplaceMode": "ALLOW_FAILURE"}))
    assert error(half) == (409, -2021, "Order cancel-replace partially failed.")
    assert half.json()["data"]["newOrderResult"] == "SUCCESS"
    assert len(bot.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()) == 2


def test_an_amendment_only_makes_smaller(bot: SignedClient) -> None:
    """So that the order keeps its place in the queue."""
    order = bot.order(price=CLOSED_FAR).json()
    key = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    path = "/api/v3/order/amend/keepPriority"
    smaller = bot.call("PUT", path, newQty="0.05", **key).json()["amendedOrder"]
    assert (smaller["qty"], smaller["orderId"]) == ("0.05000", order["orderId"])
    reply = bot.call("PUT", path, newQty="0.05", **key)
    assert error(reply) == (400, -2038, "Order amend (quantity increase) is not supported.")
    bot.call("DELETE", "/api/v3/order", **key)


def test_a_stop_waits_and_market_orders_spend_an_amount(
    bot: SignedClient, maker: SignedClient
) -> None:
    """STOP_LOSS and STOP_LOSS_LIMIT do not work before they fire; quoteOrderQty buys for it."""
    maker.order(side="SELL", price="60000", quantity="1")
    spent = bot.order(
        type="MARKET", timeInForce=None, price=None, quantity=None, quoteOrderQty="600"
    ).json()
    assert (spent["origQuoteOrderQty"], spent["executedQty"]) == ("600.0000000", "0.01000")
    assert (spent["status"], spent["price"], spent["timeInForce"]) == ("FILLED", "0.00", "GTC")
    stop = {"side": "SELL", "quantity": "0.01", "stopPrice": "30000"}
    plain = bot.order(type="STOP_LOSS", timeInForce=None, price=None, **stop).json()
    limited = bot.order(type="STOP_LOSS_LIMIT", price="29000", **stop).json()
    taking = {"quantity": "0.01", "stopPrice": "30000", "timeInForce": None}
    profit = bot.order(type="TAKE_PROFIT", price=None, **taking).json()
    for order, kind in (
        (plain, "STOP_LOSS"), (limited, "STOP_LOSS_LIMIT"), (profit, "TAKE_PROFIT"),
    ):  # fmt: skip
        read = bot.call("GET", "/api/v3/order", symbol="BTCUSDT", orderId=order["orderId"]).json()
        assert (read["type"], read["isWorking"], read["stopPrice"]) == (kind, False, "30000.00")
    none = bot.order(timeInForce="FOK", price=CLOSED_FAR).json()
    assert (none["status"], none["expiryReason"]) == ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")
    for client in (bot, maker):
        client.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")


def test_who_asks_must_prove_it(bot: SignedClient, gateway: Service) -> None:
    """Key, signature and time are checked at an open venue too, by exact code and text."""
    path = "/api/v3/account"
    unsigned = bot.http.get(path)
    assert error(unsigned) == (401, -2014, "API-key format invalid.")
    keyed = bot.http.get(path, headers={"X-MBX-APIKEY": "bot"})
    assert error(keyed) == (400, -1102, PARAMETER.format("signature"))
    bad = SignedClient(gateway.url, "bot", "wrong")
    reply = bad.call("GET", path)
    assert error(reply) == (400, -1022, "Signature for this request is not valid.")
    bad.close()
    reply = bot.call("GET", path, timestamp=time.time_ns() // 10**9)
    assert error(reply) == (400, -1021, "Timestamp for this request is outside of the recvWindow.")
    strange = bot.http.get(path, headers={"X-MBX-APIKEY": "no account!"})
    assert error(strange) == (401, -2014, "API-key format invalid.")
    text = bot.signed_text(omitZeroBalances="true", recvWindow=5_000)
    head, _, signature = text.rpartition("&signature=")
    swapped = "&".join(reversed(head.split("&")))
    reply = bot.http.get(f"{path}?{swapped}&signature={signature}", headers={"X-MBX-APIKEY": "bot"})
    assert error(reply)[1] == -1022
    again = bot.http.get(f"{path}?{text}", headers={"X-MBX-APIKEY": "bot"})
    assert again.status_code == 200
    assert {item["asset"] for item in again.json()["balances"]} == {"BTC", "ETH", "SOL", "USDT"}


def test_calls_are_read_as_they_were_sent(bot: SignedClient) -> None:
    """Any content type; a signature over other text is refused, also if both mean the same."""
    path, headers = "/api/v3/order/test", {"X-MBX-APIKEY": "bot"}
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    for kind in ("text/plain", "multipart/form-data; boundary=x", "", "a/b; charset=utf-16"):
        reply = bot.http.post(
            path, content=bot.signed_text(**order), headers=headers | {"Content-Type": kind}
        )
        assert (reply.status_code, reply.json()) == (200, {}), kind
    reply = bot.http.post(path, json=order, headers=headers)
    assert error(reply)[:2] == (400, -1102)
    for wrong in ("BTCUSD%54", "%42TCUSDT"):
        text = bot.signed_text(**order).replace("BTCUSDT", wrong)
        reply = bot.http.post(path, content=text, headers=headers)
        assert error(reply)[:2] == (400, -1022)
    for signature, code in (("f" * 64, -1022), ("f" * 10_000, -1022), ("", -1105), ("%ff", -1100)):
        text = bot.signed_text(**order).rpartition("&")[0]
        reply = bot.http.post(path, content=f"{text}&signature={signature}", headers=headers)
        assert error(reply)[:2] == (400, code)


def test_times_of_calls_are_milliseconds_or_microseconds(bot: SignedClient) -> None:
    """Seconds, nanoseconds, the future and words are refused."""
    path, now_ms = "/api/v3/account", time.time_ns() // 10**6
    assert bot.call("GET", path, timestamp=now_ms * 1_000).status_code == 200
    for moment in (now_ms // 1_000, now_ms * 10**6, now_ms + 60_000, now_ms - 60_000, 0):
        assert error(bot.call("GET", path, timestamp=moment))[:2] == (400, -1021), moment
    for word in ("now", "-1", "1.5", "9" * 400):
        assert error(bot.call("GET", path, timestamp=word))[:2] == (400, -1100), word


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v3/nothing", 404), ("GET", "/api/", 404), ("POST", "/fapi/v1/order", 404),
        ("POST", "/api/v3/depth", 405), ("PATCH", "/api/v3/order", 405),
    ],
)  # fmt: skip
def test_an_unknown_path_has_an_error_of_the_surface(
    bot: SignedClient, method: str, path: str, status: int
) -> None:
    """As JSON with a code, never as HTML or as a problem of the native interface."""
    reply = bot.http.request(method, path)
    assert error(reply)[:2] == (status, -1020)
    assert ("Allow" in reply.headers) is (status == 405)


def test_malformed_requests_are_refused(bot: SignedClient) -> None:
    """Broken encoding, doubled and endless parameters, large bodies: never a 500."""
    for query, code in (
        ("symbol=%zz", -1100), ("symbol=%ff", -1100), ("symbol=BTCUSDT&symbol=BTCUSDT", -1101),
        ("symbol=" + "A" * 10_000, -1100), ("symbol=BTCUSDT&limit=x", -1100),
        ("symbol=BTCUSDT&limit=0", -1130), ("symbol=BTCUSDT&limit=" + "9" * 20, None),
        ("symbol=", -1102), ("unknown=1&symbol=BTC-USDT", None),
    ):  # fmt: skip
        reply = bot.http.get(f"/api/v3/depth?{query}")
        if code is None:
            assert reply.status_code == 200, reply.text
        else:
            assert error(reply)[:2] == (400, code)
    large = bot.http.post("/api/v3/order", content=b"a" * 70_000)
    assert error(large)[:2] == (413, -1101)
    chunked = bot.http.post("/api/v3/order", content=iter([b"a" * 40_000] * 2))
    assert error(chunked)[:2] == (413, -1101)


def test_the_stubs_answer(bot: SignedClient) -> None:
    """What unmodified clients ask of the other interfaces before they start."""
    for path in ("capital/config/getall", "margin/allPairs", "margin/isolated/allPairs"):
        assert bot.call("GET", f"/sapi/v1/{path}").json() == []
    for path in ("/fapi/v1/exchangeInfo", "/dapi/v1/exchangeInfo"):
        assert bot.http.get(path).json() == {"symbols": []}
    assert bot.http.get("/sapi/v1/system/status").json() == {"status": 0, "msg": "normal"}
    fees = bot.call("GET", "/sapi/v1/asset/tradeFee", symbol="BTCUSDT").json()
    assert [fee["symbol"] for fee in fees] == ["BTCUSDT"]


def test_answers_count_weight_and_orders(bot: SignedClient) -> None:
    """In the headers, by address and by account."""
    first = bot.http.get("/api/v3/exchangeInfo")
    second = bot.http.get("/api/v3/ping")
    used = [int(reply.headers["X-MBX-USED-WEIGHT-1M"]) for reply in (first, second)]
    assert used[1] - used[0] == 1 or used[1] == 1
    counts = [int(bot.order(price=CLOSED_FAR).headers["X-MBX-ORDER-COUNT-1D"]) for _ in range(2)]
    assert counts[1] == counts[0] + 1
    bot.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")


def test_times_may_be_in_microseconds(bot: SignedClient) -> None:
    """With the header that clients of the interface send for it."""
    for header, digits in ((None, 13), ("MICROSECOND", 16)):
        headers = {} if header is None else {"X-MBX-TIME-UNIT": header}
        reply: httpx.Response = bot.http.get("/api/v3/time", headers=headers)
        assert len(str(reply.json()["serverTime"])) == digits
    reply = bot.http.get("/api/v3/time", headers={"X-MBX-TIME-UNIT": "FORTNIGHT"})
    assert error(reply)[1] == -1130


@pytest.mark.parametrize("header", ["X-MBX-APIKEY", "X-MBX-TIME-UNIT"])
def test_a_header_that_stands_twice_is_refused(bot: SignedClient, header: str) -> None:
    """Proxies disagree on which of two counts."""
    reply = bot.http.get("/api/v3/time", headers=[(header, "MICROSECOND")] * 2)
    assert (reply.status_code, reply.json()["code"]) == (400, -1101)


def test_a_foreign_page_is_refused_in_the_form_of_the_surface(bot: SignedClient) -> None:
    """As every path of the gateway refuses it, but with a code of Binance."""
    reply = bot.http.get("/api/v3/ping", headers={"Origin": "https://evil.example"})
    assert error(reply)[:2] == (403, -1002)
    assert bot.http.get("/v1/time", headers={"Origin": "https://evil.example"}).json()["code"] == (
        "origin_not_allowed"
    )


OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "aboveType": "LIMIT_MAKER",
    "abovePrice": "80000", "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "30000",
    "belowPrice": "29000", "belowTimeInForce": "GTC", "listClientOrderId": "pair",
    "belowClientOrderId": "worse",
}  # fmt: skip


def test_one_order_of_a_list_cancels_the_other(bot: SignedClient, maker: SignedClient) -> None:
    """Both are placed at once and shown as a list; the cancel of the list ends both."""
    maker.order(side="SELL", price="60000", quantity="0.1")
    bot.order(price="60000", quantity="0.1")
    placed = bot.form("POST", "/api/v3/orderList/oco", **OCO).json()
    assert (placed["listClientOrderId"], placed["listOrderStatus"]) == ("pair", "EXECUTING")
    assert [order["type"] for order in placed["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    key = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
    listed = bot.call("GET", "/api/v3/openOrderList").json()
    assert [item["orderListId"] for item in listed] == [placed["orderListId"]]
    read = bot.call("GET", "/api/v3/orderList", orderListId=placed["orderListId"]).json()
    assert read["orders"] == placed["orders"]
    named = bot.call("GET", "/api/v3/orderList", origClientOrderId="pair").json()
    assert named == read
    again = bot.form("POST", "/api/v3/orderList/oco", **OCO)
    assert error(again) == (400, -2010, "Duplicate order sent.")
    assert read["orders"][1]["clientOrderId"] == "worse"
    by_name = {"symbol": "BTCUSDT", "listClientOrderId": "pair"}
    ended = bot.call("DELETE", "/api/v3/orderList", **by_name).json()
    assert ended["listClientOrderId"] == "pair"
    assert [order["status"] for order in ended["orderReports"]] == ["CANCELED", "CANCELED"]
    assert error(bot.call("DELETE", "/api/v3/orderList", **key))[:2] == (400, -2011)
    assert bot.call("GET", "/api/v3/openOrderList").json() == []
    without = {name: value for name, value in OCO.items() if name != "listClientOrderId"}
    unnamed = bot.form("POST", "/api/v3/orderList/oco", **without).json()
    made = f"list-{unnamed['orderListId']}"
    assert unnamed["listClientOrderId"] == made
    bot.form("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    again = bot.call("GET", "/api/v3/orderList", origClientOrderId=made).json()
    assert again["listOrderStatus"] == "ALL_DONE"
    missing = bot.call("GET", "/api/v3/orderList", orderListId=999_999)
    assert error(missing) == (400, -2013, "Order does not exist.")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aboveType": "STOP_LOSS"}, -1116), ({"side": "BUY"}, -1116), ({"abovePrice": ""}, -1105),
        ({"belowTimeInForce": "GTD"}, -1115), ({"belowStopPrice": "x"}, -1100),
        ({"belowTrailingDelta": "1"}, -1106), ({"quantity": "0.000001"}, -1013),
        ({"abovePrice": "80000.001"}, -1013), ({"newOrderRespType": "ALL"}, -1130),
    ],
)  # fmt: skip
def test_a_bad_list_places_nothing(bot: SignedClient, changes: dict[str, str], code: int) -> None:
    """Neither of its orders."""
    reply = bot.form("POST", "/api/v3/orderList/oco", **(OCO | changes))
    assert error(reply)[:2] == (400, code), reply.text
    assert bot.call("GET", "/api/v3/openOrders", symbol="BTCUSDT").json() == []


def test_a_native_client_trades_with_a_binance_client(bot: SignedClient) -> None:
    """On one book: each sees the trade of both, under its own names."""
    body = {
        "symbol": "BTC-USDT", "side": "sell", "order_type": "limit", "quantity": "0.1",
        "price": "55000.00",
    }  # fmt: skip
    sold = bot.http.post("/v1/orders", json=body, headers={"X-Account": "native"}).json()
    (fill,) = bot.order(price="55000").json()["fills"]
    headers = {"X-Account": "native"}
    (seen,) = bot.http.get(
        "/v1/fills", params={"order_id": sold["order_id"]}, headers=headers
    ).json()["fills"]
    assert (seen["seq"], seen["price"], seen["liquidity"]) == (
        fill["tradeId"], fill["price"], "maker",
    )  # fmt: skip
    (newest,) = bot.http.get("/api/v3/trades", params={"symbol": "BTCUSDT", "limit": 1}).json()
    assert (newest["id"], newest["isBuyerMaker"]) == (fill["tradeId"], False)
