"""`tapewire account create-many`: accounts for a class or a competition, with money and keys."""

import asyncio
import contextlib
import csv
import io
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from tapewire.api_keys.store import ApiKeyStore
from tapewire.api_keys.text import NewKey, Permission
from tapewire.commands.account import TIMEOUT_S, account
from tapewire.commands.redis_options import RedisChoice, redis_options
from tapewire.commands.words import WholeNumber
from tapewire.errors import ConfigurationError, TapewireError, UnknownAccount
from tapewire.limits import API_KEYS_MAX
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.matching.treasury import Treasury
from tapewire.redis.client import RedisAddress
from tapewire.runtime.output_file import output_file
from tapewire.values.account_entry import parse_amount
from tapewire.values.account_names import account_named
from tapewire.values.types import Account

# Accounts that are made at the same time; their commands share round trips.
AT_ONCE = 50
KEY_LABEL = "create-many"
STANDARD_OUTPUT = Path("/dev/stdout")


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money for every new account: decimal text of one asset."""

    asset: str
    amount: str


def read_deposit(text: str) -> Deposit:
    """Read `ASSET=AMOUNT`. Raises ValueError."""
    asset, separator, amount = text.partition("=")
    if not separator or not asset or not amount:
        raise ValueError(f"{text!r} is not ASSET=AMOUNT, such as USDT=10000")
    return Deposit(asset.upper(), amount)


def names_of(prefix: str, count: int, first: int) -> list[Account]:
    """`prefix` with numbers of equal width. Raises ValueError for a prefix no account can have."""
    width = len(str(first + count - 1))
    return [account_named(f"{prefix}{number:0{width}}") for number in range(first, first + count)]


def _deposits(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> list[Deposit]:
    try:
        return [read_deposit(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@account.command("create-many", short_help="Open many accounts, with money and API keys.")
@click.argument("count", type=WholeNumber(1, API_KEYS_MAX))
@click.option("--prefix", default="trader-", show_default=True, help="Beginning of each name.")
@click.option(
    "--first",
    type=WholeNumber(0),
    default=1,
    show_default=True,
    help="Number of the first account.",
)
@click.option(
    "--deposit", "deposits", multiple=True, metavar="ASSET=AMOUNT", callback=_deposits,
    help="Money for each account; may be repeated.",
)  # fmt: skip
@click.option(
    "--keys/--no-keys",
    "wants_keys",
    default=True,
    show_default=True,
    help="Whether each account gets an API key.",
)
@click.option(
    "--file", type=click.Path(path_type=Path), default=STANDARD_OUTPUT,
    help="File of the CSV. Default: standard output.",
)  # fmt: skip
@redis_options
def create_many(
    *,
    count: int,
    prefix: str,
    first: int,
    deposits: Sequence[Deposit],
    wants_keys: bool,
    file: Path,
    redis: RedisChoice,
) -> None:
    """Open COUNT accounts and print a CSV of names and API keys. The keys are shown only now.

    The keys permit to trade. No account of these names may exist. If the file cannot be written,
    the new keys are revoked.
    """
    try:
        names = names_of(prefix, count, first)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        asyncio.run(_create(redis.reach(), names, deposits, file, wants_keys=wants_keys))
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"opened {count} accounts, {names[0]} to {names[-1]}", err=True)


async def _create(
    redis_url: str,
    names: Sequence[Account],
    deposits: Sequence[Deposit],
    file: Path,
    *,
    wants_keys: bool,
) -> None:
    address = RedisAddress(redis_url, TIMEOUT_S, TIMEOUT_S, "create-many")
    async with AsyncExitStack() as stack:
        engine = await Engine.open(address)
        stack.push_async_callback(engine.close)
        await engine.ready()
        store = ApiKeyStore.open(address)
        stack.push_async_callback(store.close)
        queries = Queries(engine.batcher)
        await _check_new(queries, names)
        units = await _units(queries, deposits)
        keys: dict[Account, NewKey] = {}
        maker = _Maker(engine, Treasury(engine), store if wants_keys else None, units, keys)
        try:
            for start in range(0, len(names), AT_ONCE):
                block = names[start : start + AT_ONCE]
                await asyncio.gather(*(maker.make(name) for name in block))
            _write(file, names, [keys[name].text for name in names] if wants_keys else [])
        except BaseException:
            with contextlib.suppress(TapewireError):
                for key in keys.values():
                    await store.revoke(key.record.key_id)
            raise


@dataclass(frozen=True, slots=True)
class _Maker:
    """Opens one account after another."""

    engine: Engine
    treasury: Treasury
    store: ApiKeyStore | None
    units: Sequence[tuple[str, int]]
    # Filled key by key, so that every key that was made can be revoked.
    keys: dict[Account, NewKey]

    async def make(self, name: Account) -> None:
        """Open an account, bring in its money, make its key if there is a store of keys."""
        await self.engine.open_account(name)
        for asset, units in self.units:
            await self.treasury.deposit(name, asset, units)
        if self.store is not None:
            permissions = frozenset({Permission.READ, Permission.TRADE})
            self.keys[name] = await self.store.create(name, permissions, label=KEY_LABEL)


async def _check_new(queries: Queries, names: Sequence[Account]) -> None:
    """Raise ConfigurationError if one of the accounts exists."""

    async def exists(name: Account) -> bool:
        try:
            await queries.account(name)
        except UnknownAccount:
            return False
        return True

    for start in range(0, len(names), AT_ONCE):
        block = names[start : start + AT_ONCE]
        for name, found in zip(block, await asyncio.gather(*map(exists, block)), strict=True):
            if found:
                raise ConfigurationError(
                    f"the account {name} exists, so none was opened; choose --prefix or --first"
                )


async def _units(queries: Queries, deposits: Sequence[Deposit]) -> list[tuple[str, int]]:
    """The deposits in units. Raises ConfigurationError for an asset that is not traded."""
    decimals = await queries.assets()
    found = []
    for deposit in deposits:
        if deposit.asset not in decimals:
            raise ConfigurationError(f"no instrument has the asset {deposit.asset}")
        units = parse_amount(deposit.amount, deposit.asset, decimals[deposit.asset])
        found.append((deposit.asset, units))
    return found


def _write(file: Path, names: Sequence[Account], keys: Sequence[str]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["account", "api_key"] if keys else ["account"])
    writer.writerows(zip(names, keys, strict=True) if keys else ([name] for name in names))
    try:
        with output_file(file, mode=0o600) as stream:
            stream.write(text.getvalue().encode())
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}; the new keys were revoked"
        ) from None
