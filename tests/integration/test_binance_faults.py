"""The Binance surface while Redis is away or restarted, and over its limits."""

import os
import signal
from pathlib import Path

import httpx
import redis

from tapewire.redis.server import RedisServer
from tests.support.running.processes import running_gateway
from tests.support.transport.signed import SignedClient, error
from tests.support.transport.websocket_api import WebSocketApi
from tests.support.wait import wait_for

EVENTS_MAX = 3
ATTEMPTS_MAX = 5
UNKNOWN, BUSY = (503, -1007), (503, -1008)


def test_without_redis_calls_fail_honestly_and_streams_go_on(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """-1008 or -1007, never a 500; a user data stream misses nothing over a restart of
    Redis, and ends if Redis returns without its data.
    """
    with running_gateway(redis_server.url, tmp_path) as service:
        bot = SignedClient(service.url)
        assert bot.order(newClientOrderId="before").status_code == 200
        with WebSocketApi(service.port) as api:
            api.signed("userDataStream.subscribe.signature")
            redis_server.kill()
            for path in ("depth?symbol=BTCUSDT", "klines?symbol=BTCUSDT&interval=1m", "time",
                         "aggTrades?symbol=BTCUSDT", "ticker/24hr"):  # fmt: skip
                assert error(bot.http.get(f"/api/v3/{path}"))[:2] == BUSY, path
            for reply in (bot.order(), bot.call("GET", "/api/v3/account")):
                assert error(reply)[:2] in {UNKNOWN, BUSY}
            assert api.ask("depth", symbol="BTCUSDT")["error"]["code"] == -1008
            assert bot.http.get("/api/v3/ping").json() == {}
            redis_server.start()
            wait_for(lambda: bot.http.get("/api/v3/time").status_code == 200, "Redis is back")
            key = {"symbol": "BTCUSDT", "origClientOrderId": "before"}
            assert bot.call("DELETE", "/api/v3/order", **key).status_code == 200
            assert api.event()["C"] == "before"
            with redis.Redis(port=redis_server.port) as client:
                client.flushall()
            kinds = (api.event()["e"] for _ in range(EVENTS_MAX))
            assert "eventStreamTerminated" in kinds, "the venue was reset"
        bot.close()


def test_a_lost_answer_is_told_as_unknown(redis_server: RedisServer, tmp_path: Path) -> None:
    """-1007: the client has to ask for its order, which was placed or not."""
    settings = {"TAPEWIRE_REDIS_TIMEOUT_S": "1"}
    with running_gateway(redis_server.url, tmp_path, settings) as service:
        bot = SignedClient(service.url)
        assert bot.order().status_code == 200
        found = BUSY
        for attempt in range(ATTEMPTS_MAX):
            os.kill(redis_server.pid, signal.SIGSTOP)
            try:
                found = error(bot.order(newClientOrderId=f"lost-{attempt}"))[:2]
            finally:
                os.kill(redis_server.pid, signal.SIGCONT)
            wait_for(lambda: bot.http.get("/api/v3/time").status_code == 200, "Redis is back")
            # The gateway sends no order if it has found before that Redis does not answer.
            if found != BUSY:
                break
        assert found == UNKNOWN
        bot.close()


def test_limits_answer_with_the_time_to_wait(redis_server: RedisServer, tmp_path: Path) -> None:
    """429 over the weight and over the orders, 418 for who goes on; the limits are advertised."""
    settings = {
        "TAPEWIRE_GATEWAY_BINANCE_WEIGHT_PER_MINUTE": "60",
        "TAPEWIRE_GATEWAY_BINANCE_ORDERS_PER_DAY": "2",
    }
    with running_gateway(redis_server.url, tmp_path, settings) as service:
        bot = SignedClient(service.url)
        shown = bot.http.get("/api/v3/exchangeInfo").json()["rateLimits"]
        assert [item["limit"] for item in shown] == [60, 1_000_000, 2]
        assert [bot.order(price="40000").status_code for _ in range(2)] == [200, 200]
        over = bot.order(price="40000")
        assert error(over) == (429, -1015, "Too many new orders.")
        assert int(over.headers["Retry-After"]) >= 1

        def heavy() -> httpx.Response:
            return bot.http.get("/api/v3/depth", params={"symbol": "BTCUSDT", "limit": 1_000})

        # A minute may begin in between, so the first heavy request may pass.
        replies = [heavy() for _ in range(25)]
        refused = next(reply for reply in replies if reply.status_code == 429)
        assert error(refused)[1] == -1003
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        wait_for(lambda: heavy().status_code == 418, "the address is banned")
        banned = heavy()
        assert error(banned)[:2] == (418, -1003)
        assert 1 <= int(banned.headers["Retry-After"]) <= 120
        bot.close()
