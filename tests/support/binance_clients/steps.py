"""The calls of a client program, each with its outcome as a line of JSON."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

CALL_TIMEOUT_S = 20.0
DETAIL_CHARACTERS_MAX = 300

SYMBOL = "BTCUSDT"
# The book of the venue is around this price.
PRICE = 60_000
FAR_BELOW, FAR_ABOVE = "50000", "70000"
QUANTITY = "0.001"
ORDERS_PER_DAY = 100
"""The limit of the venue for one account."""


def addresses() -> tuple[str, str, str, str]:
    """Gateway and market-data as the arguments name them: `http` and `ws` of each."""
    gateway, market_data = sys.argv[1:3]
    return (
        gateway, gateway.replace("http", "ws", 1),
        market_data, market_data.replace("http", "ws", 1),
    )  # fmt: skip


def report(call: str, problem: str | None) -> None:
    """Write the outcome of a call."""
    detail = (problem or "")[:DETAIL_CHARACTERS_MAX]
    sys.stdout.write(json.dumps({"call": call, "ok": problem is None, "detail": detail}) + "\n")
    sys.stdout.flush()


def step(call: str, run: Callable[[], Any], holds: Callable[[Any], bool] = bool) -> Any:
    """Make a call and check its result; a failure is reported and ends nothing."""
    try:
        result = run()
    except Exception as error:
        report(call, f"{type(error).__name__}: {error}")
        return None
    report(call, None if holds(result) else f"not as wanted: {result}")
    return result


async def async_step(
    call: str,
    run: Callable[[], Awaitable[Any]],
    holds: Callable[[Any], bool] = bool,
    timeout_s: float = CALL_TIMEOUT_S,
) -> Any:
    """The same for a coroutine, in bounded time."""
    try:
        result = await asyncio.wait_for(run(), timeout_s)
    except Exception as error:
        report(call, f"{type(error).__name__}: {error}")
        return None
    report(call, None if holds(result) else f"not as wanted: {result}")
    return result


def refused(call: str, run: Callable[[], Any], kind: type[Exception]) -> None:
    """Make a call that has to fail with this class of error, and with no other."""
    try:
        result = run()
    except Exception as error:
        named = type(error) is kind
        report(call, None if named else f"{type(error).__name__}: {error}")
    else:
        report(call, f"not refused: {result}")


def same(one: object, other: object) -> bool:
    """Whether two numbers are equal by value."""
    return Decimal(str(one)) == Decimal(str(other))
