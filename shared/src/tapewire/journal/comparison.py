"""Compares every key of a venue with the replay of its journal.

Keys that have expired at the venue, and trimmed entries, are counted and are no difference.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tapewire import keys
from tapewire.journal.replica import LIFETIME_SLACK_US, Replica
from tapewire.limits import TRANSFER_REFERENCE_KEPT_S
from tapewire.packed.layout import STATE, TRANSFER
from tapewire.redis.client import AsyncRedis

PAGE_KEYS = 500
PAGE_ENTRIES = 1_000
DIFFERENCES_SHOWN_MAX = 20
VALUE_CHARACTERS_SHOWN_MAX = 200
# The fewest entries that account logs and candles keep, in every version of Tapewire.
STREAM_ENTRIES_KEPT = 10_000
TRANSFER_KEPT_US = TRANSFER_REFERENCE_KEPT_S * 1_000_000

# Families of keys that expire, and families of streams that are trimmed.
_MORTAL = frozenset({"order", "client_order", "client_list", "transfer"})
_STREAMS = frozenset({"trades", "candles", "account_log"})
_IMMORTAL = frozenset(
    {
        "epoch", "instruments", "last_order_id", "last_command", "market", "queue", "levels",
        "stops", "open", "expiring", "dead_man", "candle_now", "account", "accounts", "assets",
        "supply", "format", "firing", "auctions", "delisted",
    }
)  # fmt: skip
_FAMILIES = _MORTAL | _STREAMS | _IMMORTAL
# Keys of the venue that no command writes.
# `orders` and `fills` are keys of format 1.
_UNJOURNALED = frozenset(
    {
        "journal",
        "api_keys",
        "api_key",
        "libraries",
        "confirmed",
        "clock_accepted",
        "contest",
        "orders",
        "fills",
        "broken",
    }
)


@dataclass(slots=True)
class Comparison:
    """The result of a comparison."""

    equal: Counter[str] = field(default_factory=Counter)
    # Family -> keys or entries that have expired at the venue.
    departed: Counter[str] = field(default_factory=Counter)
    trimmed: Counter[str] = field(default_factory=Counter)
    foreign: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether no more differences are collected."""
        return len(self.differences) >= DIFFERENCES_SHOWN_MAX


async def compare_state(live: AsyncRedis, replica: Replica) -> Comparison:
    """Compare every key of both sides, which must not change meanwhile."""
    return await _Pass(live, replica).run()


class _Pass:
    def __init__(self, live: AsyncRedis, replica: Replica) -> None:
        self._live: Any = live
        self._copy: Any = replica.client
        self._replica = replica
        self._found = Comparison()

    async def run(self) -> Comparison:
        async for names in _pages(self._live):
            await self._compare(names, missing_only=False)
        async for names in _pages(self._copy):
            await self._compare(names, missing_only=True)
        self._found.differences.sort()
        return self._found

    async def _compare(self, names: list[bytes], *, missing_only: bool) -> None:
        """Compare one page of keys; with `missing_only` those that the venue does not have."""
        known = []
        for name in names:
            family = _family(name)
            if family in _FAMILIES:
                known.append(name)
            elif family not in _UNJOURNALED and not missing_only:
                self._found.foreign += 1
        kinds = await _ask(self._live, [("TYPE", name) for name in known])
        if missing_only:
            missing = [name for name, kind in zip(known, kinds, strict=True) if kind == b"none"]
            for name in missing:
                await self._judge_missing(name)
            return
        own_kinds = await _ask(self._copy, [("TYPE", name) for name in known])
        ends = [
            await _ask(side, [("PTTL", name) for name in known])
            for side in (self._live, self._copy)
        ]
        plain = []
        for name, kind, own_kind, end, own_end in zip(known, kinds, own_kinds, *ends, strict=True):
            if b"none" in {kind, own_kind} or -2 in {end, own_end}:
                if own_kind == b"none":
                    self._differ(name, "the venue has it, the replay has not")
                continue  # A key that expired between two reads is judged by the other pass.
            if kind != own_kind:
                self._differ(
                    name, f"a {kind.decode()} at the venue, a {own_kind.decode()} in the replay"
                )
            elif (end < 0) != (own_end < 0):
                whose = "venue" if end < 0 else "replay"
                self._differ(name, f"only the {whose} keeps it for ever")
            elif _family(name) in _STREAMS:
                await self._compare_stream(name)
            else:
                plain.append((name, kind))
        await self._compare_values(plain)

    async def _compare_values(self, names: list[tuple[bytes, bytes]]) -> None:
        commands = [_READS[kind](name) for name, kind in names]
        values = await _ask(self._live, commands)
        own = await _ask(self._copy, commands)
        for (name, _), value, expected in zip(names, values, own, strict=True):
            if value == expected:
                self._found.equal[_family(name)] += 1
            elif not value:
                await self._judge_missing(name)
            else:
                self._differ(name, _explain(value, expected))

    async def _compare_stream(self, name: bytes) -> None:
        """Compare the entries that both streams have; Redis trims the oldest entries."""
        firsts = [
            await side.execute_command("XRANGE", name, "-", "+", "COUNT", 1)
            for side in (self._live, self._copy)
        ]
        lengths = [await side.execute_command("XLEN", name) for side in (self._live, self._copy)]
        if not all(firsts):
            self._differ(name, f"the venue has {lengths[0]} entries, the replay {lengths[1]}")
            return
        position: Any = max(_id(entries[0][0]) for entries in firsts)
        start = b"%d-%d" % position
        while True:
            command = ("XRANGE", name, start, "+", "COUNT", PAGE_ENTRIES)
            entries = await self._live.execute_command(*command)
            expected = await self._copy.execute_command(*command)
            if entries != expected:
                pairs = zip([*entries, None], [*expected, None], strict=False)
                one, other = next((a, b) for a, b in pairs if a != b)
                self._differ(name, f"the venue has {_short(one)}, the replay {_short(other)}")
                return
            if len(entries) < PAGE_ENTRIES:
                break
            start = b"(" + entries[-1][0]
        family = _family(name)
        gone = lengths[1] - lengths[0]
        kept = self._replica.log_trades_max if family == "trades" else STREAM_ENTRIES_KEPT
        if gone > 0 and lengths[0] < kept:
            self._differ(
                name, f"{gone} of the oldest entries are missing, but only {lengths[0]} are left"
            )
            return
        self._found.trimmed[family] += max(gone, 0)
        self._found.equal[family] += 1

    async def _judge_missing(self, name: bytes) -> None:
        """Judge a key that only the replay has: the key must have expired at the venue."""
        family = _family(name)
        if family in _MORTAL and await self._is_over(name, family):
            self._found.departed[family] += 1
        else:
            self._differ(
                name,
                "the venue does not have it, though its time is not over"
                if family in _MORTAL
                else "the venue does not have it",
            )

    async def _is_over(self, name: bytes, family: str) -> bool:
        """Whether the lifetime of this key of the replay has passed at the venue."""
        client = self._copy
        if await client.pttl(name) < 0:
            return False
        if family in {"client_order", "client_list"}:
            order = f"{keys.PREFIX}order:{(await client.get(name)).decode()}".encode()
            # The replica deletes an order whose time is over when one of its names is used again.
            return not await client.exists(order) or await self._is_over(order, "order")
        if family == "transfer":
            value = await client.get(name)
            return (
                int(TRANSFER.read(value.decode()).time_us)
                <= await self._now_us() - TRANSFER_KEPT_US
            )
        state = STATE.read((await client.hget(name, "state")).decode())
        over_us = int(state.updated_us) + self._replica.kept_s * 1_000_000 - LIFETIME_SLACK_US
        return over_us <= await self._now_us()

    async def _now_us(self) -> int:
        seconds, micros = await self._live.time()
        return int(seconds) * 1_000_000 + int(micros)

    def _differ(self, name: bytes, reason: str) -> None:
        if not self._found.is_full:
            self._found.differences.append(f"{name.decode(errors='replace')}: {reason}")


_READS: dict[bytes, Any] = {
    b"string": lambda name: ("GET", name),
    b"hash": lambda name: ("HGETALL", name),
    b"set": lambda name: ("SMEMBERS", name),
    b"zset": lambda name: ("ZRANGE", name, 0, -1, "WITHSCORES"),
    b"list": lambda name: ("LRANGE", name, 0, -1),
    b"stream": lambda name: ("XRANGE", name, "-", "+"),
}


def _family(name: bytes) -> str:
    return name.decode(errors="replace").removeprefix(keys.PREFIX).partition(":")[0]


async def _pages(client: Any) -> AsyncIterator[list[bytes]]:  # noqa: ANN401
    """Every key of the venue in pages without duplicates, which SCAN may return."""
    page: set[bytes] = set()
    async for name in client.scan_iter(match=f"{keys.PREFIX}*", count=PAGE_KEYS):
        page.add(name)
        if len(page) == PAGE_KEYS:
            yield sorted(page)
            page = set()
    yield sorted(page)


async def _ask(client: Any, commands: list[tuple[Any, ...]]) -> list[Any]:  # noqa: ANN401
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    answers: list[Any] = await pipeline.execute() if commands else []
    return answers


def _id(entry_id: bytes) -> tuple[int, int]:
    first, _, second = entry_id.partition(b"-")
    return int(first), int(second)


def _explain(value: Any, expected: Any) -> str:  # noqa: ANN401
    """The first difference of two values, as text."""
    if isinstance(value, dict):
        for name in sorted(set(value) | set(expected)):
            one, other = value.get(name), expected.get(name)
            if one != other:
                return (
                    f"{_short(name)} is {_short(one)} at the venue, {_short(other)} in the replay"
                )
    if isinstance(value, set):
        value, expected = sorted(value), sorted(expected)
    if isinstance(value, list):
        pairs = zip([*value, None], [*expected, None], strict=False)
        one, other = next((a, b) for a, b in pairs if a != b)
        return f"{_short(one)} at the venue, {_short(other)} in the replay"
    return f"{_short(value)} at the venue, {_short(expected)} in the replay"


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    text = value.decode(errors="replace") if isinstance(value, bytes) else repr(value)
    if len(text) > VALUE_CHARACTERS_SHOWN_MAX:
        return f"{text[:VALUE_CHARACTERS_SHOWN_MAX]}..."
    return text
