"""The operations of a contest: every method returns a Reply, and raises refusals."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from order_gateway.catalogue import Catalogue
from order_gateway.contest.auditing import VenueAudit
from order_gateway.contest.books import Books
from order_gateway.contest.fresh_start import FreshStart
from order_gateway.contest.notices import Notices, VenueEvents
from order_gateway.contest.params import (
    AliasRequest,
    BoardOptionsRequest,
    BoardParams,
    NoticeRequest,
    ResetRequest,
    RoundChange,
    RoundRequest,
)
from order_gateway.contest.records import BoardOptions
from order_gateway.contest.refusals import LeaderboardHidden, NoResults
from order_gateway.contest.rounds import Rounds, round_info
from order_gateway.contest.schemas import (
    AliasReply,
    BoardOptionsReply,
    CurrentRoundReply,
    LeaderboardReply,
    NoticesReply,
    ResetReply,
)
from order_gateway.contest.standings import Standings, encode, read_board, with_salt
from order_gateway.contest.store import LEADERBOARDS_PER_DELAY, ContestStore
from order_gateway.order_entry import read_moment, read_params
from order_gateway.replies import Reply
from tapewire.errors import InvalidField, Unavailable
from tapewire.matching.engine import Engine
from tapewire.matching.queries import Queries
from tapewire.runtime.log import Outage
from tapewire.values.account_names import ACCOUNT_RULE, account_named
from tapewire.values.modes import Auth
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Account

logger = logging.getLogger(__name__)

S_US = 1_000_000
BOARD_INTERVAL_S = 5.0
SALT_BYTES = 16


class Contest:
    """Notices, rounds, performance, leaderboard, reset."""

    def __init__(
        self,
        engine: Engine,
        queries: Queries,
        catalogue: Catalogue,
        audit: VenueAudit,
        auth: Auth,
    ) -> None:
        """In an open venue all traders see the leaderboard until its options are set."""
        self._queries = queries
        self._catalogue = catalogue
        self._store = ContestStore(engine.batcher)
        self.books = Books(engine.batcher, queries, catalogue, self._store)
        self._standings = Standings(self.books, queries, catalogue, self._store)
        events = VenueEvents(engine.batcher, queries, self._store)
        self._notices = Notices(queries, self._store, events)
        self.rounds = Rounds(engine, queries, self._store, self._standings, events)
        self._fresh_start = FreshStart(engine, queries, self._store)
        self._audit = audit
        self._default = BoardOptions(visibility="all" if auth == "open" else "admins")

    @property
    def tasks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """The background tasks, by name."""
        return {"accounts": self.books.run, "rounds": self.rounds.run, "leaderboards": self.run}

    async def send_notice(self, params: Mapping[str, Any]) -> Reply:
        """Send a notice to all traders: 201."""
        wanted = read_params(NoticeRequest, params)
        return Reply(201, await self._notices.send(wanted.text))

    async def list_notices(self) -> Reply:
        """The newest notices."""
        return _answer(NoticesReply(await self._notices.newest()))

    async def schedule_round(self, params: Mapping[str, Any]) -> Reply:
        """Announce or begin a round: 201."""
        wanted = read_params(RoundRequest, params)
        symbols = [(await self._catalogue.find(symbol)).symbol for symbol in wanted.symbols]
        starts_us = None
        if wanted.starts_at is not None:
            starts_us = read_moment(wanted.starts_at, "starts_at")
            if starts_us < await self._queries.time_us():
                raise InvalidField(
                    "starts_at", "out_of_range", "starts_at must be later than now, or left out."
                )
        if wanted.auction_s >= wanted.duration_s:
            raise InvalidField(
                "auction_s", "out_of_range", "auction_s must be less than duration_s."
            )
        made = await self.rounds.schedule(
            wanted.name,
            starts_us,
            wanted.duration_s * S_US,
            closed_state=wanted.closed_state,
            cancels_orders=wanted.cancel_orders,
            symbols=symbols,
            auction_us=wanted.auction_s * S_US,
        )
        return Reply(201, round_info(made))

    async def move_round(self, params: Mapping[str, Any]) -> Reply:
        """Change the end of the round."""
        wanted = read_params(RoundChange, params)
        ends_us = read_moment(wanted.ends_at, "ends_at")
        return _answer(round_info(await self.rounds.move_end(ends_us)))

    async def end_round(self) -> Reply:
        """End the round now."""
        return _answer(round_info(await self.rounds.end()))

    async def current_round(self) -> Reply:
        """The newest round."""
        known = await self._store.round()
        now = format_timestamp(await self._queries.time_us())
        return _answer(CurrentRoundReply(None if known is None else round_info(known), now))

    async def results(self, number: int, *, is_admin: bool) -> Reply:
        """The leaderboard of a round that ended."""
        options = await self._options()
        if options.visibility == "admins" and not is_admin:
            raise LeaderboardHidden("The organiser shows the leaderboard to administrators only.")
        board = await self.rounds.results(number)
        if board is None:
            raise NoResults(f"Round {number} has no results; those of ended rounds are kept.")
        return _answer(board)

    async def performance(self, account: Account, params: Mapping[str, Any]) -> Reply:
        """The performance of an account."""
        options = await self._chosen(params)
        return _answer(await self._standings.performance(account, options))

    async def leaderboard(self, params: Mapping[str, Any], *, is_admin: bool) -> Reply:
        """The leaderboard as this reader may see it."""
        options = await self._chosen(params)
        if is_admin or (options.visibility == "all" and options.delay_s == 0):
            return _answer(await self.rounds.current_board(options))
        if options.visibility == "admins":
            raise LeaderboardHidden("The organiser shows the leaderboard to administrators only.")
        now_us = await self._queries.time_us()
        kept = await self._store.board_before(now_us - options.delay_s * S_US)
        if kept is None:
            return _answer(_empty(format_timestamp(now_us), options))
        return _answer(read_board(kept))

    async def run(self) -> None:
        """Keep leaderboards for readers with a delay, until the task is cancelled."""
        outage = Outage(logger, "no leaderboard is kept until Redis answers again")
        while True:
            await asyncio.sleep(BOARD_INTERVAL_S)
            try:
                await self.keep_board()
                outage.end()
            except Unavailable as error:
                outage.note(error)

    async def keep_board(self) -> None:
        """Keep the present leaderboard if it is shown with a delay. Raises Unavailable."""
        options = await self._options()
        if options.visibility != "all" or not options.delay_s:
            return
        interval_s = max(BOARD_INTERVAL_S, options.delay_s / LEADERBOARDS_PER_DELAY)
        age_us = await self._queries.time_us() - await self._store.board_kept_us()
        # Another gateway may just have kept one.
        if age_us >= (interval_s - 1) * S_US:
            await self._store.keep_board(encode(await self.rounds.current_board(options)))

    async def board_options(self) -> Reply:
        """The options of the leaderboard."""
        return _answer(_shown(await self._options()))

    async def change_board_options(self, params: Mapping[str, Any]) -> Reply:
        """Change the options of the leaderboard; kept leaderboards are dropped."""
        written = read_params(BoardOptionsRequest, params).model_dump(exclude_none=True)
        options = with_salt(await self._options(), secrets.token_hex(SALT_BYTES))
        await self._check_asset(written.get("asset"))
        options = replace(options, **written)
        await self._store.write_options(options)
        await self._store.forget_boards()
        return _answer(_shown(options))

    async def set_alias(self, name: str, params: Mapping[str, Any]) -> Reply:
        """Give an account a name on the leaderboard."""
        wanted = read_params(AliasRequest, params)
        try:
            account = account_named(name)
        except ValueError:
            raise InvalidField("account", "invalid_account", f"account {ACCOUNT_RULE}.") from None
        await self._store.write_alias(account, wanted.alias)
        return _answer(AliasReply(account, wanted.alias))

    async def reset(self, params: Mapping[str, Any]) -> Reply:
        """Cancel all orders, then give every account the same balances."""
        wanted = read_params(ResetRequest, params)
        done = await self._fresh_start.run(wanted.balances)
        return _answer(ResetReply(done.accounts, done.canceled, done.halted))

    async def audit(self) -> Reply:
        """Check money, orders and books."""
        return _answer(await self._audit.run(await self._queries.time_us()))

    async def _chosen(self, params: Mapping[str, Any]) -> BoardOptions:
        """The organiser's options, overridden by the wishes of a reader."""
        written = read_params(BoardParams, params).model_dump(exclude_none=True)
        await self._check_asset(written.get("asset"))
        return replace(await self._options(), **written)

    async def _check_asset(self, asset: str | None) -> None:
        if asset is not None and asset not in await self._queries.assets():
            raise InvalidField("asset", "unknown_asset", f"No instrument has {asset[:40]}.")

    async def _options(self) -> BoardOptions:
        return await self._store.options() or self._default


def _answer(body: Struct) -> Reply:
    return Reply(200, body)


def _shown(options: BoardOptions) -> BoardOptionsReply:
    return BoardOptionsReply(
        options.visibility, options.delay_s, options.names, options.price, options.asset or None
    )


def _empty(timestamp: str, options: BoardOptions) -> LeaderboardReply:
    return LeaderboardReply("", options.price, None, 0, [], timestamp)
