"""`tapewire account`: accounts and their money, straight in the venue's Redis.

A user who reaches this Redis owns the venue. A usage error ends a command with status 2, a refusal
of the venue with status 1.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import click

from tapewire.commands.account_options import (
    AS_INSTRUMENT_WORD,
    any_name,
    client,
    read_fee,
    read_open_orders,
    reference_option,
)
from tapewire.commands.account_table import account_lines, list_lines
from tapewire.commands.redis_options import RedisChoice, redis_options
from tapewire.errors import InvalidField, TapewireError, UnknownSymbol
from tapewire.matching.engine import Engine
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.queries import Queries
from tapewire.matching.treasury import Transfer, Treasury
from tapewire.redis.client import RedisAddress
from tapewire.values.account_entry import check_reference, parse_amount, read_account_limits
from tapewire.values.account_types import AccountState
from tapewire.values.bounds import AS_INSTRUMENT, Setting
from tapewire.values.decimals import format_units
from tapewire.values.types import Account, Instrument, Symbol

TIMEOUT_S = 30.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Venue:
    """The context of the commands."""

    queries: Queries
    treasury: Treasury
    kill_switch: KillSwitch


@dataclass(frozen=True, slots=True)
class _Transfer:
    """Words of a deposit or a withdrawal."""

    account: Account
    asset: str
    amount: str
    reference: str


@click.group(short_help="Show accounts, move money, set fees and limits.")
def account() -> None:
    """Show accounts, move money, set fees and limits.

    Amounts are decimal text, such as 2500.50. The account @fees collects the fees.
    """


@account.command("list", short_help="List the accounts.")
@redis_options
def list_accounts(redis: RedisChoice) -> None:
    """List every account with its state and balances. The account @fees collects the fees."""

    async def work(venue: _Venue) -> list[str]:
        names = await venue.queries.accounts()
        records = [await venue.queries.account(name) for name in names]
        return list_lines(records, await venue.queries.assets())

    _say(_run(redis, work))


@account.command(short_help="Show an account.")
@any_name
@redis_options
def show(name: Account, redis: RedisChoice) -> None:
    """Show the state, fees, balances and limits of one account."""

    async def work(venue: _Venue) -> list[str]:
        return await _shown(venue, name)

    _say(_run(redis, work))


@account.command(short_help="Deposit money.")
@any_name
@click.argument("asset")
@click.argument("amount")
@reference_option
@redis_options
def deposit(name: Account, asset: str, amount: str, reference: str, redis: RedisChoice) -> None:
    """Deposit AMOUNT of ASSET into the account NAME. A new account is opened."""
    wanted = _Transfer(name, asset, amount, reference)
    _say(_run(redis, lambda venue: _transfer(venue, wanted, venue.treasury.deposit)))


@account.command(short_help="Withdraw money.")
@any_name
@click.argument("asset")
@click.argument("amount")
@reference_option
@redis_options
def withdraw(name: Account, asset: str, amount: str, reference: str, redis: RedisChoice) -> None:
    """Withdraw AMOUNT of ASSET from the available balance of the account NAME."""
    wanted = _Transfer(name, asset, amount, reference)
    _say(_run(redis, lambda venue: _transfer(venue, wanted, venue.treasury.withdraw)))


@account.command(short_help="Set the fees of an account.")
@client
@click.option("--maker", callback=read_fee, metavar="PPM|default", help="Fee as a maker.")
@click.option("--taker", callback=read_fee, metavar="PPM|default", help="Fee as a taker.")
@redis_options
def fees(name: Account, maker: Setting, taker: Setting, redis: RedisChoice) -> None:
    """Set the fees of the account NAME, in millionths (ppm) of the amount received in a fill.

    `default` means the fee of the instrument.

    The fees apply to orders that are placed from now on.
    """
    if maker is None and taker is None:
        raise click.UsageError("name at least one of --maker, --taker")

    async def work(venue: _Venue) -> list[str]:
        await venue.treasury.set_account(name, maker_fee_ppm=maker, taker_fee_ppm=taker)
        return await _shown(venue, name)

    _say(_run(redis, work))


@account.command(short_help="Limit an account in a symbol.")
@client
@click.argument("symbol")
@click.option(
    "--open-orders",
    callback=read_open_orders,
    metavar="N|default",
    help="Most open orders.",
)
@click.option("--order-quantity", metavar="AMOUNT|default", help="Largest quantity of one order.")
@click.option("--order-notional", metavar="AMOUNT|default", help="Largest price x quantity.")
@click.option("--position", metavar="AMOUNT|default", help="Largest position in the base asset.")
@redis_options
def limits(
    *,
    name: Account,
    symbol: str,
    open_orders: Setting,
    order_quantity: str | None,
    order_notional: str | None,
    position: str | None,
    redis: RedisChoice,
) -> None:
    """Limit the account NAME in SYMBOL.

    `default` means the limit of the instrument; 0 means no limit.

    Open orders stay.
    """
    texts = {
        "order_quantity_max": order_quantity,
        "order_notional_max": order_notional,
        "position_max": position,
    }
    written: dict[str, str | int | None] = {
        field: None if text == AS_INSTRUMENT_WORD else text
        for field, text in texts.items()
        if text is not None
    }
    if open_orders is not None:
        written["open_orders_max"] = None if open_orders == AS_INSTRUMENT else open_orders
    if not written:
        raise click.UsageError(
            "name at least one of --open-orders, --order-quantity, --order-notional, --position"
        )

    async def work(venue: _Venue) -> list[str]:
        instrument = await _instrument(venue, symbol)
        bounds = read_account_limits(written, instrument)
        await venue.treasury.set_account_limits(name, instrument.symbol, **bounds)
        return await _shown(venue, name)

    _say(_run(redis, work))


@account.command(short_help="Let an account cancel only.")
@client
@redis_options
def block(name: Account, redis: RedisChoice) -> None:
    """Refuse new orders of the account. Open orders stay and may be canceled."""
    _say(_run(redis, lambda venue: _switch(venue, name, AccountState.BLOCKED)))


@account.command(short_help="Let an account trade again.")
@client
@redis_options
def unblock(name: Account, redis: RedisChoice) -> None:
    """Accept new orders of the account again."""
    _say(_run(redis, lambda venue: _switch(venue, name, AccountState.ACTIVE)))


@account.command(short_help="Block an account and cancel its orders.")
@client
@redis_options
def kill(name: Account, redis: RedisChoice) -> None:
    """Block the account, then cancel its orders. Orders in halted markets stay."""

    async def work(venue: _Venue) -> list[str]:
        killed = await venue.kill_switch.kill_account(name)
        lines = [f"{name} is blocked; orders canceled: {len(killed.canceled)}"]
        if killed.halted:
            lines.append(f"still open in halted markets: {', '.join(killed.halted)}")
        return lines

    _say(_run(redis, work))


async def _transfer(
    venue: _Venue, wanted: _Transfer, move: Callable[..., Awaitable[Transfer]]
) -> list[str]:
    decimals = (await venue.queries.assets()).get(wanted.asset)
    if decimals is None:
        known = ", ".join(sorted(await venue.queries.assets()))
        reason = f"{wanted.asset!r} is not an asset of this venue; its assets are {known}."
        raise InvalidField("asset", "unknown_asset", reason)
    units = parse_amount(wanted.amount, wanted.asset, decimals)
    if wanted.reference:
        check_reference(wanted.reference)
    done = await move(wanted.account, wanted.asset, units, reference=wanted.reference)
    left = format_units(done.available_units, decimals)
    lines = [f"available to {wanted.account}: {left} {wanted.asset}"]
    if done.replayed:
        lines.insert(0, "done before under this reference; nothing was moved now")
    return lines


async def _switch(venue: _Venue, name: Account, state: AccountState) -> list[str]:
    await venue.treasury.set_account(name, state=state)
    return [f"{name} is {state}"]


async def _shown(venue: _Venue, name: Account) -> list[str]:
    record = await venue.queries.account(name)
    instruments = {symbol: await _instrument(venue, symbol) for symbol in record.limits}
    return account_lines(record, await venue.queries.assets(), instruments)


async def _instrument(venue: _Venue, symbol: str) -> Instrument:
    found = await venue.queries.instrument(Symbol(symbol))
    if found is None:
        raise UnknownSymbol(
            f"{symbol!r} is not traded here. `tapewire instruments` lists the symbols."
        )
    return found[0]


def _say(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


def _run(redis: RedisChoice, work: Callable[[_Venue], Awaitable[_Result]]) -> _Result:
    """Run the command; an invalid word is a usage error, other errors end with status 1."""

    redis_url = redis.reach()

    async def go() -> _Result:
        async with _open(redis_url) as venue:
            return await work(venue)

    try:
        return asyncio.run(go())
    except (InvalidField, UnknownSymbol) as error:
        raise click.UsageError(str(error)) from None
    except TapewireError as error:
        raise click.ClickException(str(error)) from None


@asynccontextmanager
async def _open(redis_url: str) -> AsyncIterator[_Venue]:
    address = RedisAddress(
        redis_url, connect_timeout_s=TIMEOUT_S, timeout_s=TIMEOUT_S, client_name="account"
    )
    engine = await Engine.open(address)
    try:
        await engine.ready()
        queries = Queries(engine.batcher)
        yield _Venue(queries, Treasury(engine), KillSwitch(engine, queries))
    finally:
        await engine.close()
