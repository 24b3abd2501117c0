"""`tapewire key create`, `list` and `revoke`: the keys of a venue, straight in its Redis.

These commands make the first administrator's key of a venue. A user who reaches the Redis of a
venue owns the venue.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import click
from msgspec import json

from tapewire.api_keys.public_keys import read_public_key
from tapewire.api_keys.signing import MASTER_VARIABLE, api_key, derive_secret, read_master
from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.text import ApiKey, NewKey, Permission, read_permissions, write_permissions
from tapewire.commands.options import checked
from tapewire.commands.redis_options import RedisChoice, redis_options
from tapewire.commands.words import WholeNumber
from tapewire.errors import TapewireError
from tapewire.limits import API_KEY_DAYS_MAX, API_KEY_LABEL_CHARACTERS_MAX
from tapewire.matching.engine import Engine
from tapewire.redis.client import RedisAddress
from tapewire.values.account_names import account_named
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Account

TIMEOUT_S = 5.0
DAY_US = 86_400_000_000

_Result = TypeVar("_Result")


def _label(text: str) -> str:
    if len(text) > API_KEY_LABEL_CHARACTERS_MAX or not (text.isascii() and text.isprintable()):
        raise ValueError(
            f"a label is at most {API_KEY_LABEL_CHARACTERS_MAX} printable ASCII characters"
        )
    return text


@click.group(short_help="Make, list and revoke API keys.")
def key() -> None:
    """Make, list and revoke API keys.

    Clients of a venue with --auth keys (TAPEWIRE_AUTH=keys) need an API key.
    """


@key.command(short_help="Make a key.")
@click.option(
    "--account",
    required=True,
    metavar="NAME",
    callback=checked(account_named),
    help="The account that the key acts for.",
)
@click.option(
    "--permissions",
    required=True,
    metavar="LIST",
    callback=checked(read_permissions),
    help="Permissions, joined by commas: read, trade (which includes read), admin.",
)
@click.option(
    "--expires-in-days",
    type=WholeNumber(1, API_KEY_DAYS_MAX),
    metavar="N",
    help="Lifetime of the key. Default: the key never expires.",
)
@click.option(
    "--label",
    default="",
    metavar="TEXT",
    callback=checked(_label),
    help="A note on what the key is for.",
)
@click.option(
    "--public-key",
    "public_key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Check signed calls with this Ed25519 or RSA key (PEM) instead of a secret.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@redis_options
def create(
    *,
    account: Account,
    permissions: frozenset[Permission],
    expires_in_days: int | None,
    label: str,
    public_key_file: Path | None,
    as_json: bool,
    redis: RedisChoice,
) -> None:
    """Make a key and print it on standard output. The key is shown only now.

    A new account is opened. API key and secret for signed calls (Binance clients) are printed on
    standard error, or with --json in the same object.
    """
    expires_us = None
    if expires_in_days is not None:
        expires_us = time.time_ns() // 1_000 + expires_in_days * DAY_US
    public_key = "" if public_key_file is None else _public_key(public_key_file)
    wanted = partial(
        ApiKeyStore.create,
        account=account,
        permissions=permissions,
        label=label,
        expires_us=expires_us,
        public_key=public_key,
    )
    new = _run(_create(redis.reach(), account, wanted))
    key_id = new.record.key_id
    secret = None if public_key else _secret_of(key_id, redis)
    if as_json:
        shown = {
            "key": new.text, "key_id": key_id, "account": account,
            "permissions": write_permissions(permissions).split(","),
            "api_key": api_key(key_id), "api_secret": secret,
        }  # fmt: skip
        click.echo(json.encode(shown).decode())
        return
    click.echo(f"key {key_id} of {account}; keep what follows, it is shown once:", err=True)
    click.echo(new.text)
    if public_key:
        sentence = f"for signed calls: API key {api_key(key_id)}, and the private key of yours"
    elif secret is None:
        sentence = (
            f"it cannot sign calls: name the venue's data directory, or set {MASTER_VARIABLE}"
        )
    else:
        sentence = f"for signed calls: API key {api_key(key_id)}, secret {secret}"
    click.echo(sentence, err=True)


def _public_key(path: Path) -> str:
    try:
        return read_public_key(path)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None


def _secret_of(key_id: str, redis: RedisChoice) -> str | None:
    """The secret for signed calls, where the master secret of the venue is known."""
    path = redis.signing_master()
    if path is None:
        return None
    try:
        return derive_secret(read_master(path), key_id)
    except TapewireError as error:
        click.echo(str(error), err=True)
        return None


@key.command("list", short_help="List the keys.")
@redis_options
def list_keys(redis: RedisChoice) -> None:
    """List every key without its secret. Revoked and expired keys are listed for 30 days."""
    now_us = time.time_ns() // 1_000
    records = list(_run(_list(redis.reach())))
    for record in records:
        click.echo(_line(record, now_us))
    if not records:
        click.echo("There are no keys; `tapewire key create` makes one.", err=True)


@key.command(short_help="Revoke a key.")
@click.argument("key_id")
@redis_options
def revoke(key_id: str, redis: RedisChoice) -> None:
    """Revoke the key KEY_ID for ever. Connections of the key end within two seconds."""
    record = _run(_revoke(redis.reach(), key_id))
    click.echo(f"key {record.key_id} of {record.account} is revoked")


async def _create(
    redis_url: str, account: Account, make: Callable[[ApiKeyStore], Awaitable[NewKey]]
) -> NewKey:
    engine = await Engine.open(_address(redis_url))
    try:
        await engine.open_account(account)
    finally:
        await engine.close()
    async with _open(redis_url) as store:
        return await make(store)


async def _list(redis_url: str) -> list[ApiKey]:
    async with _open(redis_url) as store:
        records = await store.read_many(await store.ids())
    return sorted(records, key=lambda record: (record.account, record.created_us))


async def _revoke(redis_url: str, key_id: str) -> ApiKey:
    async with _open(redis_url) as store:
        return await store.revoke(key_id)


def _address(redis_url: str) -> RedisAddress:
    return RedisAddress(
        redis_url, connect_timeout_s=TIMEOUT_S, timeout_s=TIMEOUT_S, client_name="key"
    )


@asynccontextmanager
async def _open(redis_url: str) -> AsyncIterator[ApiKeyStore]:
    store = ApiKeyStore.open(_address(redis_url))
    try:
        yield store
    finally:
        await store.close()


def _line(record: ApiKey, now_us: int) -> str:
    """One key for people: id, state, account, permissions, times, label."""
    state = "active"
    if record.revoked_us is not None:
        state = "revoked"
    elif record.expires_us is not None and record.expires_us <= now_us:
        state = "expired"
    ends = "never expires"
    if record.expires_us is not None:
        ends = f"expires {format_timestamp(record.expires_us)}"
    parts = (
        record.key_id, f"{state:7}", record.account, write_permissions(record.permissions),
        f"created {format_timestamp(record.created_us)}", ends, record.label,
    )  # fmt: skip
    return "  ".join(part for part in parts if part)


def _run(work: Coroutine[object, object, _Result]) -> _Result:
    """Run it; an error of ours becomes one sentence and exit status 1."""
    try:
        return asyncio.run(work)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
