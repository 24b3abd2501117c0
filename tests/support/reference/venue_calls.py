"""One random command as a call of the real engine, and as the same call of the reference venue."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from tapewire.errors import InvalidField, Refusal, StaleInstrument, TapewireError
from tapewire.matching.clock import set_clock_right
from tapewire.matching.engine import Engine
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.order_lists import place_list
from tapewire.matching.queries import Queries
from tapewire.matching.replacement import Target, replace_order
from tapewire.matching.treasury import Treasury
from tapewire.packed.layout import COMMAND_LIMITS
from tapewire.values.types import (
    Account,
    Amendment,
    Instrument,
    Lots,
    OrderCommand,
    OrderId,
    Symbol,
    TimeInForce,
)
from tests.support.reference.account_commands import (
    AccountCommand,
    CheckFunds,
    Deposit,
    SetAccount,
    SetBounds,
    Withdraw,
)
from tests.support.reference.accounts import ReferenceAccounts
from tests.support.reference.machine_world import ACCOUNTS
from tests.support.reference.venue import ReferenceVenue
from tests.support.reference.venue_commands import (
    Amend,
    Cancel,
    CancelAll,
    CancelClientOrder,
    ChangeInstrument,
    Command,
    Control,
    DeadMan,
    Delist,
    Expire,
    FireStops,
    Place,
    PlaceList,
    Replace,
    SetClock,
)

UNKNOWN_ORDER = OrderId("999999999")
NO_CHANGE = Amendment()


@dataclass(frozen=True, slots=True)
class Call:
    """A command with all that depends on the moment at which it is given."""

    command: Command
    clock_us: int
    account: Account = ACCOUNTS[0]
    order_id: OrderId = UNKNOWN_ORDER
    order: OrderCommand | None = None
    second: OrderCommand | None = None
    amendment: Amendment = NO_CHANGE
    instruments: Mapping[Symbol, Instrument] | None = None


def resolve(
    command: Command,
    clock_us: int,
    reference: ReferenceVenue,
    instruments: dict[Symbol, Instrument],
) -> Call:
    """Fill in ids, revisions and times; `revision` in a command is how far behind it is."""
    call = Call(command, clock_us)
    match command:
        case PlaceList(first, second, lifetime_us, _):
            orders = [
                resolve(
                    Place(order, lifetime_us if order.time_in_force is TimeInForce.GTD else None),
                    clock_us, reference, instruments,
                ).order
                for order in (first, second)
            ]  # fmt: skip
            call = replace(call, order=orders[0], second=orders[1])
        case Place(order, lifetime_us):
            revision = reference.markets[order.symbol].revision - order.revision
            expire_us = None if lifetime_us is None else clock_us + lifetime_us
            return replace(call, order=replace(order, revision=revision, expire_us=expire_us))
        case Replace():
            return _resolve_replace(call, command, reference, instruments)
        case Amend(number, amendment, foreign):
            call = _name(call, reference, number, foreign=foreign)
            found = reference.orders.get(call.order_id)
            revision = reference.markets[found.symbol].revision if found else 1
            amendment = replace(amendment, revision=revision - amendment.revision)
            return replace(call, amendment=amendment)
        case Cancel(number, foreign, _):
            call = _name(call, reference, number, foreign=foreign)
        case Withdraw(account, asset, leaves=int(leaves)):
            units = max(1, reference.accounts.available(account, asset) - leaves)
            return replace(call, command=replace(command, units=units, leaves=None))
        case ChangeInstrument(symbol, _):
            old = instruments[symbol]
            new = replace(old, quantity_lots_max=Lots(old.quantity_lots_max - 1))
            instruments[symbol] = new
            return replace(call, instruments={symbol: new})
    return call


def _resolve_replace(
    call: Call,
    command: Replace,
    reference: ReferenceVenue,
    instruments: dict[Symbol, Instrument],
) -> Call:
    """The new order is of the account of the order that it takes the place of, or of another."""
    call = _name(call, reference, command.number, foreign=command.foreign)
    order = resolve(command.place, call.clock_us, reference, instruments).order
    assert order is not None
    found = reference.orders.get(call.order_id)
    if found is not None and not command.foreign:
        order = replace(order, account=found.account)
    return replace(call, order=order)


def _name(call: Call, reference: ReferenceVenue, number: int, *, foreign: bool) -> Call:
    """An order by its number: those that are open first, the newest first, at last an unknown."""
    newest = list(reversed(reference.orders.values()))
    orders = sorted(newest, key=lambda order: not order.is_open)
    if number >= len(orders):
        return call
    order = orders[number]
    others = [account for account in ACCOUNTS if account != order.account]
    account = others[0] if foreign else order.account
    return replace(call, account=account, order_id=OrderId(order.order_id))


async def call_engine(engine: Engine, call: Call) -> object:
    """Give the call to the real venue; raises what it refuses."""
    engine.clock_us = str(call.clock_us)
    reply: object = None
    match call.command:
        case Place():
            assert call.order is not None
            reply = await engine.place(call.order)
        case PlaceList(client_list_id=name):
            assert call.order is not None
            assert call.second is not None
            done = await place_list(engine, call.order, call.second, name)
            reply = done.first, done.second, done.replayed
        case Replace(mode=mode):
            assert call.order is not None
            target = Target(order_id=call.order_id)
            parts = await replace_order(engine, target, call.order, mode)
            reply = shown(parts.canceled), shown(parts.placed)
        case Amend():
            reply = await engine.amend(call.account, call.order_id, call.amendment)
        case Cancel() | CancelClientOrder() | CancelAll():
            reply = await _call_cancel(engine, call)
        case Expire():
            reply = await engine.expire_due()
        case FireStops(market):
            reply = await engine.fire_stops(market)
        case DeadMan(account, timeout_us):
            reply = await engine.set_dead_man(account, timeout_us)
        case SetClock(market):
            reply = await set_clock_right(engine, [market])
        case Control() | ChangeInstrument() | Delist():
            reply = await _call_administration(engine, call)
        case Deposit() | Withdraw() | SetAccount() | SetBounds() | CheckFunds():
            reply = await _call_treasury(Treasury(engine), call.command)
    return reply


async def _call_cancel(engine: Engine, call: Call) -> object:
    """The part of `call_engine` that cancels."""
    match call.command:
        case CancelClientOrder(account, client_order_id):
            return await engine.cancel_client_order(account, client_order_id)
        case CancelAll(account, symbol):
            return await engine.cancel_all(account, symbol)
        case Cancel(cancel_id=name):
            return await engine.cancel(call.account, call.order_id, cancel_id=name or "")
    raise AssertionError(f"{call.command} cancels nothing")


async def _call_administration(engine: Engine, call: Call) -> object:
    """The part of `call_engine` that is about markets and instruments."""
    match call.command:
        case Control(market, state):
            await engine.control_market(market, state=state, **changes_of(call.command))
        case ChangeInstrument(lists_again=lists_again):
            assert call.instruments is not None
            await engine.publish_instruments(call.instruments, lists_again=lists_again)
        case Delist(market):
            return await KillSwitch(engine, Queries(engine.batcher)).delist(market)
    return None


async def _call_treasury(treasury: Treasury, command: AccountCommand) -> object:
    """The part of `call_engine` that is about accounts."""
    match command:
        case Deposit(account, asset, units, reference):
            return await treasury.deposit(account, asset, units, reference=reference)
        case Withdraw(account, asset, units, reference):
            return await treasury.withdraw(account, asset, units, reference=reference)
        case SetAccount(account, state, maker_ppm, taker_ppm):
            await treasury.set_account(
                account, state=state, maker_fee_ppm=maker_ppm, taker_fee_ppm=taker_ppm
            )
        case SetBounds(account, symbol):
            await treasury.set_account_limits(account, symbol, **changes_of(command))
        case CheckFunds(checked):
            # The engine reads its limits when it sends a command.
            engine = treasury._engine
            limits = COMMAND_LIMITS.read(engine._limits)._replace(funds_checked=str(int(checked)))
            engine._limits = COMMAND_LIMITS.write(limits)
    return None


def shown(part: object) -> object:
    """A part of an answer; a refusal by its code, because exceptions do not compare."""
    return code_of(part) if isinstance(part, TapewireError) else part


def code_of(found: object) -> str:
    """A refusal in the words of the reference."""
    match found:
        case InvalidField():
            return f"{found.field} {found.code}"
        case Refusal():
            return found.code
        case StaleInstrument():
            return "stale_instrument"
    return f"not refused: {found}"


def call_reference(reference: ReferenceVenue, call: Call) -> object:
    """Give the call to the reference; raises Refused."""
    clock_us = call.clock_us
    reply: object = None
    match call.command:
        case Place():
            assert call.order is not None
            reply = reference.place(call.order, clock_us)
        case PlaceList(client_list_id=name):
            assert call.order is not None
            assert call.second is not None
            reply = reference.place_list(call.order, call.second, clock_us, name)
        case Replace(mode=mode):
            assert call.order is not None
            reply = reference.replace(call.order, call.order_id, mode, clock_us)
        case Amend():
            reply = reference.amend(call.account, call.order_id, call.amendment, clock_us)
        case Cancel() | CancelClientOrder() | CancelAll():
            reply = _cancel_reference(reference, call)
        case Expire():
            reply = reference.expire_due(clock_us)
        case FireStops(market):
            reply = reference.fire_stops(market, clock_us)
        case DeadMan(account, timeout_us):
            reply = reference.set_dead_man(account, timeout_us, clock_us)
        case SetClock(market):
            reply = reference.set_clock(market, clock_us)
        case Control() | ChangeInstrument() | Delist():
            reply = _administer_reference(reference, call)
        case Deposit() | Withdraw() | SetAccount() | SetBounds() | CheckFunds():
            reply = _call_accounts(reference.accounts, call.command)
    return reply


def _cancel_reference(reference: ReferenceVenue, call: Call) -> object:
    """The part of `call_reference` that cancels."""
    match call.command:
        case CancelClientOrder(account, client_order_id):
            return reference.cancel_client_order(account, client_order_id, call.clock_us)
        case CancelAll(account, symbol):
            return reference.cancel_all(account, symbol, call.clock_us)
        case Cancel(cancel_id=name):
            return reference.cancel(call.account, call.order_id, call.clock_us, name)
    raise AssertionError(f"{call.command} cancels nothing")


def _administer_reference(reference: ReferenceVenue, call: Call) -> object:
    """The part of `call_reference` that is about markets and instruments."""
    match call.command:
        case Control(market, state):
            reference.control(market, state, changes_of(call.command), call.clock_us)
        case ChangeInstrument(market, lists_again):
            assert call.instruments is not None
            if lists_again or reference.markets[market].is_listed:
                reference.list_again(call.instruments[market])
        case Delist(market):
            return reference.delist(market, call.clock_us)
    return None


def _call_accounts(accounts: ReferenceAccounts, command: AccountCommand) -> object:
    """The part of `call_reference` that is about accounts."""
    match command:
        case Deposit(account, asset, units, reference):
            return accounts.deposit(account, asset, units, reference)
        case Withdraw(account, asset, units, reference):
            return accounts.withdraw(account, asset, units, reference)
        case SetAccount(account, state, maker_ppm, taker_ppm):
            accounts.set_profile(account, state, maker_ppm, taker_ppm)
        case SetBounds(account, symbol):
            accounts.set_bounds(account, symbol, changes_of(command))
        case CheckFunds(checked):
            accounts.checked = checked
    return None


def changes_of(command: Command) -> dict[str, Any]:
    """The numbers that a command sets, by their names."""
    return {
        item.name: getattr(command, item.name)
        for item in fields(command)
        if item.name.endswith(("_max", "_ppm", "_bps"))
    }
