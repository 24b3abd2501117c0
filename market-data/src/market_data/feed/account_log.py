"""Reads what Redis has of accounts: the record, the log of what happened, what numbers mean."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market_data.feed.sequencer import AccountPosition
from tapewire import keys
from tapewire.errors import MessageError
from tapewire.matching.records import read_instrument, read_pairs
from tapewire.redis.client import AsyncRedis
from tapewire.values.types import Instrument, Symbol
from tapewire.wire.account_event import AccountEvent, Balance, decode_account_event

# One read of a log: about 50 KiB, which take some 10 ms to decode and to render.
READ_MESSAGES_MAX = 100


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account at one instant; without a record, one to which nothing ever happened."""

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
        """Messages after a position, oldest first, and whether the log ends with them.

        Entries that are not messages are passed over.
        """
        first = f"({after.seq}-{after.balance_seq}"
        while True:
            entries = await self._client.xrange(
                keys.account_log(name), min=first, max="+", count=READ_MESSAGES_MAX
            )
            events = []
            for _, fields in entries:
                with contextlib.suppress(MessageError):
                    events.append(decode_account_event(fields.get(b"event", b"")))
            log_ended = len(entries) < READ_MESSAGES_MAX
            if events or log_ended:
                return events, log_ended
            # A page of nothing but garbage must not look like the end.
            first = f"({entries[-1][0].decode()}"

    async def decimals(self) -> dict[str, int]:
        """The decimals of every asset."""
        reply = await self._client.hgetall(keys.ASSETS)
        return {asset: int(text) for asset, text in read_pairs(reply).items()}

    async def instrument(self, symbol: str) -> Instrument | None:
        """What is traded under a symbol; None if there is no such market."""
        identity, limits, controls = await self._client.hmget(
            keys.market(Symbol(symbol)), "identity", "limits", "controls"
        )
        if not (identity and limits and controls):
            return None
        return read_instrument(symbol, identity.decode(), limits.decode(), controls.decode())


def read_position(seq: str | bytes | None, balance_seq: str | bytes | None) -> AccountPosition:
    """Two fields of an account's record, which a new account does not have."""
    return AccountPosition(int(seq or 0), int(balance_seq or 0))
