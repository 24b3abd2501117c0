"""Who trades what in the runs of random commands: few accounts, two markets that share an asset.

BTC is bought in one market and pays in the other, so that what one holds the other lacks. `SHARE`
has a tick and a lot that are no powers of ten; amounts of one order are alike in both.
"""

from collections.abc import Mapping

from tapewire.values.instruments import parse_instruments
from tapewire.values.types import Account, Instrument, Symbol
from tests.support.venue import ALICE, BOB, BTC

CAROL = Account("carol")
# Has no account until somebody deposits something.
DAVE = Account("dave")
ACCOUNTS = (ALICE, BOB, CAROL)
SHARE = Symbol("SHARE-BTC")
SYMBOLS = (BTC, SHARE)

_INSTRUMENTS = f"""
[[instrument]]
symbol = "{BTC}"
base = "BTC"
quote = "USDT"
tick_size = "0.01"
lot_size = "0.00001"
min_quantity = "0.00001"
max_quantity = "100"
maker_fee_ppm = 333
taker_fee_ppm = 2500
allow_coarse_fees = true

[[instrument]]
symbol = "{SHARE}"
base = "SHARE"
quote = "BTC"
tick_size = "0.00005"
lot_size = "0.005"
min_quantity = "0.005"
max_quantity = "1000"
"""
INSTRUMENTS: Mapping[Symbol, Instrument] = parse_instruments(_INSTRUMENTS, "the state machine")
ASSETS = ("BTC", "SHARE", "USDT")

# What pays about two orders of each kind.
OPENING_UNITS: Mapping[str, int] = {"BTC": 15_000, "SHARE": 7_500_000, "USDT": 12_000}


def opening_balances(wealth: int) -> dict[str, int]:
    """What each account begins with, in units of each asset."""
    return {asset: units * wealth for asset, units in OPENING_UNITS.items()}
