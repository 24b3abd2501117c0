"""What a client says, and what it is answered. Sans I/O: text in, message or refusal out."""

import json
from collections.abc import Mapping
from typing import Any

SERVICE = "market-data"


def connected_message(
    epoch: str, subscriptions: list[str], seqs: Mapping[str, int]
) -> dict[str, Any]:
    """The first message to every client: what it gets, and from where on."""
    return {
        "type": "connected",
        "service": SERVICE,
        "epoch": epoch,
        "subscriptions": subscriptions,
        "seq": dict(seqs),
    }


def error_message(code: str, message: str, request_id: object = None) -> dict[str, Any]:
    """A refusal; `id` is that of the request, if it had one."""
    body: dict[str, Any] = {"type": "error", "code": code, "message": message}
    if request_id is not None:
        body["id"] = request_id
    return body


def encoded(message: Mapping[str, Any]) -> bytes:
    """A message as compact JSON."""
    return json.dumps(message, separators=(",", ":")).encode()
