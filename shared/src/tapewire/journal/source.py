"""The journal of a running venue, read in pages.

Entries are numbered from 1 without a gap. Entries that are missing at the start were trimmed, and
entries that are missing in between were deleted.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from redis.exceptions import RedisError

from tapewire import __version__, keys
from tapewire.errors import RedisUnavailable
from tapewire.journal.entries import JournalEntry, JournalError, read_entry
from tapewire.journal.file import Header
from tapewire.packed.records import read_instrument
from tapewire.redis.client import AsyncRedis
from tapewire.values.types import Symbol

PAGE_COMMANDS = 1_000


class LiveJournal:
    """The stream `{tw}:journal` of one venue."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client: Any = client

    async def first(self) -> int:
        """Number of the oldest entry that Redis has. Raises JournalError without any entry."""
        found = await self._ask("XRANGE", keys.JOURNAL, "-", "+", "COUNT", 1)
        if not found:
            raise JournalError("the journal is empty: this Redis has seen no command.")
        return _number(found[0][0])

    async def last(self) -> int:
        """Number of the newest entry; 0 without any entry."""
        found = await self._ask("XREVRANGE", keys.JOURNAL, "+", "-", "COUNT", 1)
        return _number(found[0][0]) if found else 0

    async def header(self, first: int, last: int) -> Header:
        """The header of a file with the entries from `first` to `last`."""
        epoch = await self._ask("GET", keys.EPOCH)
        newest = await anext(self.pages(last, last))
        return Header(
            epoch=(epoch or b"").decode(),
            venue_version=__version__,
            first=first,
            last=last,
            limits=newest[0].limits,
            instruments=await self._instruments(),
        )

    async def pages(self, first: int, last: int) -> AsyncIterator[list[JournalEntry]]:
        """The entries from `first` to `last`, each number once.

        Raises JournalError if one is missing, RedisUnavailable.
        """
        due = first
        while due <= last:
            found = await self._ask(
                "XRANGE", keys.JOURNAL, due, last, "COUNT", min(PAGE_COMMANDS, last - due + 1)
            )
            page = [read_entry(entry_id, fields) for entry_id, fields in found]
            for entry in page:
                if entry.number != due:
                    break
                due += 1
            else:
                if page:
                    yield page
                    continue
            raise JournalError(
                f"command {due:,} is not in the journal, though later ones are: it was taken out, "
                "or trimmed while it was to be read."
            )

    async def _instruments(self) -> list[dict[str, Any]]:
        """Every instrument of the entries, also those that were delisted."""
        listed = await self._ask("SMEMBERS", keys.INSTRUMENTS)
        delisted = await self._ask("SMEMBERS", keys.DELISTED)
        symbols = sorted({item.decode() for item in (*listed, *delisted)})
        instruments = []
        for symbol in symbols:
            record: list[bytes] = await self._ask(
                "HMGET", keys.market(Symbol(symbol)), "identity", "limits", "controls"
            )
            texts = [item.decode() for item in record]
            instruments.append(asdict(read_instrument(symbol, *texts)))
        return instruments

    async def _ask(self, *command: str | int) -> Any:  # noqa: ANN401 (a Redis reply)
        try:
            return await self._client.execute_command(*command)
        except (RedisError, OSError) as error:
            raise RedisUnavailable(f"Redis did not answer ({error}).") from None


def _number(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
