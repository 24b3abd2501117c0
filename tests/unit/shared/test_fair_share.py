"""Pieces of work share the loop: no turn has much more than the bound."""

import asyncio

import pytest

from tapewire.runtime.fair_share import FairShare


@pytest.mark.parametrize(("units", "per_turn"), [(1, 10), (3, 4), (10, 1), (50, 1)])
async def test_a_turn_has_a_bounded_number_of_pieces(units: int, per_turn: int) -> None:
    """A hundred tasks that are due at once are spread over as many turns as they need."""
    share = FairShare(10)
    done_in: list[int] = []
    turn = 0

    async def work() -> None:
        await share.take(units)
        done_in.append(turn)

    tasks = [asyncio.create_task(work()) for _ in range(100)]
    while len(done_in) < len(tasks):
        await asyncio.sleep(0)
        turn += 1
    pieces = [done_in.count(number) for number in set(done_in)]
    assert max(pieces) == per_turn
    assert len(pieces) == -(-100 // per_turn)


async def test_a_single_user_is_not_kept_waiting() -> None:
    """Below the bound nothing is awaited, so that order and latency stay as they are."""
    share = FairShare(10)
    for _ in range(10):
        taking = share.take(1)
        with pytest.raises(StopIteration):
            taking.send(None)
