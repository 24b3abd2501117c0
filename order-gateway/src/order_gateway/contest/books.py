"""Folds the logs of accounts: on demand, and all accounts in turns.

A fold and its cursor are one text. Two gateways that fold the same account write the same text, and
a gateway that dies meanwhile leaves the previous fold.
"""

import asyncio
import logging

from msgspec import DecodeError

from order_gateway.catalogue import Catalogue
from order_gateway.contest.performance import Fold, apply, decode, encode, position_of
from order_gateway.contest.store import ContestStore
from tapewire import keys
from tapewire.errors import MessageError, Unavailable
from tapewire.matching.batcher import Batcher
from tapewire.matching.queries import Queries
from tapewire.runtime.log import Outage
from tapewire.values.types import Account, Instrument, Symbol
from tapewire.wire.settlement import decode_settlement

logger = logging.getLogger(__name__)

INTERVAL_S = 5.0
PAGE_EVENTS = 200
ACCOUNTS_AT_ONCE = 50
# Accounts of one turn of the background task: 400 reads a second.
ACCOUNTS_PER_TURN = 2_000
# Up to this number of accounts, the leaderboard is folded to the present moment.
ACCOUNTS_FOLDED_AT_ONCE_MAX = 500
# Events that one question folds at most; the background task folds the others.
EVENTS_PER_QUESTION_MAX = 25_000


class Books:
    """The folds of accounts."""

    def __init__(
        self, batcher: Batcher, queries: Queries, catalogue: Catalogue, store: ContestStore
    ) -> None:
        self._batcher = batcher
        self._queries = queries
        self._catalogue = catalogue
        self._store = store

    async def run(self) -> None:
        """Fold accounts in turns until the task is cancelled, before their logs are trimmed."""
        outage = Outage(logger, "accounts are not folded until Redis answers again")
        first = 0
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                names = await self._names()
                first = first if first < len(names) else 0
                await self._fold(names[first : first + ACCOUNTS_PER_TURN])
                first += ACCOUNTS_PER_TURN
                outage.end()
            except Unavailable as error:
                outage.note(error)

    async def fold_all(self) -> dict[Account, Fold]:
        """The fold of every account except `@fees`, by name. Raises Unavailable."""
        return await self._fold(await self._names())

    async def newest(self) -> dict[Account, Fold]:
        """The folds of all accounts; in a large venue, as the background task last made them."""
        names = await self._names()
        if len(names) <= ACCOUNTS_FOLDED_AT_ONCE_MAX:
            return await self._fold(names)
        _, epoch = await self._known()
        kept = await self._store.read_many([keys.account_fold(name) for name in names])
        return {name: _read(text, epoch) for name, text in zip(names, kept, strict=True)}

    async def _names(self) -> list[Account]:
        return [name for name in await self._queries.accounts() if name != keys.FEE_ACCOUNT]

    async def _fold(self, names: list[Account]) -> dict[Account, Fold]:
        instruments, epoch = await self._known()
        folds: dict[Account, Fold] = {}
        for first in range(0, len(names), ACCOUNTS_AT_ONCE):
            some = names[first : first + ACCOUNTS_AT_ONCE]
            kept = await self._store.read_many([keys.account_fold(name) for name in some])
            made = await asyncio.gather(
                *(
                    self._follow(name, _read(text, epoch), instruments)
                    for name, text in zip(some, kept, strict=True)
                )
            )
            folds |= zip(some, made, strict=True)
        return folds

    async def fold(self, account: Account) -> Fold:
        """The fold of one account. Raises Unavailable."""
        instruments, epoch = await self._known()
        kept = await self._store.read(keys.account_fold(account))
        return await self._follow(account, _read(kept, epoch), instruments)

    async def _known(self) -> tuple[dict[Symbol, Instrument], str]:
        markets = await self._catalogue.read_all()
        epoch = await self._batcher.submit("GET", keys.EPOCH)
        listed = {market.instrument.symbol: market.instrument for market in markets}
        return {**self._catalogue.delisted, **listed}, "" if epoch is None else epoch.decode()

    async def _follow(
        self, account: Account, fold: Fold, instruments: dict[Symbol, Instrument]
    ) -> Fold:
        """Fold the events since the kept fold, and keep the result."""
        read = 0
        while read < EVENTS_PER_QUESTION_MAX:
            entries = await self._batcher.submit(
                "XRANGE", keys.account_log(account), f"({fold.cursor}", "+", "COUNT", PAGE_EVENTS
            )
            if entries:
                fold_page(account, fold, entries, instruments)
            read += len(entries)
            if len(entries) < PAGE_EVENTS:
                break
        if read:
            await self._store.write(keys.account_fold(account), encode(fold))
        return fold


def fold_page(
    account: Account,
    fold: Fold,
    entries: list[tuple[bytes, list[bytes]]],
    instruments: dict[Symbol, Instrument],
) -> None:
    """Take entries of a log into a fold: all at once, or one by one if an entry is unreadable."""
    try:
        apply(fold, decode_settlement(*(fields[1] for _, fields in entries)), instruments)
    except (MessageError, KeyError) as error:
        if len(entries) > 1:
            for entry in entries:
                fold_page(account, fold, [entry], instruments)
            return
        entry_id = entries[0][0]
        logger.error("event %s of %s cannot be folded: %s", entry_id, account, error)
        fold.is_complete, fold.cursor = False, entry_id.decode()


def _read(text: bytes | None, epoch: str) -> Fold:
    """The kept fold, or a new one if this epoch and format have none."""
    new = Fold(epoch)
    if text is None:
        return new
    try:
        fold = decode(text)
        position_of(fold.cursor)
    except (DecodeError, ValueError):
        return new
    return fold if (fold.epoch, fold.format) == (new.epoch, new.format) else new
