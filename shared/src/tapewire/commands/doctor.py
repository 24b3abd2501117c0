"""`tapewire doctor`: check this machine and a venue, and say what to do."""

import asyncio
import os
import resource
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from redis.exceptions import NoPermissionError, RedisError
from rich.text import Text

from tapewire import keys
from tapewire.commands.options import venue_option
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.packed.layout import BROKEN
from tapewire.redis.binary import find_server
from tapewire.redis.client import AsyncRedis, RedisAddress, check_version, open_async
from tapewire.redis.replication import replication_risk
from tapewire.runtime.venue_address import (
    DATA_DIR_DEFAULT,
    GATEWAY_PORT_DEFAULT,
    HOST_DEFAULT,
    MARKET_DATA_PORT_DEFAULT,
    VENUE_VARIABLE,
    VenueAddress,
    default_venue,
    find_venue,
)
from tapewire.terminal.output import Output
from tapewire.terminal.tables import new_table

TIMEOUT_S = 5.0
# One file descriptor per client, and those of a process without clients.
OPEN_FILES_WANTED = 4_096
DISK_BYTES_WANTED = 2 << 30
# A clock that differs by more than this from the one of Redis confuses expiry times and logs.
CLOCK_DIFFERENCE_S_MAX = 1.0
MEMORY_SHARE_MAX = 0.8
MICROSECONDS = 1_000_000

Verdict = Literal["ok", "warning", "fault"]
STYLES: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "fault": "red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its result; `advice` says what to do about a warning or a fault."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


@click.command()
@venue_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON, one check per line.")
@click.pass_context
def doctor(context: click.Context, wanted_venue: str | None, is_json: bool) -> None:
    """Check ports, file limits, disk, clock, and the persistence of Redis; status 1 for a fault."""
    data_dir = Path(wanted_venue or os.environ.get(VENUE_VARIABLE) or DATA_DIR_DEFAULT)
    checks = [*machine_checks(data_dir), *asyncio.run(_venue_checks(wanted_venue))]
    table = new_table("check", "verdict", "found", "what to do")
    for check in checks:
        verdict = Text(check.verdict, style=STYLES[check.verdict])
        table.add_row(check.name, verdict, check.found, check.advice)
    output = Output(is_json=is_json)
    if not is_json:
        for column in table.columns[2:]:
            column.no_wrap = False
    output.records(checks, table)
    if any(check.verdict == "fault" for check in checks):
        context.exit(1)


def machine_checks(data_dir: Path) -> Iterator[Check]:
    """Checks of this machine, whether a venue runs or not; without `data_dir` of this directory."""
    yield open_files_check(resource.getrlimit(resource.RLIMIT_NOFILE))
    directory = data_dir if data_dir.is_dir() else Path()
    yield disk_check(directory, shutil.disk_usage(directory).free)
    try:
        yield Check("Redis server", "ok", str(find_server()))
    except ConfigurationError as error:
        yield Check("Redis server", "warning", str(error), "or name one with --redis-url")


def open_files_check(limits: tuple[int, int]) -> Check:
    """Whether this machine lets a process have enough open files; `limits` are (soft, hard)."""
    hard = limits[1]
    found = "no limit" if hard == resource.RLIM_INFINITY else f"at most {hard:,}"
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES_WANTED:
        advice = f"raise the hard limit: ulimit -Hn {OPEN_FILES_WANTED}"
        return Check("open files", "warning", found, advice)
    return Check("open files", "ok", found)


def disk_check(path: Path, free_bytes: int) -> Check:
    """Whether the disk of `path` has room for the venue's data."""
    found = f"{free_bytes / (1 << 30):.1f} GiB free at {path.resolve()}"
    if free_bytes < DISK_BYTES_WANTED:
        return Check("disk", "warning", found, "free some space, or choose another --data-dir")
    return Check("disk", "ok", found)


async def _venue_checks(wanted: str | None) -> list[Check]:
    try:
        venue = find_venue(wanted)
    except TapewireError as error:
        return [Check("venue", "fault", str(error))]
    is_named = venue != default_venue()
    checks = [
        _port_check("gateway", venue.gateway_url, GATEWAY_PORT_DEFAULT, is_named=is_named),
        _port_check(
            "market-data", venue.market_data_url, MARKET_DATA_PORT_DEFAULT, is_named=is_named
        ),
    ]
    checks += await _redis_checks(venue)
    return checks


def _port_check(name: str, url: str | None, default: int, *, is_named: bool) -> Check:
    """Whether a service answers at its port; of no named venue, whether the port is free."""
    address = url or f"http://{HOST_DEFAULT}:{default}"
    host, port = host_and_port(address)
    try:
        socket.create_connection((host, port), TIMEOUT_S).close()
    except OSError as error:
        if is_named:
            found = f"nothing answers at {host}:{port} ({error.strerror or error})"
            return Check(f"{name} port", "fault", found, "start the venue, or name another one")
        return Check(f"{name} port", "ok", f"{port} is free", "start a venue with: tapewire up")
    return Check(f"{name} port", "ok", f"{port} answers")


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of an http or https URL."""
    scheme, _, rest = url.partition("://")
    netloc = rest.partition("/")[0]
    host, _, port = netloc.rpartition(":")
    if not port.isdigit():
        host, port = netloc, "443" if scheme == "https" else "80"
    return host.strip("[]"), int(port)


async def _redis_checks(venue: VenueAddress) -> list[Check]:
    if venue.redis_url is None:
        return [Check("Redis", "ok", "its address is not known", "name a data directory")]
    address = RedisAddress(venue.redis_url, TIMEOUT_S, TIMEOUT_S, "doctor")
    try:
        client = open_async(address)
    except ConfigurationError as error:
        return [Check("Redis", "fault", str(error))]
    try:
        await check_version(client, address)
        if not await client.exists(keys.EPOCH):
            advice = "name the venue with --venue, or start one with: tapewire up"
            return [Check("Redis", "warning", f"{address.shown} holds no venue", advice)]
        return [check async for check in _sound_redis(client)]
    except ConfigurationError as error:
        return [Check("Redis", "fault", str(error))]
    except (RedisError, OSError) as error:
        advice = f"start a venue with: tapewire up; or look at {DATA_DIR_DEFAULT}/logs"
        return [Check("Redis", "warning", f"{address.shown} does not answer: {error}", advice)]
    finally:
        await client.aclose()


async def _sound_redis(client: AsyncRedis) -> Any:  # noqa: ANN401 (an async generator of checks)
    before_s = time.time()
    seconds, microseconds = await client.time()
    yield clock_check(seconds + microseconds / MICROSECONDS - (before_s + time.time()) / 2)
    broken: Any = await client.hgetall(keys.BROKEN)
    for symbol, text in sorted(broken.items()):
        yield broken_check(symbol.decode(), text.decode())
    try:
        information = await client.info("all")
    except NoPermissionError:
        advice = "allow INFO to the user of the venue: docs/security.md"
        yield Check("persistence", "warning", "Redis does not tell this user", advice)
        return
    for check in information_checks(information):
        yield check


def clock_check(difference_s: float) -> Check:
    """Whether the clock of Redis and the clock of this machine agree."""
    difference_ms = abs(round(difference_s * 1_000))
    found = f"{difference_ms:,} ms from the clock of this machine"
    if abs(difference_s) > CLOCK_DIFFERENCE_S_MAX:
        return Check("clock of Redis", "warning", found, "run a time service (NTP) on both")
    return Check("clock of Redis", "ok", found)


def broken_check(symbol: str, text: str) -> Check:
    """A market that is halted because its data contradict each other; `text` is packed."""
    advice = (
        "find what differs: tapewire audit; put it right, or restore a backup: tapewire restore; "
        f"then tapewire market resume {symbol}"
    )
    return Check(f"market {symbol}", "fault", f"halted: {BROKEN.read(text).reason}", advice)


def information_checks(information: dict[str, Any]) -> Iterator[Check]:
    """Checks of what `INFO` says: role, append-only file, memory, eviction, replicas."""
    role = information.get("role")
    if role != "master":
        yield Check("role", "fault", f"a {role}", "name the primary in REDIS_URL, or use Sentinel")
    if not information.get("aof_enabled"):
        advice = "set appendonly yes: acknowledged orders must survive a restart"
        yield Check("append-only file", "fault", "off", advice)
    elif information.get("aof_last_write_status") != "ok":
        yield Check("append-only file", "fault", "the last write failed", "free space on its disk")
    else:
        yield Check("append-only file", "ok", "on, last write ok")
    yield _memory_check(information)
    policy = information.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        advice = "set maxmemory-policy noeviction: an evicted key is a lost order"
        yield Check("eviction", "fault", str(policy), advice)
    if replication_risk(information) is not None:
        advice = "set min-replicas-to-write 1, or a failover may lose acknowledged orders"
        yield Check("replicas", "warning", "orders do not wait for a replica", advice)


def _memory_check(information: dict[str, Any]) -> Check:
    used, limit = int(information.get("used_memory", 0)), int(information.get("maxmemory", 0))
    found = f"{used / (1 << 20):,.0f} MiB used, limit {limit / (1 << 20):,.0f} MiB"
    if not limit:
        found = f"{used / (1 << 20):,.0f} MiB used, no limit"
        return Check("memory", "ok", found)
    if used > MEMORY_SHARE_MAX * limit:
        return Check("memory", "warning", found, "raise maxmemory before orders are refused")
    return Check("memory", "ok", found)
