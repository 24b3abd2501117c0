"""Messages of an account as the matching scripts publish and log them: the one place that packs.

`AccountBook` is an account at a pretended venue: it numbers what happens to it.
"""

from collections.abc import Sequence
from typing import Any

from tapewire import keys
from tapewire.packed.packing import PART, UNIT
from tapewire.redis.client import AsyncRedis

EPOCH = "e1"
TIME_US = 1_769_860_800_000_001


def terms_text(
    account: str,
    *,
    quantity: int = 100,
    price: int | None = 50,
    symbol: str = "BTC-USDT",
    side: str = "buy",
    client_order_id: str = "",
) -> str:
    """The packed field `terms` of an order record."""
    price_text = "" if price is None else str(price)
    return (
        f"{quantity}|{account}|{client_order_id}|||{price_text}|1|{symbol}|{side}|limit|gtc|"
        f"{TIME_US}|none|0|||0|0|digest"
    )


def state_text(
    status: str, executed: int = 0, notional: int = 0, prevented: int = 0, reason: str = ""
) -> str:
    """The packed field `state` of an order record."""
    return f"{status}|{executed}|{notional}|{TIME_US}|{prevented}|||{reason}"


def fill_text(seq: int, ticks: int, lots: int, liquidity: str = "t", fee_units: int = 0) -> str:
    """One fill of a change."""
    return f"{seq},{ticks},{lots},{liquidity},{TIME_US},{fee_units}"


def change_text(kind: str, order_id: str, terms: str, state: str, fills: Sequence[str] = ()) -> str:
    """What one command did to one order."""
    return UNIT.join((kind, order_id, terms, state, ";".join(fills)))


def event_text(
    account: str,
    seq: int,
    balance_seq: int,
    *,
    balances: Sequence[tuple[str, int, int]] = (),
    changes: Sequence[str] = (),
    epoch: str = EPOCH,
) -> bytes:
    """One message."""
    head = f"{account}|{epoch}|{seq}|{balance_seq}|{TIME_US}"
    changed = ";".join(f"{asset},{available},{held}" for asset, available, held in balances)
    return PART.join((head, changed, *changes)).encode()


class AccountBook:
    """One account: what it has, what was said about it."""

    def __init__(self, client: AsyncRedis, name: str, epoch: str = EPOCH) -> None:
        """An account to which nothing has happened."""
        self._client: Any = client
        self.name = name
        self.epoch = epoch
        self.seq = self.balance_seq = 0
        self.balances: dict[str, tuple[int, int]] = {}
        self.orders = 0

    async def place(
        self, count: int = 1, *, heard: bool = True, unseen: bool = False, **terms: Any
    ) -> None:
        """New orders that rest: one report and one message each."""
        for _ in range(count):
            self.orders += 1
            text = terms_text(self.name, **terms)
            change = change_text("new", f"{self.name}-{self.orders}", text, state_text("new"))
            await self.happen([change], reports=1, heard=heard, unseen=unseen)

    async def place_at_once(self, count: int, *, heard: bool = True) -> None:
        """New orders that rest, all of one command: a report each, in one message."""
        first = self.orders + 1
        self.orders += count
        text, state = terms_text(self.name), state_text("new")
        await self.happen(
            [
                change_text("new", f"{self.name}-{number}", text, state)
                for number in range(first, first + count)
            ],
            reports=count,
            heard=heard,
        )

    async def fill(self, lots: Sequence[int], *, heard: bool = True) -> None:
        """A new order that takes and is filled: a report, and one for each fill."""
        self.orders += 1
        fills = [fill_text(self.seq + index, 50, part) for index, part in enumerate(lots)]
        total = sum(lots)
        change = change_text(
            "new",
            f"{self.name}-{self.orders}",
            terms_text(self.name, quantity=total),
            state_text("filled", total, 50 * total),
            fills,
        )
        await self.happen([change], reports=1 + len(fills), heard=heard)

    async def deposit(
        self, asset: str, units: int, *, heard: bool = True, unseen: bool = False
    ) -> None:
        """More of an asset: a change of balances without a report."""
        available, held = self.balances.get(asset, (0, 0))
        balances = {asset: (available + units, held)}
        await self.happen([], balances=balances, heard=heard, unseen=unseen)

    async def happen(
        self,
        changes: Sequence[str],
        *,
        reports: int = 0,
        balances: dict[str, tuple[int, int]] | None = None,
        heard: bool = True,
        unseen: bool = False,
    ) -> bytes:
        """One command's message: into the record and the log, and published if `heard`.

        An `unseen` one is not in the record either, until `show`.
        """
        self.seq += reports
        self.balance_seq += bool(balances)
        self.balances |= balances or {}
        payload = event_text(
            self.name,
            self.seq,
            self.balance_seq,
            balances=[(asset, *pair) for asset, pair in (balances or {}).items()],
            changes=changes,
            epoch=self.epoch,
        )
        pipeline = self._client.pipeline(transaction=True)
        if not unseen:
            pipeline.hset(keys.account(self.name), mapping=self.record())
        pipeline.xadd(
            keys.account_log(self.name), {"event": payload}, id=f"{self.seq}-{self.balance_seq}"
        )
        if heard and not unseen:
            pipeline.publish(keys.ACCOUNT_CHANNEL, payload)
        await pipeline.execute()
        return payload

    async def show(self) -> None:
        """Bring the record up to what is in the log."""
        await self._client.hset(keys.account(self.name), mapping=self.record())

    def record(self) -> dict[str, str]:
        """The fields of the account's hash."""
        fields = {"seq": str(self.seq), "balance_seq": str(self.balance_seq)}
        for asset, (available, held) in self.balances.items():
            fields[f"available:{asset}"] = str(available)
            fields[f"held:{asset}"] = str(held)
        return fields
