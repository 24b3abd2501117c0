"""Cancels an order and places another one in its market, in one atomic step (`replace.lua`)."""

from dataclasses import dataclass
from typing import Any

from tapewire.errors import Refusal
from tapewire.matching.arguments import order_arguments
from tapewire.matching.engine import Engine, Placement
from tapewire.matching.refusals import find_refusal
from tapewire.packed.records import read_order
from tapewire.values.types import Order, OrderCommand, OrderId, ReplaceMode

_NOT_ATTEMPTED = "NOT_ATTEMPTED"


@dataclass(frozen=True, slots=True)
class Target:
    """The order to cancel, named by one of its two ids."""

    order_id: OrderId | None = None
    client_order_id: str | None = None
    # The client's name of the cancel.
    cancel_id: str | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """The results of the cancel and of the placement; None: not attempted.

    A replayed placement was done before; then `canceled` is the present state of the order to
    cancel.
    """

    canceled: Order | Refusal | None
    placed: Placement | Refusal | None


async def replace_order(
    engine: Engine, target: Target, command: OrderCommand, mode: ReplaceMode
) -> Replacement:
    """Cancel `target`, then place `command` if the mode lets it.

    Raises UnknownSymbol, UnknownAccount, StaleInstrument, StopsPending, Unavailable; nothing is
    done then. What the cancel or the placement is refused for is part of the result.
    """
    canceled, placed = await engine.run_order(
        "replace", command, *order_arguments(command), target.order_id or "",
        target.client_order_id or "", mode, target.cancel_id or "",
    )  # fmt: skip
    return Replacement(_read_cancel(canceled), _read_placement(placed))


def _read_cancel(part: list[Any]) -> Order | Refusal | None:
    code, *done = part
    if done:
        return read_order(done[0].decode(), done[1])
    return _read_code(code)


def _read_placement(part: list[Any]) -> Placement | Refusal | None:
    code, *done = part
    if done:
        return Placement(read_order(done[1].decode(), done[2]), replayed=bool(done[0]))
    return _read_code(code)


def _read_code(code: bytes) -> Refusal | None:
    text = code.decode()
    if text == _NOT_ATTEMPTED:
        return None
    refusal = find_refusal(text)
    if not isinstance(refusal, Refusal):
        raise refusal
    return refusal
