"""Rounds with a clock: markets open at the start, close at the end, and the result is kept.

A round may begin with an auction: its markets collect orders, and trade when it is over.

The round is one text in Redis. A gateway that changes the round holds the lock of the contest.
Every step can be repeated, so that another gateway continues after a crash.
"""

import asyncio
import logging
from contextlib import suppress

from msgspec.structs import replace

from order_gateway.contest.notices import VenueEvents
from order_gateway.contest.records import (
    BoardOptions,
    ClosedState,
    Round,
    encode,
    read_start,
)
from order_gateway.contest.schemas import LeaderboardReply
from order_gateway.contest.standings import Standings, read_board
from order_gateway.contest.store import ContestStore
from tapewire import keys
from tapewire.errors import Conflict, Unavailable, UnknownSymbol
from tapewire.matching.engine import Engine
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.queries import Queries
from tapewire.runtime.log import Outage
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import MarketState, Symbol
from tapewire.wire.venue_event import RoundInfo

logger = logging.getLogger(__name__)

INTERVAL_S = 0.25


class Rounds:
    """Schedules, opens, prolongs and ends rounds. Raises Conflict and Unavailable."""

    def __init__(
        self,
        engine: Engine,
        queries: Queries,
        store: ContestStore,
        standings: Standings,
        events: VenueEvents,
    ) -> None:
        self._engine = engine
        self._queries = queries
        self._store = store
        self._standings = standings
        self._events = events
        self._kill_switch = KillSwitch(engine, queries)

    async def run(self) -> None:
        """Open and close rounds by the venue's clock, until the task is cancelled."""
        outage = Outage(logger, "no round opens or closes until Redis answers again")
        while True:
            try:
                await self.advance()
                outage.end()
            except Conflict:
                logger.info("another gateway changes the round")
            except Unavailable as error:
                outage.note(error)
            await asyncio.sleep(INTERVAL_S)

    async def advance(self) -> None:
        """Open or close the round if it is due."""
        if self._due(await self._store.round(), await self._queries.time_us()) is None:
            return
        async with self._store.locked():
            known, now_us = await self._store.round(), await self._queries.time_us()
            due = self._due(known, now_us)
            if known is not None and due == "running":
                await self._open(known)
            elif known is not None and due == "trading":
                await self._uncross(known)
            elif known is not None and due == "ended":
                await self._close(known)

    async def schedule(
        self,
        name: str,
        starts_us: int | None,
        duration_us: int,
        *,
        closed_state: ClosedState,
        cancels_orders: bool,
        symbols: list[Symbol],
        auction_us: int = 0,
    ) -> Round:
        """Announce a round; its markets close until it begins.

        The first `auction_us` of its duration are an auction.
        """
        async with self._store.locked():
            known, now_us = await self._store.round(), await self._queries.time_us()
            if known is not None and known.state == "running":
                raise Conflict("round_running", "A round is running; end it first.")
            begins_us = now_us if starts_us is None else starts_us
            wanted = Round(
                number=1 if known is None else known.number + 1,
                name=name,
                state="scheduled",
                starts_us=begins_us,
                ends_us=begins_us + duration_us,
                closed_state=closed_state,
                cancels_orders=cancels_orders,
                symbols=list(symbols),
                auction_us=auction_us,
                is_trading=auction_us == 0,
            )
            if begins_us > now_us:
                await self._switch(wanted, MarketState(closed_state))
            await self._write(wanted)
            if begins_us <= now_us:
                wanted = await self._open(wanted)
            return wanted

    async def move_end(self, ends_us: int) -> Round:
        """Change the end of the scheduled or running round."""
        async with self._store.locked():
            known = await self._store.round()
            if known is None or known.state == "ended":
                raise Conflict("no_round", "No round is scheduled or running.")
            moved = replace(known, ends_us=max(ends_us, known.starts_us))
            await self._write(moved)
            return moved

    async def end(self) -> Round:
        """End the running round; drop a scheduled one."""
        async with self._store.locked():
            known = await self._store.round()
            if known is None or known.state == "ended":
                raise Conflict("no_round", "No round is scheduled or running.")
            now_us = await self._queries.time_us()
            if known.state == "scheduled":
                dropped = replace(known, state="ended", ends_us=now_us)
                await self._write(dropped)
                return dropped
            return await self._close(replace(known, ends_us=now_us))

    async def results(self, number: int) -> LeaderboardReply | None:
        """The leaderboard of an ended round; None if there is none."""
        text = await self._store.read(keys.round_results(number))
        return None if text is None else read_board(text)

    async def current_board(self, options: BoardOptions) -> LeaderboardReply:
        """The present leaderboard, since the start of a running round."""
        known = await self._store.round()
        if known is None or known.state != "running":
            return await self._standings.board(options)
        text = await self._store.read(keys.round_start(known.number))
        start = None if text is None else read_start(text)
        return await self._standings.board(options, round_number=known.number, start=start)

    @staticmethod
    def _due(known: Round | None, now_us: int) -> str | None:
        if known is None or known.state == "ended":
            return None
        if known.state == "scheduled":
            return "running" if now_us >= known.starts_us else None
        if now_us >= known.ends_us:
            return "ended"
        is_over = now_us >= known.starts_us + known.auction_us
        return "trading" if is_over and not known.is_trading else None

    async def _open(self, known: Round) -> Round:
        options = await self._store.options() or BoardOptions()
        start = await self._standings.start_of(await self._standings.market(options))
        await self._store.write(keys.round_start(known.number), encode(start))
        state = MarketState.TRADING if known.is_trading else MarketState.AUCTION
        await self._switch(known, state)
        opened = replace(known, state="running")
        await self._write(opened)
        logger.info("round %d is open", known.number)
        return opened

    async def _uncross(self, known: Round) -> None:
        """End the auction of a round: its markets uncross at one price, then trade continuously."""
        await self._switch(known, MarketState.TRADING, only=MarketState.AUCTION)
        await self._write(replace(known, is_trading=True))
        logger.info("the auction of round %d is over", known.number)

    async def _close(self, known: Round) -> Round:
        if known.cancels_orders:
            # A halted market takes no cancels, so the market is halted last.
            await self._switch(known, MarketState.CANCEL_ONLY)
            await self._cancel_orders(known)
        await self._switch(known, MarketState(known.closed_state))
        options = await self._store.options() or BoardOptions()
        text = await self._store.read(keys.round_start(known.number))
        board = await self._standings.board(
            options,
            round_number=known.number,
            start=None if text is None else read_start(text),
            final=True,
        )
        await self._store.write(keys.round_results(known.number), encode(board))
        closed = replace(known, state="ended")
        await self._write(closed)
        logger.info("round %d is over", known.number)
        return closed

    async def _switch(
        self, known: Round, state: MarketState, only: MarketState | None = None
    ) -> None:
        """Switch the markets of the round that are in another state, or in the state `only`."""
        for symbol, (_, present) in (await self._queries.instruments()).items():
            is_meant = present is not state if only is None else present is only
            if is_meant and (not known.symbols or symbol in known.symbols):
                with suppress(UnknownSymbol):  # the instrument was delisted meanwhile
                    await self._engine.control_market(symbol, state=state)

    async def _cancel_orders(self, known: Round) -> None:
        """Cancel the orders in the markets of the round; a delisted instrument has none."""
        if not known.symbols:
            await self._kill_switch.cancel_everything()
        for symbol in known.symbols:
            with suppress(UnknownSymbol):
                await self._kill_switch.cancel_everything([symbol])

    async def _write(self, wanted: Round) -> None:
        await self._store.write_round(wanted)
        await self._events.tell("round", round_info(wanted))


def round_info(known: Round) -> RoundInfo:
    """A round as clients see it."""
    return RoundInfo(
        number=known.number,
        name=known.name,
        state=known.state,
        starts_at=format_timestamp(known.starts_us),
        ends_at=format_timestamp(known.ends_us),
        closed_state=known.closed_state,
        cancel_orders=known.cancels_orders,
        symbols=[Symbol(symbol) for symbol in known.symbols],
        auction_ends_at=format_timestamp(known.starts_us + known.auction_us)
        if known.auction_us
        else None,
    )
