"""API keys in Redis: what is kept of them, how long, and how soon a change is noticed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tapewire import keys
from tapewire.api_keys import store as api_key_store
from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.text import Identity, NewKey, Permission
from tapewire.api_keys.verifier import KeyVerifier
from tapewire.errors import (
    Conflict,
    KeyExpired,
    KeyInvalid,
    KeyNotFound,
    KeyRevoked,
    RedisUnavailable,
)
from tapewire.limits import API_KEY_KEPT_S, KEY_CACHE_S
from tapewire.redis.client import RedisAddress, open_async
from tapewire.redis.server import RedisServer
from tapewire.values.types import Account

ALICE = Account("alice")
SECOND_NS = 1_000_000_000


class Clock:
    """Time that passes when the test says so."""

    now_ns = 1_800_000_000 * SECOND_NS

    def wall_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self.now_ns

    def monotonic_s(self) -> float:
        """Seconds since some moment."""
        return self.now_ns / SECOND_NS


@dataclass(frozen=True, slots=True)
class Bench:
    """A store, a verifier that remembers keys by a clock of ours, and Redis itself."""

    store: ApiKeyStore
    verifier: KeyVerifier
    clock: Clock
    redis: Any

    async def made(self, *, expires_us: int | None = None) -> NewKey:
        """A key of alice that may trade."""
        return await self.store.create(
            ALICE, [Permission.TRADE], label="bot", expires_us=expires_us
        )

    async def commands(self) -> int:
        """How many times Redis was asked for a whole hash."""
        stats = await self.redis.info("commandstats")
        return int(stats.get("cmdstat_hgetall", {}).get("calls", 0))


def address(url: str) -> RedisAddress:
    """Where Redis is, with short waits."""
    return RedisAddress(url, connect_timeout_s=2.0, timeout_s=2.0, client_name="test")


@pytest_asyncio.fixture
async def bench(redis_url: str) -> AsyncIterator[Bench]:
    """On an empty Redis."""
    store, clock = ApiKeyStore.open(address(redis_url)), Clock()
    verifier = KeyVerifier(store, monotonic_s=clock.monotonic_s, wall_ns=clock.wall_ns)
    client: Any = open_async(address(redis_url))
    try:
        yield Bench(store, verifier, clock, client)
    finally:
        await client.aclose()
        await store.close()


async def refused(work: Awaitable[Identity]) -> str:
    """The code of a refusal."""
    with pytest.raises((KeyInvalid, KeyRevoked, KeyExpired)) as caught:
        await work
    return caught.value.code


async def test_a_key_proves_its_account(bench: Bench) -> None:
    """Until it expires, if ever."""
    new = await bench.made(expires_us=1_900_000_000_000_000)
    identity = await bench.verifier.verify(new.text)
    assert identity == Identity(
        ALICE, frozenset({Permission.TRADE}), new.record.key_id, 1_900_000_000_000_000
    )


async def test_redis_never_sees_the_secret(bench: Bench) -> None:
    """Nothing in it has the secret, only its digest."""
    new = await bench.made()
    kept = await bench.redis.hgetall(keys.api_key(new.record.key_id))
    assert new.text[-43:] not in str(kept)
    assert kept[b"digest"].decode() == new.record.digest


async def test_unknown_wrong_and_malformed_are_alike(bench: Bench) -> None:
    """The refusal does not tell whether the key exists."""
    text = (await bench.made()).text
    wrong_secret = text[:-1] + ("a" if text[-1] != "a" else "b")
    unknown = f"tw_{'x' * 12}_{text[-43:]}"
    for guess in (wrong_secret, unknown, "", "tw_", text + "x"):
        assert await refused(bench.verifier.verify(guess)) == "key_invalid"


async def test_a_known_key_costs_no_round_trip(bench: Bench) -> None:
    """Within KEY_CACHE_S Redis is not asked again."""
    new = await bench.made()
    await bench.verifier.verify(new.text)
    before = await bench.commands()
    for _ in range(10):
        await bench.verifier.verify(new.text)
    assert await bench.commands() == before
    bench.clock.now_ns += int(KEY_CACHE_S * SECOND_NS)
    await bench.verifier.verify(new.text)
    assert await bench.commands() == before + 1


async def test_a_revoked_key_stops_within_the_cache_time(bench: Bench) -> None:
    """Only a client with the secret learns that the key was revoked."""
    new = await bench.made()
    await bench.verifier.verify(new.text)
    revoked = await bench.store.revoke(new.record.key_id)
    assert revoked.revoked_us is not None
    await bench.verifier.verify(new.text)
    bench.clock.now_ns += int(KEY_CACHE_S * SECOND_NS)
    assert await refused(bench.verifier.verify(new.text)) == "key_revoked"
    assert await refused(bench.verifier.verify(f"{new.text[:-43]}{'a' * 43}")) == "key_invalid"


async def test_an_expired_key_stops_at_its_moment(bench: Bench) -> None:
    """Although it was remembered just before."""
    expires_us = bench.clock.now_ns // 1_000 + 300_000
    new = await bench.made(expires_us=expires_us)
    identity = await bench.verifier.verify(new.text)
    bench.clock.now_ns += 300_000_000 - 1_000
    bench.verifier.check_time(identity)
    await bench.verifier.verify(new.text)
    bench.clock.now_ns += 1_000
    assert await refused(bench.verifier.verify(new.text)) == "key_expired"
    with pytest.raises(KeyExpired):
        bench.verifier.check_time(identity)
    assert await refused(bench.verifier.verify(f"{new.text[:-43]}{'a' * 43}")) == "key_invalid"


async def test_an_open_connection_is_looked_at_anew(bench: Bench) -> None:
    """A recheck does not believe what is remembered."""
    new = await bench.made()
    identity = await bench.verifier.verify(new.text)
    assert await bench.verifier.recheck(identity) == identity
    await bench.store.revoke(new.record.key_id)
    assert await refused(bench.verifier.recheck(identity)) == "key_revoked"
    await bench.redis.delete(keys.api_key(new.record.key_id))
    assert await refused(bench.verifier.recheck(identity)) == "key_invalid"


async def test_few_keys_are_remembered(bench: Bench) -> None:
    """Beyond the bound the least recently read is asked for again."""
    verifier = KeyVerifier(bench.store, keys_cached_max=2, monotonic_s=bench.clock.monotonic_s)
    made = [await bench.made() for _ in range(3)]
    for new in made:
        await verifier.verify(new.text)
    before = await bench.commands()
    await verifier.verify(made[2].text)
    await verifier.verify(made[1].text)
    assert await bench.commands() == before
    await verifier.verify(made[0].text)
    assert await bench.commands() == before + 1


async def test_keys_are_listed_and_leave_with_time(bench: Bench) -> None:
    """A key that was revoked, or has a last moment, is kept so long after it and no longer."""
    endless, ending, revoked = (
        (await bench.made()).record,
        (await bench.made(expires_us=1_900_000_000_000_000)).record,
        (await bench.made()).record,
    )
    await bench.store.revoke(revoked.key_id)
    listed = await bench.store.read_many(await bench.store.ids())
    assert {record.key_id for record in listed} == {
        endless.key_id, ending.key_id, revoked.key_id,
    }  # fmt: skip
    assert await bench.redis.ttl(keys.api_key(endless.key_id)) == -1
    ends_s = time.time() + await bench.redis.ttl(keys.api_key(ending.key_id))
    assert abs(ends_s - (1_900_000_000 + API_KEY_KEPT_S)) < 60
    left_s = await bench.redis.ttl(keys.api_key(revoked.key_id))
    assert API_KEY_KEPT_S - 60 < left_s <= API_KEY_KEPT_S


async def test_to_revoke_twice_changes_nothing(bench: Bench) -> None:
    """The moment stays the first one; what does not exist is not found."""
    key_id = (await bench.made()).record.key_id
    first = await bench.store.revoke(key_id)
    assert await bench.store.revoke(key_id) == first
    for unknown in ("x" * 12, "", "*", "a:b"):
        with pytest.raises(KeyNotFound):
            await bench.store.revoke(unknown)


async def test_the_number_of_keys_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for keys that are made at the same moment; those that are gone make room."""
    monkeypatch.setattr(api_key_store, "API_KEYS_MAX", 3)
    results = await asyncio.gather(*(bench.made() for _ in range(6)), return_exceptions=True)
    assert all(isinstance(result, NewKey | Conflict) for result in results)
    listed = await bench.store.read_many(await bench.store.ids())
    assert len(listed) == len([r for r in results if isinstance(r, NewKey)]) <= 3
    while len(await bench.store.ids()) < 3:
        await bench.made()
    with pytest.raises(Conflict):
        await bench.made()
    await bench.redis.delete(keys.api_key((await bench.store.ids())[0]))
    await bench.made()
    assert len(await bench.store.ids()) == 3


async def test_without_redis_nobody_is_refused_and_nobody_let_in(redis_server: RedisServer) -> None:
    """The venue cannot say: neither yes nor no."""
    store = ApiKeyStore.open(address(redis_server.url))
    try:
        new = await store.create(ALICE, [Permission.READ])
        redis_server.kill()
        with pytest.raises(RedisUnavailable):
            await KeyVerifier(store).verify(new.text)
    finally:
        await store.close()
