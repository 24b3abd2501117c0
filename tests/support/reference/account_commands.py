"""Random commands about accounts: money in and out, fees, bounds, blocked and active again."""

from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import strategies as st

from tapewire.values.account_types import AccountState
from tapewire.values.bounds import AS_INSTRUMENT, Setting
from tapewire.values.types import Account, Symbol
from tests.support.reference.machine_world import ACCOUNTS, DAVE, OPENING_UNITS, SYMBOLS


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money for an account, in units; it need not be there yet."""

    account: Account
    asset: str
    units: int
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Money that leaves an account, in units: so much, or all but `leaves` of what is available."""

    account: Account
    asset: str
    units: int
    reference: str = ""
    leaves: int | None = None


@dataclass(frozen=True, slots=True)
class SetAccount:
    """Block an account or not, give it fees of its own; None changes nothing."""

    account: Account
    state: AccountState | None = None
    maker_fee_ppm: Setting = None
    taker_fee_ppm: Setting = None


@dataclass(frozen=True, slots=True)
class SetBounds:
    """Give an account bounds of its own in a market; None changes nothing."""

    account: Account
    symbol: Symbol
    open_orders_max: Setting = None
    order_lots_max: Setting = None
    order_notional_max: Setting = None
    position_lots_max: Setting = None


@dataclass(frozen=True, slots=True)
class CheckFunds:
    """Let orders need money from now on, or not: a venue begins again with another setting."""

    checked: bool


AccountCommand: TypeAlias = Deposit | Withdraw | SetAccount | SetBounds | CheckFunds

# Rates that divide nothing, the smallest, none, and the largest that an instrument may have.
fee_rates = st.sampled_from([None, None, 0, 1, 333, 2_500, 99_999, 100_000])
# Of each bound: mostly as it is or none, so that orders get through.
order_lots_bounds = st.sampled_from([None] * 4 + [0] * 4 + [8])
notional_bounds = st.sampled_from([None] * 4 + [0] * 4 + [800])
position_bounds = st.sampled_from([None] * 4 + [0] * 4 + [70])

_accounts = st.sampled_from([*ACCOUNTS] * 5 + [DAVE])
_assets = st.sampled_from(sorted(OPENING_UNITS))
_references = st.sampled_from([""] * 8 + ["r", "s"])


@st.composite
def _transfers(draw: st.DrawFn, kind: type[Deposit] | type[Withdraw]) -> Deposit | Withdraw:
    """Part of what accounts begin with, rarely a round number of lots; withdrawals reach farther.

    So accounts become poorer in the long run, and money keeps running out.
    """
    asset = draw(_assets)
    tenths = draw(st.integers(1, 6 if kind is Deposit else 15))
    units = OPENING_UNITS[asset] * tenths // 10 + draw(st.sampled_from([0, 0, 1, 333]))
    return kind(draw(_accounts), asset, units, draw(_references))


def _of_account(
    of_market: st.SearchStrategy[int | None],
) -> st.SearchStrategy[Setting]:
    """What a market may be given, or what the market has."""
    return st.one_of(of_market, of_market, st.just(AS_INSTRUMENT))


deposits = _transfers(Deposit)
withdrawals = _transfers(Withdraw)
account_settings = st.builds(
    SetAccount,
    _accounts,
    st.sampled_from([None, *[AccountState.ACTIVE] * 9, AccountState.BLOCKED]),
    _of_account(fee_rates),
    _of_account(fee_rates),
)
account_bounds = st.builds(
    SetBounds,
    _accounts,
    st.sampled_from(SYMBOLS),
    open_orders_max=_of_account(st.sampled_from([None, None, 0, 0, 3])),
    order_lots_max=_of_account(order_lots_bounds),
    order_notional_max=_of_account(notional_bounds),
    position_lots_max=_of_account(position_bounds),
)
