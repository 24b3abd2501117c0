"""The screens for a person: where everything runs, and the first commands to try."""

import contextlib
import os
import shlex
import shutil
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from tapewire.crowd.examples import example_price_ticks, example_quantity_lots
from tapewire.redis.client import RedisAddress
from tapewire.redis.server import RedisServer
from tapewire.runtime.venue_address import DATA_DIR_DEFAULT, FEED_PATH
from tapewire.values.decimals import format_units
from tapewire.values.modes import Auth
from tapewire.values.types import Instrument


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """The facts on the first screen; a part that does not exist is None."""

    gateway_url: str
    market_data_url: str
    gateway_certificate: Path | None
    redis_url: str
    redis_server: RedisServer | None
    data_dir: Path
    log_dir: Path
    instrument: Instrument
    demo_seed: int | None
    seconds: float
    auth: Auth = "open"
    # IP addresses at which other machines reach the venue; none on loopback.
    lan_addresses: tuple[str, ...] = ()


def say(text: str, *, error: bool = False) -> None:
    """Print; a closed terminal must not keep the venue from stopping."""
    with contextlib.suppress(OSError):
        click.echo(text, err=error)


def open_page(url: str) -> None:
    """Open the trading page in the browser of this desktop; say so where there is none."""
    desktop = sys.platform in {"darwin", "win32"} or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    # Without a desktop the standard library would start a browser in this terminal.
    if not (desktop and webbrowser.open(f"{url}/")):
        say(f"tapewire: there is no desktop to open a browser on; the page is {url}/", error=True)


def welcome(facts: VenueFacts) -> str:
    """The text that is printed once everything answers."""
    feed = _feed_url(facts)
    rows = [
        ("page", f"{facts.gateway_url}/", "trade here, in a browser"),
        ("orders", f"{facts.gateway_url}/v1/orders", f"documented at {facts.gateway_url}/docs"),
        ("trades", feed, ""),
        ("redis", RedisAddress(facts.redis_url, 1, 1, "").shown, _describe_redis(facts)),
        ("logs", _short(facts.log_dir), ""),
    ]
    if facts.demo_seed is not None:
        rows.append(("demo crowd", f"seed {facts.demo_seed}", "trades until you stop it"))
    width = max(len(value) for _, value, note in rows if note)
    table = "\n".join(
        f"  {name:<11} {value:<{width}}  {note}".rstrip() for name, value, note in rows
    )
    tape = f"{_program()} tape{_venue_words(facts.data_dir)}"
    sell = _order_command(facts, "sell", "alice")
    buy = _order_command(facts, "buy", "bob")
    keys = "" if facts.auth == "open" else f"{_key_commands(facts)}\n\n"
    return (
        f"\nTapewire is running (ready after {facts.seconds:.1f} s).\n\n{table}\n\n"
        f"Watch the tape in a second terminal:\n\n  {tape}\n\n"
        f"Then trade from a third one; alice sells, bob buys:\n\n{keys}{sell}\n\n{buy}\n\n"
        f"{_for_others(facts)}"
        "Ctrl-C stops everything. The data stays.\n"
    )


def _for_others(facts: VenueFacts) -> str:
    """Where others on the network reach the venue, and how each of them gets a key."""
    if not facts.lan_addresses:
        return ""
    places = "\n".join(
        f"  {_at(address, facts.gateway_url)}/  {_at(address, _feed_url(facts))}"
        for address in facts.lan_addresses
    )
    text = f"Others on your network reach the page and the orders, and the feed, at\n\n{places}\n\n"
    if facts.auth == "open":
        return text + "Every client of these addresses acts for every account (--auth open).\n\n"
    program, venue = _program(), _venue_words(facts.data_dir)
    quote = facts.instrument.quote
    return (
        f"{text}Give each of them an account with money, and its key (shown once):\n\n"
        f"  {program} account deposit NAME {quote} 100000{venue}\n"
        f"  {program} key create --account NAME --permissions trade{venue}\n\n"
    )


def _feed_url(facts: VenueFacts) -> str:
    return facts.market_data_url.replace("http", "ws", 1) + FEED_PATH


def _at(address: str, url: str) -> str:
    """The URL with another host."""
    parts = urlsplit(url)
    host = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=f"{host}:{parts.port}").geturl()


def _describe_redis(facts: VenueFacts) -> str:
    server = facts.redis_server
    if server is None:
        return "started by you; it goes on running"
    origin = "bundled " if server.binary.bundled else ""
    return f"{origin}{server.binary}, fsync {server.fsync}, data in {_short(server.directory.path)}"


def _venue_words(data_dir: Path) -> str:
    """The words by which a command names this venue; empty if a command finds it alone."""
    if data_dir.absolute() == DATA_DIR_DEFAULT.absolute():
        return ""
    return f" --venue {shlex.quote(_short(data_dir))}"


def _key_commands(facts: VenueFacts) -> str:
    """Commands that make a key and bring money for alice and for bob; with keys both have none."""
    venue = _venue_words(facts.data_dir)
    instrument, program = facts.instrument, _program()
    lots = example_quantity_lots(instrument)
    units = example_price_ticks(instrument) * lots * instrument.tick_units * instrument.lot_units
    amounts = (
        ("alice", instrument.base, _quantity(instrument)),
        ("bob", instrument.quote, format_units(units, instrument.notional_decimals)),
    )
    return "\n".join(
        f"  {name.upper()}=$({program} key create --account {name} --permissions trade{venue})\n"
        f"  {program} account deposit {name} {asset} {amount}{venue}"
        for name, asset, amount in amounts
    )


def _quantity(instrument: Instrument) -> str:
    lots = example_quantity_lots(instrument)
    return format_units(lots * instrument.lot_units, instrument.quantity_decimals)


def _program() -> str:
    found = shutil.which("tapewire")
    program = Path(sys.executable).with_name("tapewire")
    return "tapewire" if found == str(program) else shlex.quote(_short(program))


def _order_command(facts: VenueFacts, side: str, account: str) -> str:
    instrument = facts.instrument
    price = format_units(
        example_price_ticks(instrument) * instrument.tick_units, instrument.price_decimals
    )
    quantity = _quantity(instrument)
    certificate = facts.gateway_certificate
    trust = "" if certificate is None else f" --cacert {shlex.quote(_short(certificate))}"
    who = f"'X-Account: {account}'"
    if facts.auth == "keys":
        who = f'"Authorization: Bearer ${account.upper()}"'
    return (
        f"  curl -s{trust} {facts.gateway_url}/v1/orders -H 'Content-Type: application/json' \\\n"
        f"    -H {who} -d '"
        f'{{"symbol":"{instrument.symbol}","side":"{side}","order_type":"limit",'
        f'"quantity":"{quantity}","price":"{price}"}}\''
    )


def _short(path: Path) -> str:
    """The path relative to the current directory, if it is below."""
    with contextlib.suppress(ValueError):
        return str(path.absolute().relative_to(Path.cwd()))
    return str(path)
