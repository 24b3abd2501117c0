"""Instruments from a TOML file, checked when loaded: a bad file stops the start with its reason.

```toml
[[instrument]]
symbol = "BTC-USDT"
base = "BTC"
quote = "USDT"
tick_size = "0.01"        # smallest step of a price, in the quote asset
lot_size = "0.00001"      # smallest step of a quantity, in the base asset
min_quantity = "0.00001"
max_quantity = "100"
min_notional = "5"        # smallest price x quantity of an order with a price
price_band = "10"         # optional: farthest distance of a price from the last trade, in percent
open_orders_max = 500     # optional: open orders that one account may have in it
order_quantity_max = "50" # optional: of one order of one account; order_notional_max the same
position_max = "200"      # optional: of the base asset, open buys included, for one account
maker_fee_ppm = 200       # optional: millionths of what a fill brings, for who rested in the book
taker_fee_ppm = 500       # optional: the same for who came to take
allow_coarse_fees = false # optional: accept fees below one unit of the smallest amounts traded
base_decimals = 8         # optional: decimals of the assets, fixed for their life
quote_decimals = 8
```

From price_band to taker_fee_ppm it is where a market starts; an admin call changes them while it
is traded.
"""

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from tapewire.errors import ConfigurationError, InvalidField
from tapewire.limits import INSTRUMENT_FILE_BYTES_MAX, INSTRUMENTS_MAX
from tapewire.values.instrument_entry import InstrumentEntry, build_instrument
from tapewire.values.types import Instrument, Symbol


def packaged_instruments() -> dict[Symbol, Instrument]:
    """The three instruments in the package."""
    text = resources.files("tapewire.values").joinpath("instruments.toml").read_text("utf-8")
    return parse_instruments(text, "instruments.toml")


def load_instruments(path: Path | None) -> dict[Symbol, Instrument]:
    """Read an instrument file, or the packaged one. Raises ConfigurationError."""
    if path is None:
        return packaged_instruments()
    try:
        with path.open("rb") as file:
            content = file.read(INSTRUMENT_FILE_BYTES_MAX + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read instrument file {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"cannot read instrument file {path}: {error}") from None
    if len(content) > INSTRUMENT_FILE_BYTES_MAX:
        raise ConfigurationError(
            f"instrument file {path} has more than {INSTRUMENT_FILE_BYTES_MAX:,} bytes"
        )
    return parse_instruments(text, str(path))


def parse_instruments(text: str, source: str) -> dict[Symbol, Instrument]:
    """Check the whole file. Raises ConfigurationError with source, line and reason."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{source}: {error}") from None
    unknown = set(document) - {"instrument"}
    if unknown:
        raise ConfigurationError(f"{source}: unknown table {min(unknown)!r}")
    tables = document.get("instrument")
    if not isinstance(tables, list) or not 1 <= len(tables) <= INSTRUMENTS_MAX:
        raise ConfigurationError(
            f"{source}: it must have 1 to {INSTRUMENTS_MAX} [[instrument]] tables"
        )
    lines = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if re.match(r"\s*\[\[\s*instrument\s*\]\]", line)
    ]
    instruments: dict[Symbol, Instrument] = {}
    entries = []
    assets: dict[str, int] = {}
    for index, table in enumerate(tables):
        where = f"{source}, line {lines[index]}" if index < len(lines) else source
        entry = _parse_entry(table, where)
        _gather_assets(assets, entry, where)
        entries.append((entry, where))
    for entry, where in entries:
        instrument = _build_entry(entry, assets, where)
        if instrument.symbol in instruments:
            raise ConfigurationError(f"{where}: symbol {instrument.symbol} stands twice")
        instruments[instrument.symbol] = instrument
    return instruments


def _parse_entry(table: object, where: str) -> InstrumentEntry:
    try:
        return InstrumentEntry.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{where}: {field}: {first['msg']}") from None


def _gather_assets(assets: dict[str, int], entry: InstrumentEntry, where: str) -> None:
    """Collect the decimals of assets; they apply to the whole file."""
    for asset, decimals in ((entry.base, entry.base_decimals), (entry.quote, entry.quote_decimals)):
        if decimals is not None and assets.setdefault(asset, decimals) != decimals:
            raise ConfigurationError(
                f"{where}: {asset} has {assets[asset]} decimals in one place and {decimals} here"
            )


def _build_entry(entry: InstrumentEntry, assets: Mapping[str, int], where: str) -> Instrument:
    try:
        return build_instrument(entry, assets)
    except InvalidField as error:
        raise ConfigurationError(f"{where}: {error}") from None
