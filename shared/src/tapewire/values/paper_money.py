"""Starting balances of new accounts of an open venue: `*=1000000,BTC=10`. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tapewire.errors import ConfigurationError, InvalidField
from tapewire.limits import ASSET_CHARACTERS_MAX, ASSET_DECIMALS_MAX
from tapewire.values.decimals import parse_units

EVERY_ASSET = "*"
DEFAULT_BALANCES = "*=1000000"
_ASSET = re.compile(rf"\*|[A-Z0-9][A-Z0-9.\-]{{0,{ASSET_CHARACTERS_MAX - 1}}}")


@dataclass(frozen=True, slots=True)
class PaperMoney:
    """Amounts as decimal text, by asset; `*` stands for every other asset."""

    amounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Asset, amount, asset, amount and so on, as `open_account.lua` takes them."""
        return tuple(text for pair in self.amounts.items() for text in pair)


NO_MONEY = PaperMoney()


def parse_paper_money(text: str) -> PaperMoney:
    """Read a setting. Raises ConfigurationError."""
    amounts: dict[str, str] = {}
    for part in filter(None, (item.strip() for item in text.split(","))):
        asset, separator, amount = part.partition("=")
        try:
            if not separator or not _ASSET.fullmatch(asset):
                raise ConfigurationError(f"{part!r} is not ASSET=AMOUNT, such as USDT=50000")
            if asset in amounts:
                raise ConfigurationError(f"{asset} has two amounts")
            parse_units(amount, ASSET_DECIMALS_MAX, asset)
        except InvalidField as error:
            raise ConfigurationError(f"{part!r}: {error}") from None
        amounts[asset] = amount
    return PaperMoney(amounts)
