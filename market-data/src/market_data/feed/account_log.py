"""Reads accounts from Redis: records, logs, and the decimals of assets and instruments."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market_data.feed.sequencer import AccountPosition
from market_data.limits import LARGE_MESSAGE_BYTES
from tapewire import keys
from tapewire.errors import MessageError
from tapewire.packed.records import read_instrument, read_pairs
from tapewire.redis.client import AsyncRedis
from tapewire.values.types import Instrument, Symbol
from tapewire.wire.account_event import AccountEvent, Balance, decode_account_event

READ_MESSAGES_MAX = 100
READ_REPORTS_MAX = 500
"""Bounds of one read of a log, beside a single larger message: about 400 KiB."""


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account at one instant; an account without a record has no messages and no balances."""

    epoch: str
    position: AccountPosition
    balances: Mapping[str, Balance]


class AccountLog:
    """The keys `account:<name>` and `account_log:<name>`. All methods raise RedisError, OSError."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client: Any = client

    async def record(self, name: str) -> AccountRecord:
        """The account now, in one step with the epoch."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.get(keys.EPOCH)
        pipeline.hgetall(keys.account(name))
        epoch, reply = await pipeline.execute()
        fields = read_pairs(reply)
        assets = sorted(
            field.partition(":")[2] for field in fields if field.startswith("available:")
        )
        return AccountRecord(
            epoch.decode() if epoch else "",
            read_position(fields.get("seq"), fields.get("balance_seq")),
            {
                asset: Balance(
                    asset, int(fields[f"available:{asset}"]), int(fields.get(f"held:{asset}", "0"))
                )
                for asset in assets
            },
        )

    async def read(self, name: str, after: AccountPosition) -> tuple[list[AccountEvent], bool]:
        """Messages after a position, oldest first, and whether the log ends before them.

        A page has at most READ_MESSAGES_MAX messages and READ_REPORTS_MAX execution reports, or one
        message. Entries that are not messages are skipped.
        """
        first, seq = f"({after.seq}-{after.balance_seq}", after.seq
        while True:
            # The id of an entry is the number of its last report, so it bounds the reports.
            entries = await self._range(name, first, str(seq + READ_REPORTS_MAX), READ_MESSAGES_MAX)
            if not entries:
                entries = await self._range(name, first, "+", 1)
            events = []
            for _, fields in entries:
                with contextlib.suppress(MessageError):
                    events.append(await decode_beside_the_loop(fields.get(b"event", b"")))
            if events or not entries:
                return events, not entries
            # A page without a single message must not look like the end of the log.
            last_id = entries[-1][0].decode()
            first, seq = f"({last_id}", int(last_id.partition("-")[0])

    async def _range(self, name: str, first: str, last: str, count: int) -> Any:  # noqa: ANN401
        return await self._client.xrange(keys.account_log(name), min=first, max=last, count=count)

    async def decimals(self) -> dict[str, int]:
        """The decimals of every asset."""
        reply = await self._client.hgetall(keys.ASSETS)
        return {asset: int(text) for asset, text in read_pairs(reply).items()}

    async def instrument(self, symbol: str) -> Instrument | None:
        """The instrument of a symbol; None if there is no such market."""
        identity, limits, controls = await self._client.hmget(
            keys.market(Symbol(symbol)), "identity", "limits", "controls"
        )
        if not (identity and limits and controls):
            return None
        return read_instrument(symbol, identity.decode(), limits.decode(), controls.decode())


async def decode_beside_the_loop(payload: bytes) -> AccountEvent:
    """Decode a message; one above LARGE_MESSAGE_BYTES in a thread. Raises MessageError."""
    if len(payload) <= LARGE_MESSAGE_BYTES:
        return decode_account_event(payload)
    return await asyncio.to_thread(_decode_with_reports, payload)


def _decode_with_reports(payload: bytes) -> AccountEvent:
    event = decode_account_event(payload)
    _ = event.reports  # worked out here, because it is remembered
    return event


def read_position(seq: str | bytes | None, balance_seq: str | bytes | None) -> AccountPosition:
    """Two fields of an account's record, which a new account does not have."""
    return AccountPosition(int(seq or 0), int(balance_seq or 0))
