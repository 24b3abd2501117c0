"""What a service refuses before it is routed, and what every answer of it says."""

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tapewire.limits import REQUEST_BODY_BYTES_MAX, REQUEST_HEAD_BYTES_MAX
from tests.support.running.processes import Service, running_gateway, running_market_data
from tests.support.transport import order_bodies
from tests.support.transport.raw_http import RawHttp, RawReply
from tests.support.transport.rest import JSON
from tests.support.wait import wait_for

PAGE = "https://app.example.com"
FOREIGN = "https://evil.example.com"
VARIABLES = {
    "TAPEWIRE_ALLOWED_ORIGINS": PAGE,
    "TAPEWIRE_GATEWAY_REQUEST_TIMEOUT_S": "1",
    "TAPEWIRE_MARKET_DATA_REQUEST_TIMEOUT_S": "1",
}
SOCKETS = {"order_gateway": "/v1/ws", "market_data": "/ws/market-data"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
EVERY_ANSWER = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@pytest.fixture(scope="module")
def gateway(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A gateway for the tests of this module."""
    with running_gateway(module_redis_url, tmp_path_factory.mktemp("g"), VARIABLES) as service:
        yield service


@pytest.fixture(scope="module")
def market_data(
    module_redis_url: str, gateway: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A market-data process for the tests of this module."""
    with running_market_data(module_redis_url, tmp_path_factory.mktemp("m"), VARIABLES) as service:
        yield service


@pytest.fixture(params=["order-gateway", "market-data"])
def service(request: pytest.FixtureRequest, gateway: Service, market_data: Service) -> Service:
    """Each of the two."""
    return {"order-gateway": gateway, "market-data": market_data}[request.param]


def socket_path(service: Service) -> str:
    """Where its WebSocket is."""
    return SOCKETS[service.name]


def ask(service: Service, path: str = "/livez", **headers: str) -> RawReply:
    """One GET with these headers, in the order given; `Host` is that of the service without."""
    with RawHttp(service.port) as connection:
        return connection.ask("GET", path, headers)


def check_headers(answer: RawReply) -> None:
    """An answer has the headers of every answer, and says nothing of the server."""
    assert answer.headers.items() >= EVERY_ANSWER.items()
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers


def test_every_answer_has_the_headers(service: Service) -> None:
    """Of a route, of the framework, of the parser, and of the refusal of a WebSocket."""
    answers = [
        ask(service),
        ask(service, "/nowhere"),
        ask(service, socket_path(service), **UPGRADE, Origin=FOREIGN),
        ask(service, socket_path(service), **UPGRADE | {"Sec-WebSocket-Key": "short"}),
    ]
    with RawHttp(service.port) as connection:
        connection.send(b"NOT HTTP AT ALL\r\n\r\n")
        answers.append(connection.receive())
    assert [answer.status for answer in answers] == [200, 404, 403, 400, 400]
    for answer in answers:
        check_headers(answer)
    assert answers[-1].json()["code"] == "http_error"


def test_the_page_of_documents_may_run_its_own_script(service: Service) -> None:
    """The policy names the digest of the page's script, and its files may be cached."""
    page = httpx.get(f"{service.url}/docs")
    (policy,) = page.headers.get_list("content-security-policy")
    assert re.search(r"script-src 'self' 'sha256-[\w+/]{43}='; ", policy)
    assert "frame-ancestors 'none'" in policy
    files = httpx.get(f"{service.url}/docs-assets/swagger-ui.css")
    assert files.status_code == 200
    assert "cache-control" not in files.headers


def test_a_foreign_page_gets_nothing(service: Service) -> None:
    """A foreign page gets no answer, no stream, no preflight and no socket."""
    stream = "/v1/stream" if "market" in service.name else "/v1/orders"
    for path, headers in (
        ("/livez", {}),
        (stream, {}),
        (socket_path(service), UPGRADE),
    ):
        for origin in (FOREIGN, "null", f"http://127.0.0.1:{service.port + 1}", ""):
            answer = ask(service, path, **headers, Origin=origin)
            assert (answer.status, answer.json()["code"]) == (403, "origin_not_allowed")
            assert "access-control-allow-origin" not in answer.headers
    preflight = {"Origin": FOREIGN, "Access-Control-Request-Method": "DELETE"}
    assert httpx.options(f"{service.url}/v1/orders/1", headers=preflight).status_code == 403


def test_a_listed_page_and_the_own_one_are_served(service: Service) -> None:
    """Over HTTP and WebSocket; so is a program, which sends no origin."""
    own = f"http://127.0.0.1:{service.port}"
    for origin in ({"Origin": PAGE}, {"Origin": own}, {}):
        assert ask(service, **origin).status == 200
        assert ask(service, socket_path(service), **UPGRADE, **origin).status == 101


def test_a_listed_page_may_read_what_it_needs(gateway: Service) -> None:
    """Also the headers of an answer, and errors; two origins in one request are none."""
    body = order_bodies.body()
    headers = JSON | {"Origin": PAGE}
    reply = httpx.post(f"{gateway.url}/v1/orders", content=body, headers=headers)
    assert reply.status_code == 201
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert reply.headers["vary"] == "Origin"
    exposed = reply.headers["access-control-expose-headers"].lower().split(", ")
    assert {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= set(exposed)
    assert {"retry-after", "idempotent-replay"} <= set(exposed)
    refused = httpx.post(f"{gateway.url}/v1/orders", content=b"{", headers=headers)
    assert refused.status_code == 400
    assert refused.headers["access-control-allow-origin"] == PAGE
    with RawHttp(gateway.port) as connection:
        connection.send(
            f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {PAGE}\r\nOrigin: {PAGE}\r\n\r\n"
        )
        assert connection.receive().status == 403


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "PUT"])
def test_a_preflight_is_answered_for_a_listed_page(gateway: Service, method: str) -> None:
    """With every method and header that an operation takes."""
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,x-account",
    }
    reply = httpx.options(f"{gateway.url}/v1/orders", headers=asked)
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert method in reply.headers["access-control-allow-methods"]
    allowed = reply.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "x-account"))


@pytest.mark.parametrize("origin", [{}, {"Origin": PAGE}, {"Origin": FOREIGN}])
def test_a_form_of_a_page_is_refused_by_its_content_type(
    gateway: Service, origin: dict[str, str]
) -> None:
    """What a page may send without a preflight is not JSON, and so is no order."""
    before = httpx.get(f"{gateway.url}/v1/orders").json()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        reply = httpx.post(
            f"{gateway.url}/v1/orders",
            content=order_bodies.body(),
            headers={"Content-Type": kind} | origin,
        )
        assert reply.status_code == (403 if FOREIGN in origin.values() else 415)
    assert httpx.get(f"{gateway.url}/v1/orders").json() == before


def test_a_name_that_is_not_ours_is_refused(service: Service) -> None:
    """A page whose name was made to resolve to this machine passes as its own; its name tells."""
    port = service.port
    for host in (f"evil.test:{port}", "localhost.evil.test", ""):
        for path, headers in (("/livez", {}), (socket_path(service), UPGRADE)):
            answer = ask(service, path, **headers, Host=host, Origin=f"http://{host}")
            assert (answer.status, answer.json()["code"]) == (421, "host_not_allowed")
    for host in (f"localhost:{port}", f"[::1]:{port}", "127.0.0.1", "10.1.2.3:80"):
        assert ask(service, Host=host).status == 200
    with RawHttp(port) as connection:
        connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n")
        assert connection.receive().status == 421


def test_a_head_over_its_bound_is_refused(service: Service) -> None:
    """Whether it comes at once, in many headers, in the path, or never ends."""
    long = "x" * REQUEST_HEAD_BYTES_MAX
    many = {f"X-{n}": "y" * 100 for n in range(REQUEST_HEAD_BYTES_MAX // 100)}
    answers = [
        ask(service, **{"X-Long": long}),
        ask(service, **many),
        ask(service, f"/livez?{long}"),
        ask(service, socket_path(service), **UPGRADE, **many),
    ]
    with RawHttp(service.port) as connection:
        connection.send(f"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: {long}")
        answers.append(connection.receive())
        connection.receive_end()
    for answer in answers:
        assert (answer.status, answer.json()["code"]) == (431, "headers_too_large")
    longest = "x" * (REQUEST_HEAD_BYTES_MAX - 100)
    assert ask(service, **{"X-Long": longest}).status == 200


def test_an_unknown_expectation_is_refused(service: Service) -> None:
    """By RFC 9110, section 10.1.1; 100-continue is known in any case."""
    for path, headers in (("/livez", {}), (socket_path(service), UPGRADE)):
        answer = ask(service, path, Expect="foo", **headers)
        assert (answer.status, answer.json()["code"]) == (417, "expectation_failed")
    assert ask(service, Expect="100-Continue").status == 200


def test_a_body_over_its_bound_is_refused(service: Service) -> None:
    """By its declared length, or once the chunks are over it; what never ends is cut off."""
    path = "/v1/orders" if "gateway" in service.name else "/livez"
    large = REQUEST_BODY_BYTES_MAX + 1
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with RawHttp(service.port) as connection:
        connection.send(f"{head}Content-Length: {large}\r\n\r\n")
        answer = connection.receive()
        assert (answer.status, answer.json()["code"]) == (413, "body_too_large")
    if "gateway" in service.name:
        with RawHttp(service.port) as connection:
            connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\n{large:x}\r\n{'x' * large}")
            answer = connection.receive()
            assert (answer.status, answer.json()["code"]) == (413, "body_too_large")
    with RawHttp(service.port) as connection:
        connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\n")
        connection.send_until_refused((b"40\r\n" + b"x" * 0x40 + b"\r\n") * 1_000)


def cut_off(service: Service, begun: str) -> bytes:
    """Begin a request, go on with it drop by drop, and give what the service says at last."""
    with RawHttp(service.port) as connection:
        connection.send(begun.replace("SOCKET", socket_path(service)))
        if begun:
            connection.drip(b"\r\n" if begun == "\r\n" else b"x")
        return connection.receive_rest()


def test_a_request_that_comes_drop_by_drop_is_cut_off(service: Service) -> None:
    """Each drop keeps the connection busy, and none of them buys time."""
    begun = [
        "",
        "\r\n",
        "GET /",
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n",
        "GET SOCKET HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgr",
    ]
    if "gateway" in service.name:
        body = "Content-Type: application/json\r\nContent-Length: 10000\r\n\r\n{"
        begun.append(f"POST /v1/orders HTTP/1.1\r\nHost: localhost\r\n{body}")
    with ThreadPoolExecutor(len(begun)) as threads:
        silent, *answers = threads.map(lambda first: cut_off(service, first), begun)
    assert silent == b""
    for answer in answers:
        head, _, body = answer.decode().partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 408 ")
        assert json.loads(body)["code"] == "request_timeout"


def test_a_connection_that_was_answered_may_rest(service: Service) -> None:
    """Between two requests the keep-alive timeout counts, not that of a request."""
    with RawHttp(service.port) as connection, RawHttp(service.port) as silent:
        assert connection.ask("GET", "/livez", {}).status == 200
        # The silent one was opened later, and is cut off.
        assert silent.receive_rest() == b""
        assert connection.ask("GET", "/livez", {}).status == 200


def test_slow_requests_leave_nothing_behind(gateway: Service) -> None:
    """The log has no traceback of a client that went away, and others are served meanwhile."""
    slow = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(50)]
    try:
        for one in slow:
            one.sendall(
                b"POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
                b"Content-Type: application/json\r\n\r\n{"
            )
        assert httpx.get(f"{gateway.url}/livez").status_code == 200
    finally:
        for one in slow:
            one.close()
    wait_for(lambda: httpx.get(f"{gateway.url}/readyz").status_code == 200, "the gateway is ready")
    assert "Traceback" not in gateway.log()


HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def shake_hands(service: Service, lines: str, path: str | None = None) -> RawReply:
    """The answer to a handshake with these lines beside the usual ones."""
    with RawHttp(service.port) as connection:
        head = HANDSHAKE.format(path=path or socket_path(service))
        connection.send(f"{head}{lines}\r\n")
        return connection.receive()


@pytest.mark.parametrize(
    "lines",
    [
        "Connection: Upgrade\r\nConnection: keep-alive\r\n",
        "Connection: keep-alive\r\nConnection: Upgrade\r\n",
        "Connection: keep-alive, Upgrade\r\n",
        "connection: close\r\nCONNECTION: upgrade , x\r\n",
    ],
)
def test_all_connection_lines_count(service: Service, lines: str) -> None:
    """A proxy may add a second line; the upgrade is asked for all the same."""
    assert shake_hands(service, lines).status == 101


def test_a_wrong_socket_path_is_not_found(service: Service) -> None:
    """404 as for every path, not 403, which would mean that a key is missing."""
    reply = shake_hands(service, "Connection: Upgrade\r\n", "/nothing")
    assert (reply.status, reply.json()["code"]) == (404, "not_found")
    assert reply.headers["content-type"] == "application/problem+json"
    check_headers(reply)


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short", 400),
        ("Version: 13", "Version: 8", 400),
    ],
)
def test_a_failed_handshake_is_a_problem(service: Service, old: str, new: str, status: int) -> None:
    """With the headers of every answer, and a sentence that names what is wrong."""
    text = HANDSHAKE.format(path=socket_path(service)) + "Connection: Upgrade\r\n\r\n"
    with RawHttp(service.port) as connection:
        connection.send(text.replace(old, new))
        reply = connection.receive()
    problem = reply.json()
    assert (reply.status, problem["status"], problem["code"]) == (status, status, "http_error")
    assert "Sec-WebSocket" in problem["detail"]
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.body.endswith(b"}\n")
    check_headers(reply)
