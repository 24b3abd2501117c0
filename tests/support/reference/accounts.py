"""The money of the reference venue: who owns what, who may do what, and where fees go.

What an account owns of an asset changes by trades, fees and transfers and by nothing else. What it
holds for its open orders is looked up in the orders each time it is asked for, and never counted
along; what is available is the rest. So holds equal the open orders here by construction, and the
real venue, which counts, is compared with that.

Amounts are integers in asset units (10^-decimals of the asset); a rate is in ppm, millionths.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tapewire.values.account_types import AccountState, Balance
from tapewire.values.bounds import AS_INSTRUMENT, Setting
from tapewire.values.types import Account, Instrument, OrderCommand, Side, Symbol
from tests.support.reference.order import ReferenceOrder, Refused

FEES = Account("@fees")


@dataclass(slots=True)
class Profile:
    """The profile of an account; a fee of None is the fee of the instrument."""

    state: AccountState = AccountState.ACTIVE
    maker_fee_ppm: int | None = None
    taker_fee_ppm: int | None = None


@dataclass(slots=True)
class Bounds:
    """The limits of one account in one market; 0 is no limit, None the limit of the market."""

    open_orders_max: int | None = None
    order_lots_max: int | None = None
    order_notional_max: int | None = None
    position_lots_max: int | None = None


@dataclass(frozen=True, slots=True)
class Transferred:
    """A transfer: the available balance after it; `replayed` for a repeated reference."""

    available: int
    replayed: bool


@dataclass(slots=True)
class ReferenceAccounts:
    """Every account. `standing` has the lists of open orders of the venue."""

    instruments: Mapping[Symbol, Instrument]
    checked: bool = True
    profiles: dict[Account, Profile] = field(default_factory=lambda: {FEES: Profile()})
    bounds: dict[tuple[Account, Symbol], Bounds] = field(default_factory=dict)
    owned: Counter[tuple[Account, str]] = field(default_factory=Counter)
    supply: Counter[str] = field(default_factory=Counter)
    # Deposits less withdrawals.
    entered: Counter[tuple[Account, str]] = field(default_factory=Counter)
    transfers: dict[tuple[Account, str], tuple[str, int]] = field(default_factory=dict)
    reports: Counter[Account] = field(default_factory=Counter)
    standing: list[list[ReferenceOrder]] = field(default_factory=list)

    def deposit(self, account: Account, asset: str, units: int, reference: str = "") -> Transferred:
        """Deposit; the first deposit opens the account. Raises Refused."""
        return self._transfer(account, asset, units, reference)

    def withdraw(
        self, account: Account, asset: str, units: int, reference: str = ""
    ) -> Transferred:
        """Withdraw from the available balance. Raises Refused."""
        return self._transfer(account, asset, -units, reference)

    def set_profile(
        self,
        account: Account,
        state: AccountState | None,
        maker_fee_ppm: Setting,
        taker_fee_ppm: Setting,
    ) -> None:
        """Block or unblock an account, or set its own fees. Raises Refused."""
        profile = self._profile(account)
        profile.state = state or profile.state
        profile.maker_fee_ppm = _changed(profile.maker_fee_ppm, maker_fee_ppm)
        profile.taker_fee_ppm = _changed(profile.taker_fee_ppm, taker_fee_ppm)

    def set_bounds(self, account: Account, symbol: Symbol, changes: Mapping[str, Setting]) -> None:
        """Set an account's own limits in one market. Raises Refused."""
        self._profile(account)
        bounds = self.bounds.setdefault((account, symbol), Bounds())
        for name, wanted in changes.items():
            setattr(bounds, name, _changed(getattr(bounds, name), wanted))

    def available(self, account: Account, asset: str) -> int:
        """The balance that open orders do not hold."""
        return self.owned[account, asset] - self.held(account, asset)

    def held(self, account: Account, asset: str) -> int:
        """The units that the open orders of the account hold."""
        return sum(self.hold(order).get(asset, 0) for order in self._open_orders(account))

    def incoming(self, account: Account, asset: str) -> int:
        """The units that the open orders of the account would bring, before fees."""
        return sum(self.gain(order).get(asset, 0) for order in self._open_orders(account))

    def balance(self, account: Account, asset: str) -> Balance:
        """The available and held units of one asset of one account."""
        held = self.held(account, asset)
        return Balance(self.owned[account, asset] - held, held, self.incoming(account, asset))

    def balances(self) -> dict[tuple[Account, str], Balance]:
        """The balances of all accounts in every asset with available, held or incoming units."""
        held: Counter[tuple[Account, str]] = Counter()
        incoming: Counter[tuple[Account, str]] = Counter()
        for orders in self.standing:
            for order in orders:
                for asset, units in self.hold(order).items():
                    held[order.account, asset] += units
                for asset, units in self.gain(order).items():
                    incoming[order.account, asset] += units
        return {
            place: Balance(self.owned[place] - held[place], held[place], incoming[place])
            for place in {*self.owned, *held, *incoming}
        }

    def snapshot(self) -> dict[tuple[Account, str], tuple[int, int]]:
        """Available and held units of all accounts, without empty balances."""
        return {
            place: (balance.available, balance.held) for place, balance in self.balances().items()
        }

    def hold(self, order: ReferenceOrder) -> dict[str, int]:
        """The units that this order holds while it rests or waits."""
        instrument = self.instruments[order.symbol]
        if order.side is Side.SELL:
            asset, units = instrument.base, order.left * instrument.base_units
        else:
            # The cost of a stop buy without a price is not known before it fires.
            asset = instrument.quote
            units = order.left * (order.price or 0) * instrument.quote_units
        return {asset: max(0, units - order.covered_units)}

    def gain(self, order: ReferenceOrder) -> dict[str, int]:
        """The units that a resting or waiting order would bring; of a list only the first order."""
        if order.covered_units:
            return {}
        instrument = self.instruments[order.symbol]
        if order.side is Side.BUY:
            return {instrument.base: order.left * instrument.base_units}
        price = order.price or order.stop_price
        assert price is not None
        return {instrument.quote: order.left * price * instrument.quote_units}

    def fee_rates(self, command: OrderCommand, maker_ppm: int, taker_ppm: int) -> tuple[int, int]:
        """Maker and taker fee rates of a new order: of its account, else of the market."""
        profile = self._profile(command.account)
        maker, taker = profile.maker_fee_ppm, profile.taker_fee_ppm
        return (maker_ppm if maker is None else maker), (taker_ppm if taker is None else taker)

    def bound(self, account: Account, symbol: Symbol, name: str, of_market: Bounds) -> int | None:
        """One limit of this account; None for no limit."""
        own = getattr(self.bounds.get((account, symbol), Bounds()), name)
        return (getattr(of_market, name) if own is None else own) or None

    def is_blocked(self, account: Account) -> bool:
        """Whether new orders of the account are refused."""
        return self._profile(account).state is AccountState.BLOCKED

    def settle(
        self,
        buyer: ReferenceOrder,
        seller: ReferenceOrder,
        price: int,
        lots: int,
        taker: Side | None,
    ) -> dict[Side, int]:
        """Move the units of a trade; each side pays a fee in the asset it gets. Returns the fees.

        Without a taker both sides pay as makers.
        """
        instrument = self.instruments[buyer.symbol]
        base_units, quote_units = (
            lots * instrument.base_units,
            lots * price * instrument.quote_units,
        )
        fees = {}
        for receiver, giver, asset, units in (
            (buyer, seller, instrument.base, base_units),
            (seller, buyer, instrument.quote, quote_units),
        ):
            rate = receiver.taker_fee_ppm if receiver.side is taker else receiver.maker_fee_ppm
            fee = receiver.take_fee(units, rate)
            self.owned[giver.account, asset] -= units
            self.owned[receiver.account, asset] += units - fee
            self.owned[FEES, asset] += fee
            fees[receiver.side] = fee
        return fees

    def _transfer(self, account: Account, asset: str, units: int, reference: str) -> Transferred:
        """Deposit units, or withdraw them if `units` is negative."""
        earlier = self.transfers.get((account, reference))
        if earlier is not None and earlier != (asset, units):
            raise Refused("duplicate_reference")
        if earlier is None:
            if units < 0 and account not in self.profiles:
                raise Refused("unknown_account")
            if units < 0 and self.available(account, asset) + units < 0:
                raise Refused("insufficient_funds")
            self.profiles.setdefault(account, Profile())
            self.owned[account, asset] += units
            self.supply[asset] += units
            self.entered[account, asset] += units
            if reference:
                self.transfers[account, reference] = (asset, units)
        return Transferred(self.available(account, asset), replayed=earlier is not None)

    def _open_orders(self, account: Account) -> Iterator[ReferenceOrder]:
        return (order for orders in self.standing for order in orders if order.account == account)

    def _profile(self, account: Account) -> Profile:
        if account not in self.profiles:
            raise Refused("unknown_account")
        return self.profiles[account]


def _changed(present: int | None, wanted: Setting) -> int | None:
    """A setting after a command: None changes nothing, "-" is the instrument's value."""
    if wanted is None:
        return present
    return None if wanted == AS_INSTRUMENT else int(wanted)
