"""Where the recordings of real exchanges are that the replay tests play, if they are here.

They stand beside the repository (their owners do not allow to publish them), or where the variable
MARKET_DATA_SAMPLES says. Tests that need them are skipped without them.
"""

import os
from pathlib import Path

import pytest

VARIABLE = "MARKET_DATA_SAMPLES"
BESIDE_REPOSITORY = Path(__file__).resolve().parents[3].parent / "shared" / "data"

BITSTAMP = "bitstamp-btcusd-l3/bitstamp_btcusd_2015-05-01_events_part1.log.gz"
LOBSTER = "lobster-aapl-l50-firsthour/AAPL_2012-06-21_message_50_first45000.csv.gz"
CME = "cme-es-mbo/ESH4_2023-12-25_mbo_first40000.csv.gz"
LOBSTER_BOOK = "lobster-aapl-l50-firsthour/seed_orderbook_10_row0.csv"


def sample(name: str) -> Path:
    """The path of one recording; skips the test if it is not here."""
    path = Path(os.environ.get(VARIABLE) or BESIDE_REPOSITORY) / name
    if not path.is_file():
        pytest.skip(f"no market data: {path} is absent, and {VARIABLE} does not say where it is")
    return path
