"""A client of the Binance surface that signs as the interface asks, and no more."""

import hashlib
import hmac
import time
from typing import Any
from urllib.parse import urlencode

import httpx


class SignedClient:
    """Calls with the API key and secret of one account; by default those of an open venue."""

    def __init__(self, url: str, key: str = "bot", secret: str | None = None) -> None:
        self.key = key
        self.secret = key if secret is None else secret
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def close(self) -> None:
        """Disconnect."""
        self.http.close()

    def sign(self, payload: str) -> str:
        """The signature of a payload."""
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    def signed_text(self, **params: Any) -> str:
        """Parameters as a form, with the time and the signature at its end."""
        text = urlencode({"timestamp": time.time_ns() // 1_000_000, **params})
        return f"{text}&signature={self.sign(text)}"

    def call(self, method: str, path: str, **params: Any) -> httpx.Response:
        """A signed call with everything in the query."""
        url = f"{path}?{self.signed_text(**params)}"
        return self.http.request(method, url, headers={"X-MBX-APIKEY": self.key})

    def form(self, method: str, path: str, **params: Any) -> httpx.Response:
        """A signed call with everything in the body."""
        headers = {
            "X-MBX-APIKEY": self.key,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        text = self.signed_text(**params)
        return self.http.request(method, path, headers=headers, content=text)

    def order(self, **changes: Any) -> httpx.Response:
        """Place a limit order, with changes; None leaves a parameter out."""
        params = {
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
            "quantity": "0.1", "price": "50000",
        } | changes  # fmt: skip
        sent = {name: value for name, value in params.items() if value is not None}
        return self.form("POST", "/api/v3/order", **sent)


def error(reply: httpx.Response) -> tuple[int, int, str]:
    """Status, code and text of an error of the surface, whose form is checked."""
    assert reply.headers["content-type"] == "application/json", reply.text
    body = reply.json()
    assert {"code", "msg"} <= set(body) <= {"code", "msg", "data"}
    return reply.status_code, body["code"], body["msg"]
