"""`tapewire status`: how a running venue is."""

import asyncio
from collections.abc import Mapping
from typing import Any

import click
import httpx
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import RedisError
from rich.table import Table
from rich.text import Text

from tapewire import keys
from tapewire.client import RequestRefused, SyncVenueClient, Unavailable
from tapewire.client.rest import trust_for
from tapewire.commands.client_options import EXIT_FAILED, ClientChoice, client_options
from tapewire.errors import TapewireError
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async
from tapewire.runtime.venue_address import VenueAddress
from tapewire.values.types import Side, Symbol

TIMEOUT_S = 5.0
MIB = 1 << 20
# The figures of a service that `status` shows: metric -> words.
GATEWAY_FIGURES = {"tapewire_gateway_connections": "connections"}
FEED_FIGURES = {
    "tapewire_websocket_clients": "WebSocket clients",
    "tapewire_event_streams": "event streams",
    "tapewire_canary_round_trip_seconds": "feed delay in ms",
    "tapewire_redis_subscribed": "subscribed to Redis",
}


@click.command()
@client_options
@click.pass_context
def status(context: click.Context, chosen: ClientChoice) -> None:
    """Show services, Redis, markets and clients of a venue; status 1 if a check fails.

    The lines of Redis need its address: name the venue by its data directory.
    """
    with chosen.connected() as session:
        report = {
            "gateway": _service(session.client, "gateway"),
            "market-data": _service(session.client, "market-data"),
            "redis": asyncio.run(_redis_facts(session.venue)),
            "markets": _markets(session.client),
        }
        _add_figures(report, session.venue, chosen)
        session.output.document(report, _shown(report))
    services = (report["gateway"], report["market-data"])
    if not all(service["status"] == "ready" for service in services):
        context.exit(EXIT_FAILED)


def _service(client: SyncVenueClient, name: str) -> dict[str, Any]:
    """Readiness of one service, with every failing check."""
    try:
        found = client.readiness() if name == "gateway" else client.feed_readiness()
    except (Unavailable, RequestRefused, TapewireError) as error:
        return {"status": "unreachable", "failing": {"connection": str(error)}}
    return {
        "status": found.status,
        "failing": {check: found.checks.get(check, "failed") for check in found.failing},
    }


def _markets(client: SyncVenueClient) -> dict[str, str]:
    try:
        return {item.symbol: str(item.state) for item in client.instruments()}
    except TapewireError:
        return {}


async def _redis_facts(venue: VenueAddress) -> dict[str, Any]:
    """Version, persistence, memory and sizes of the venue's Redis, as far as it tells."""
    if venue.redis_url is None:
        return {"status": "its address is not known"}
    client = open_async(RedisAddress(venue.redis_url, TIMEOUT_S, TIMEOUT_S, "status"))
    try:
        if not await client.exists(keys.EPOCH):
            return {"status": "holds no venue"}
        information = await client.info("all")
        open_orders = await _open_orders(client)
    except (RedisError, OSError) as error:
        return {"status": f"does not answer: {error}"}
    finally:
        await client.aclose()
    return {**_redis_report(information), "open orders": f"{open_orders:,}"}


async def _open_orders(client: AsyncRedis) -> int:
    """The sizes of all queues and stops."""
    pipeline: Any = client.pipeline(transaction=True)
    listed: Any = await client.smembers(keys.INSTRUMENTS)
    for symbol in (Symbol(name.decode()) for name in listed):
        for side in Side:
            pipeline.zcard(keys.queue(symbol, side))
            pipeline.zcard(keys.stops(symbol, side))
    return sum(await pipeline.execute())


def _redis_report(information: Mapping[str, Any]) -> dict[str, Any]:
    kind = "Valkey" if "valkey_version" in information else "Redis"
    version = information.get("valkey_version", information.get("redis_version"))
    memory_max = int(information.get("maxmemory", 0))
    return {
        "status": "connected",
        "version": f"{kind} {version}",
        "role": information.get("role"),
        "append-only file": "on" if information.get("aof_enabled") else "OFF",
        "last write": information.get("aof_last_write_status"),
        "memory in MiB": f"{int(information.get('used_memory', 0)) / MIB:,.0f}",
        "memory limit in MiB": f"{memory_max / MIB:,.0f}" if memory_max else "none",
        "replicas": information.get("connected_slaves"),
    }


def _add_figures(report: dict[str, Any], venue: VenueAddress, chosen: ClientChoice) -> None:
    """Figures of both services, where they show them."""
    for name, url, certificate, wanted in (
        ("gateway", venue.gateway_url, venue.gateway_certificate, GATEWAY_FIGURES),
        ("market-data", venue.market_data_url, venue.market_data_certificate, FEED_FIGURES),
    ):
        if url is None:
            continue
        trust = trust_for(url, chosen.ca_file or certificate)
        try:
            text = httpx.get(f"{url}/metrics", timeout=TIMEOUT_S, verify=trust).text
            families = list(text_string_to_metric_families(text))
        except (httpx.HTTPError, ValueError):
            continue
        for family in families:
            if family.name in wanted and family.samples:
                report[name][wanted[family.name]] = _figure_text(
                    family.name, family.samples[0].value
                )


def _figure_text(name: str, value: float) -> str:
    """A figure as `status` shows it: durations in milliseconds."""
    return f"{value * 1_000:.1f}" if name.endswith("_seconds") else f"{value:g}"


def _shown(report: Mapping[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for part, facts in report.items():
        for index, (name, value) in enumerate(facts.items()):
            table.add_row("" if index else part, name, _value_text(value))
    return table


def _value_text(value: object) -> Text:
    if isinstance(value, dict):
        return Text("; ".join(f"{name}: {text}" for name, text in value.items()) or "nothing")
    style = {"ready": "green", "connected": "green", "not_ready": "red", "OFF": "red"}
    return Text(str(value), style=style.get(str(value), ""))
