"""Reads the venue's positions and its replay log of trades from Redis."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from market_data.feed.account_log import read_position
from market_data.feed.sequencer import Positions
from tapewire import keys
from tapewire.errors import MessageError
from tapewire.packed.records import read_standing
from tapewire.redis.client import AsyncRedis, renew
from tapewire.values.types import Symbol
from tapewire.wire.trade_event import TradeMessage, decode_trade

READ_TRADES_MAX = 1_000
"""Trades in one read of the log: about 300 KiB."""

LOOK_UPS_MAX = 500
"""Log entries looked up in one round trip."""


class Sent(NamedTuple):
    """A published message: its log, its entry id there, and a comparison with a log entry."""

    log_key: str
    entry_id: str
    is_same: Callable[[bytes], bool]


class ReplayLog:
    """The streams `trades:<symbol>`, and the positions of symbols and accounts."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client

    async def renew(self) -> None:
        """Make the next read look for the primary again."""
        await renew(self._client)

    async def positions(self, accounts: Sequence[str] = ()) -> Positions:
        """The epoch, the last numbers of every symbol, and those of the named accounts.

        Raises RedisError, OSError.
        """
        listed, delisted = await _members(self._client)
        symbols = sorted(listed | delisted)
        pipeline: Any = self._client.pipeline(transaction=False)
        pipeline.get(keys.EPOCH)
        for symbol in symbols:
            pipeline.hget(keys.market(Symbol(symbol)), "state")
        for name in accounts:
            pipeline.hmget(keys.account(name), "seq", "balance_seq")
        epoch, *states = await pipeline.execute()
        records = states[len(symbols) :]
        stands = {
            symbol: standing
            for symbol, state in zip(symbols, states[: len(symbols)], strict=True)
            if (standing := read_standing(state)) is not None
        }
        return Positions(
            epoch.decode() if epoch else "",
            {symbol: int(state.seq) for symbol, state in stands.items()},
            {
                symbol: int(state.book_seq)
                for symbol, state in stands.items()
                if symbol not in delisted
            },
            {name: read_position(*record) for name, record in zip(accounts, records, strict=True)},
            frozenset(delisted),
        )

    async def entries(self, places: Sequence[Sent]) -> list[bytes | None]:
        """The logged message at each place: empty without an entry, None if the log starts later.

        Raises RedisError, OSError.
        """
        found: list[bytes | None] = []
        for first in range(0, len(places), LOOK_UPS_MAX):
            pipeline: Any = self._client.pipeline(transaction=False)
            for place in places[first : first + LOOK_UPS_MAX]:
                pipeline.xrange(place.log_key, min=place.entry_id, max=place.entry_id)
                pipeline.xrange(place.log_key, max=place.entry_id, count=1)
            replies = await pipeline.execute()
            for entries, before in zip(replies[::2], replies[1::2], strict=True):
                missing = b"" if before else None
                found.append(entries[0][1].get(b"event", b"") if entries else missing)
        return found

    async def read(self, symbol: str, after_seq: int) -> tuple[list[TradeMessage], bool]:
        """Trades after `after_seq`, oldest first, and whether the log ends with them.

        Entries that are not trades are skipped. Raises RedisError, OSError.
        """
        client: Any = self._client
        first = str(after_seq + 1)
        while True:
            entries = await client.xrange(
                keys.replay_log(Symbol(symbol)), min=first, max="+", count=READ_TRADES_MAX
            )
            messages = []
            for _, fields in entries:
                with contextlib.suppress(MessageError):
                    messages.append(decode_trade(fields.get(b"event", b"")))
            log_ended = len(entries) < READ_TRADES_MAX
            if messages or log_ended:
                return messages, log_ended
            # A page without a single trade must not look like the end of the log.
            first = f"({entries[-1][0].decode()}"


async def _members(client: Any) -> tuple[set[str], set[str]]:  # noqa: ANN401 (two async clients)
    """The symbols that are listed, and those that were, both of one moment."""
    pipeline: Any = client.pipeline(transaction=True)
    pipeline.smembers(keys.INSTRUMENTS)
    pipeline.smembers(keys.DELISTED)
    listed, delisted = await pipeline.execute()
    return {item.decode() for item in listed}, {item.decode() for item in delisted}
