"""In which decimals accounts are shown: those of instruments and assets, read when first needed."""

from collections.abc import Mapping

from market_data.feed.account_log import AccountLog
from tapewire.limits import ASSET_DECIMALS
from tapewire.values.types import Instrument
from tapewire.wire.account_event import AccountEvent


class Denominations:
    """What is known of instruments and assets; both are fixed for one life of the data."""

    def __init__(self, log: AccountLog) -> None:
        self._log = log
        self.instruments: dict[str, Instrument] = {}
        self._decimals: dict[str, int] = {}

    @property
    def decimals(self) -> Mapping[str, int]:
        """The decimals of every asset that was asked for."""
        return self._decimals

    def knows(self, event: AccountEvent) -> bool:
        """Whether the message can be shown."""
        return all(symbol in self.instruments for symbol in _symbols(event)) and all(
            asset in self._decimals for asset in self._assets(event)
        )

    async def learn(self, event: AccountEvent) -> bool:
        """Read what is missing; False if there is no such market. Raises RedisError, OSError."""
        for symbol in _symbols(event) - self.instruments.keys():
            instrument = await self._log.instrument(symbol)
            if instrument is None:
                return False
            self.instruments[symbol] = instrument
        await self.learn_assets(self._assets(event))
        return True

    async def learn_assets(self, assets: set[str]) -> None:
        """Read the decimals of these. Raises RedisError, OSError."""
        if assets - self._decimals.keys():
            found = await self._log.decimals()
            self._decimals = dict.fromkeys(assets, ASSET_DECIMALS) | self._decimals | found

    def clear(self) -> None:
        """Forget everything: another epoch began."""
        self.instruments.clear()
        self._decimals = {}

    def _assets(self, event: AccountEvent) -> set[str]:
        assets = {balance.asset for balance in event.balances}
        for symbol in _symbols(event) & self.instruments.keys():
            instrument = self.instruments[symbol]
            assets |= {instrument.base, instrument.quote}
        return assets


def _symbols(event: AccountEvent) -> set[str]:
    return {change.order.symbol for change in event.changes}
