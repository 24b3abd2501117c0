"""Accounts of the real venue against those of the reference, after each command and at the end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from tapewire import keys
from tapewire.values.account_types import Balance
from tapewire.values.types import Account, Instrument, Order, Side, Symbol
from tests.support.reference.accounts import FEES, Bounds
from tests.support.reference.machine_world import ACCOUNTS, ASSETS, DAVE, SYMBOLS
from tests.support.reference.venue import ReferenceVenue

EVERYBODY = (*ACCOUNTS, DAVE, FEES)
MONEY_KEYS = [keys.SUPPLY, *(keys.account(account) for account in EVERYBODY)]

Hash = Mapping[bytes, bytes] | Sequence[bytes]


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account of the venue: its events, its state, its balances and its limits."""

    seq: int
    balance_seq: int
    profile: tuple[str, int | None, int | None]
    balances: dict[str, Balance]
    bounds: dict[Symbol, tuple[int | None, ...]]


@dataclass(frozen=True, slots=True)
class Money:
    """Every account, and what was brought in of each asset."""

    supply: dict[str, int]
    accounts: dict[Account, AccountState]


def expected_money(reference: ReferenceVenue, balance_seqs: Mapping[Account, int]) -> Money:
    """As the reference has it now; `balance_seqs` counts the commands that changed balances."""
    book = reference.accounts
    balances = book.balances()
    accounts = {}
    for account, profile in book.profiles.items():
        accounts[account] = AccountState(
            book.reports[account],
            balance_seqs.get(account, 0),
            (profile.state, profile.maker_fee_ppm, profile.taker_fee_ppm),
            {asset: balances.get((account, asset), Balance(0, 0, 0)) for asset in ASSETS},
            {
                symbol: astuple(book.bounds[account, symbol])
                for symbol in SYMBOLS
                if book.bounds.get((account, symbol), Bounds()) != Bounds()
            },
        )
    return Money({asset: book.supply[asset] for asset in ASSETS}, accounts)


def read_money(found: Sequence[Hash]) -> Money:
    """What Redis holds under `MONEY_KEYS`."""
    supply, *hashes = (_texts(item) for item in found)
    accounts = {
        account: _read_account(fields)
        for account, fields in zip(EVERYBODY, hashes, strict=True)
        if fields
    }
    return Money({asset: int(supply.get(asset, 0)) for asset in ASSETS}, accounts)


def check_money(found: Money, expected: Money, *, funds_checked: bool) -> None:
    """The same accounts, nothing made or lost, and nothing owed if funds are checked."""
    for account in EVERYBODY:
        has, should = found.accounts.get(account), expected.accounts.get(account)
        assert has == should, f"{account} is {has}, not {should}"
    assert found.supply == expected.supply
    for asset in ASSETS:
        balances = [state.balances[asset] for state in found.accounts.values()]
        assert sum(item.available + item.held for item in balances) == found.supply[asset], asset
        assert all(item.held >= 0 and item.incoming >= 0 for item in balances), asset
        assert not funds_checked or all(item.available >= 0 for item in balances), asset


def check_holds(
    found: Money, orders: Sequence[Order], instruments: Mapping[Symbol, Instrument]
) -> None:
    """What each account holds and awaits is what its open orders say, and they alone."""
    held: Counter[tuple[Account, str]] = Counter()
    incoming: Counter[tuple[Account, str]] = Counter()
    for order in orders:
        if not order.is_open:
            continue
        instrument = instruments[order.symbol]
        price = order.price_ticks or 0
        worth = price or order.stop_price_ticks or 0
        base = order.remaining_lots * instrument.base_units
        quote = order.remaining_lots * instrument.quote_units
        if order.side is Side.BUY:
            held[order.account, instrument.quote] += max(0, quote * price - order.covered_units)
            incoming[order.account, instrument.base] += 0 if order.covered_units else base
        else:
            held[order.account, instrument.base] += max(0, base - order.covered_units)
            incoming[order.account, instrument.quote] += 0 if order.covered_units else quote * worth
    for account, state in found.accounts.items():
        for asset, balance in state.balances.items():
            assert balance.held == held[account, asset], (account, asset)
            assert balance.incoming == incoming[account, asset], (account, asset)


def _read_account(fields: Mapping[str, str]) -> AccountState:
    state, maker_fee_ppm, taker_fee_ppm, _ = fields["profile"].split("|")
    known = {f"{part}:{asset}" for part in ("available", "held", "incoming") for asset in ASSETS}
    known |= {f"limits:{symbol}" for symbol in SYMBOLS} | {"profile", "seq", "balance_seq"}
    assert fields.keys() <= known, f"what are {sorted(fields.keys() - known)}?"
    return AccountState(
        int(fields.get("seq", 0)),
        int(fields.get("balance_seq", 0)),
        (state, _optional(maker_fee_ppm), _optional(taker_fee_ppm)),
        {
            asset: Balance(
                *(
                    int(fields.get(f"{part}:{asset}", 0))
                    for part in ("available", "held", "incoming")
                )
            )
            for asset in ASSETS
        },
        {
            symbol: tuple(_optional(text) for text in fields[f"limits:{symbol}"].split("|"))
            for symbol in SYMBOLS
            if fields.get(f"limits:{symbol}", "|||") != "|||"
        },
    )


def _texts(found: Hash) -> dict[str, str]:
    """A hash, whichever way the reply came."""
    if isinstance(found, Mapping):
        return {name.decode(): value.decode() for name, value in found.items()}
    texts = [item.decode() for item in found]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _optional(text: str) -> int | None:
    return int(text) if text else None
