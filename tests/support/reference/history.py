"""A venue with a history of random commands, which run once and are restored for later tests.

Redis serializes each key (DUMP) after the commands. A later test gets the same keys back (RESTORE),
with the moments at which they expire, in a few milliseconds.
"""

from typing import Any

from tapewire import keys
from tests.support.reference.random_commands import RandomCommands
from tests.support.venue import Venue

# The keys that a seed and a number of commands leave: name, expiry in ms, serialized value.
_Stored = list[tuple[bytes, int, bytes]]
_stored: dict[tuple[int, int], _Stored] = {}


async def trade(venue: Venue, seed: int, commands: int) -> None:
    """Give a new venue the state that random commands leave; its engine goes on from there."""
    found = _stored.get((seed, commands))
    if found is None:
        await RandomCommands(venue.engine, seed).run(commands)
        _stored[seed, commands] = await _store(venue)
        return
    client: Any = venue.client
    pipeline = client.pipeline(transaction=True)
    pipeline.flushdb()
    for name, expires_ms, value in found:
        pipeline.restore(name, max(expires_ms, 0), value, absttl=expires_ms > 0)
    await pipeline.execute()


async def _store(venue: Venue) -> _Stored:
    client: Any = venue.client
    names = [name async for name in client.scan_iter(match=f"{keys.PREFIX}*", count=1_000)]
    pipeline = client.pipeline(transaction=True)
    for name in names:
        pipeline.pexpiretime(name)
        pipeline.dump(name)
    found = await pipeline.execute()
    return list(zip(names, found[::2], found[1::2], strict=True))
