"""Orders over REST as tests want them: placed or refused, with the answer checked for its form."""

from typing import Any

import httpx
import redis

from tapewire import keys
from tapewire.web.problem import Problem
from tapewire.wire.orders import OrderReply
from tests.support.structures import read_exactly
from tests.support.transport import order_bodies

JSON = {"Content-Type": "application/json"}


def place(api: httpx.Client, *, account: str | None = None, **changes: Any) -> dict[str, Any]:
    """Place a good limit order with changes; the answer must be a new order."""
    headers = JSON if account is None else JSON | {"X-Account": account}
    reply = api.post("/v1/orders", content=order_bodies.body(**changes), headers=headers)
    assert reply.status_code == 201, reply.text
    assert reply.headers["content-type"] == "application/json"
    read_exactly(reply.content, OrderReply)
    order: dict[str, Any] = reply.json()
    return order


def refused(reply: httpx.Response, status: int, code: str) -> Problem:
    """The answer must be a problem with this status and code."""
    assert reply.headers["content-type"] == "application/problem+json", reply.text
    problem = read_exactly(reply.content, Problem)
    assert (reply.status_code, problem.status, problem.code) == (status, status, code)
    return problem


def contents(url: str) -> dict[bytes, bytes]:
    """All keys of Redis and their values, except folds: a gateway writes them in the background."""
    folds = keys.account_fold("").encode()
    with redis.Redis.from_url(url) as client:
        found = [key for key in client.scan_iter() if not key.startswith(folds)]
        return {key: client.dump(key) for key in found}
