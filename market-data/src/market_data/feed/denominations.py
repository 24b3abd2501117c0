"""The decimals of instruments and assets, read from Redis when a message first needs them."""

from collections.abc import Mapping

from market_data.feed.account_log import AccountLog
from tapewire.limits import ASSET_DECIMALS
from tapewire.values.types import Instrument
from tapewire.wire.account_event import AccountEvent


class Denominations:
    """Instruments and asset decimals read so far; both stay the same for one epoch."""

    def __init__(self, log: AccountLog) -> None:
        self._log = log
        self.instruments: dict[str, Instrument] = {}
        self._decimals: dict[str, int] = {}

    @property
    def decimals(self) -> Mapping[str, int]:
        """The decimals of every asset read so far."""
        return self._decimals

    def knows(self, event: AccountEvent) -> bool:
        """Whether all decimals that the message needs have been read."""
        return all(symbol in self.instruments for symbol in _symbols(event)) and all(
            asset in self._decimals for asset in self._assets(event)
        )

    async def learn(self, event: AccountEvent) -> bool:
        """Read decimals of a message; False for an unknown symbol. Raises RedisError, OSError."""
        for symbol in _symbols(event) - self.instruments.keys():
            instrument = await self._log.instrument(symbol)
            if instrument is None:
                return False
            self.instruments[symbol] = instrument
        await self.learn_assets(self._assets(event))
        return True

    async def learn_assets(self, assets: set[str]) -> None:
        """Read the decimals of these assets. Raises RedisError, OSError."""
        if assets - self._decimals.keys():
            found = await self._log.decimals()
            self._decimals = dict.fromkeys(assets, ASSET_DECIMALS) | self._decimals | found

    def clear(self) -> None:
        """Forget all decimals, because another epoch began."""
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
