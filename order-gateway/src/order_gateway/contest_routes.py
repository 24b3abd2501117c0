"""REST: notices, rounds, performance, the leaderboard, a fresh start, the audit."""

from typing import Any

from fastapi import APIRouter, Request, Response

from order_gateway.contest import examples, refusals
from order_gateway.contest.contest import Contest
from order_gateway.contest.params import (
    AliasRequest,
    BoardOptionsRequest,
    BoardParams,
    NoticeRequest,
    ResetRequest,
    RoundChange,
    RoundRequest,
)
from order_gateway.contest.schemas import (
    AliasReply,
    AuditReply,
    BoardOptionsReply,
    CurrentRoundReply,
    LeaderboardReply,
    NoticesReply,
    PerformanceReply,
    ResetReply,
)
from order_gateway.documents import ACCOUNT, ACCOUNT_NAME, answered, queried, sent
from order_gateway.guard import read_account
from order_gateway.incoming import VenueRoute, answer_trader, read_body, read_query, respond
from order_gateway.state import state_of
from tapewire.errors import InvalidField
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.web.problem import problem_examples
from tapewire.wire.venue_event import Notice, RoundInfo

router = APIRouter(route_class=VenueRoute, tags=["contest"])

_ROUND_NUMBER: dict[str, Any] = {
    "name": "number", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1},
    "example": 2,
}  # fmt: skip
_BOARD: dict[int | str, dict[str, Any]] = {
    200: answered("The leaderboard", LeaderboardReply, examples.LEADERBOARD_EXAMPLE)
}
_ROUND = answered("The round", RoundInfo, examples.ROUND_EXAMPLE)


@router.get(
    "/notices",
    summary="List the notices",
    responses={
        200: answered("Newest first", NoticesReply, {"notices": [examples.NOTICE_EXAMPLE]}),
        **problem_examples(*refusals.READ_ERRORS),
    },
)
async def list_notices(request: Request) -> Response:
    """The newest 20 notices. The feed sends each notice at once, in a message `venue`."""
    return await answer_trader(request, _contest(request).list_notices)


@router.post(
    "/admin/notices",
    status_code=201,
    summary="Send a notice to all traders",
    responses={
        201: answered("The notice", Notice, examples.NOTICE_EXAMPLE),
        **problem_examples(*refusals.NOTICE_ERRORS),
    },
    openapi_extra={"requestBody": sent(NoticeRequest, notice=examples.NOTICE_REQUEST_EXAMPLE)},
)
async def send_notice(request: Request) -> Response:
    """Sends one line of text to every client of the feed."""
    return respond(await _contest(request).send_notice(await read_body(request)))


@router.get(
    "/round",
    summary="Read the newest round",
    responses={
        200: answered("The round", CurrentRoundReply, examples.CURRENT_ROUND_EXAMPLE),
        **problem_examples(*refusals.READ_ERRORS),
    },
)
async def read_round(request: Request) -> Response:
    """Null before the first round. The feed announces each change, in a message `venue`."""
    return await answer_trader(request, _contest(request).current_round)


@router.post(
    "/admin/round",
    status_code=201,
    summary="Announce or begin a round",
    responses={
        201: answered("The round", RoundInfo, examples.ROUND_EXAMPLE),
        **problem_examples(*refusals.SCHEDULE_ERRORS),
    },
    openapi_extra={"requestBody": sent(RoundRequest, round=examples.ROUND_REQUEST_EXAMPLE)},
)
async def schedule_round(request: Request) -> Response:
    """The markets open at `starts_at` and close `duration_s` later, by the venue's clock.

    With `auction_s` the first seconds are an auction. Before and after the round the markets are in
    the state `closed_state`. The leaderboard counts from the
    start. A scheduled round is replaced by a new one.
    """
    return respond(await _contest(request).schedule_round(await read_body(request)))


@router.patch(
    "/admin/round",
    summary="Change the end of the round",
    responses={200: _ROUND, **problem_examples(*refusals.ROUND_CHANGE_ERRORS)},
    openapi_extra={"requestBody": sent(RoundChange, end=examples.ROUND_CHANGE_EXAMPLE)},
)
async def move_round(request: Request) -> Response:
    """Changes the end of the scheduled or running round; a time in the past ends it at once."""
    return respond(await _contest(request).move_round(await read_body(request)))


@router.post(
    "/admin/round/end",
    summary="End the round now",
    responses={200: _ROUND, **problem_examples(*refusals.ROUND_END_ERRORS)},
)
async def end_round(request: Request) -> Response:
    """Closes the markets and keeps the results; a scheduled round is dropped."""
    return respond(await _contest(request).end_round())


@router.get(
    "/rounds/{number}/results",
    summary="Read the results of a round",
    responses={**_BOARD, **problem_examples(*refusals.RESULTS_ERRORS)},
    openapi_extra={"parameters": [_ROUND_NUMBER]},
)
async def read_results(request: Request) -> Response:
    """The leaderboard at the end of a round, with the names and prices of that time."""
    contest = _contest(request)
    return await answer_trader(request, lambda: contest.results(_number(request), is_admin=False))


@router.get(
    "/admin/rounds/{number}/results",
    summary="Read the results of a round as an administrator",
    responses={**_BOARD, **problem_examples(*refusals.RESULTS_ERRORS)},
    openapi_extra={"parameters": [_ROUND_NUMBER]},
)
async def read_all_results(request: Request) -> Response:
    """The leaderboard at the end of a round, also where traders may not see it."""
    return respond(await _contest(request).results(_number(request), is_admin=True))


@router.get(
    "/account/performance",
    summary="Read the performance of your account",
    responses={
        200: answered("The figures", PerformanceReply, examples.PERFORMANCE_EXAMPLE),
        **problem_examples(*refusals.PERFORMANCE_ERRORS),
    },
    openapi_extra={"parameters": [*queried(BoardParams), ACCOUNT]},
)
async def read_performance(request: Request) -> Response:
    """Equity against deposits at present prices; realised gains, fees, volume, also by market.

    Exact: amounts are added unrounded, and each figure is rounded down once.
    """
    contest, account = _contest(request), read_account(request)
    query = await read_query(request)
    return await answer_trader(request, lambda: contest.performance(account, query), account)


@router.get(
    "/leaderboard",
    summary="Read the leaderboard",
    responses={**_BOARD, **problem_examples(*refusals.BOARD_ERRORS)},
    openapi_extra={"parameters": queried(BoardParams)},
)
async def read_leaderboard(request: Request) -> Response:
    """Accounts by performance; during a round, since its start.

    The delay and the names follow the organiser's options.
    """
    contest, query = _contest(request), await read_query(request)
    return await answer_trader(request, lambda: contest.leaderboard(query, is_admin=False))


@router.get(
    "/admin/leaderboard",
    summary="Read the present leaderboard",
    responses={**_BOARD, **problem_examples(*refusals.BOARD_ERRORS)},
    openapi_extra={"parameters": queried(BoardParams)},
)
async def read_whole_leaderboard(request: Request) -> Response:
    """The leaderboard without delay, with any options."""
    contest, query = _contest(request), await read_query(request)
    return respond(await contest.leaderboard(query, is_admin=True))


@router.get(
    "/admin/leaderboard/options",
    summary="Read the options of the leaderboard",
    responses={
        200: answered("The options", BoardOptionsReply, examples.BOARD_OPTIONS_EXAMPLE),
        **problem_examples(*refusals.READ_ERRORS),
    },
)
async def read_board_options(request: Request) -> Response:
    """By default all traders of an open venue read it, and administrators of one with keys."""
    return respond(await _contest(request).board_options())


@router.put(
    "/admin/leaderboard/options",
    summary="Change the options of the leaderboard",
    responses={
        200: answered("The options", BoardOptionsReply, examples.BOARD_OPTIONS_EXAMPLE),
        **problem_examples(*refusals.OPTIONS_ERRORS),
    },
    openapi_extra={
        "requestBody": sent(BoardOptionsRequest, options=examples.BOARD_OPTIONS_EXAMPLE)
    },
)
async def change_board_options(request: Request) -> Response:
    """A field that is left out keeps its value.

    A changed delay begins without a kept leaderboard.
    """
    return respond(await _contest(request).change_board_options(await read_body(request)))


@router.put(
    "/admin/accounts/{account}/alias",
    summary="Name an account on the leaderboard",
    responses={
        200: answered("The alias", AliasReply, examples.ALIAS_EXAMPLE),
        **problem_examples(*refusals.ALIAS_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT_NAME],
        "requestBody": sent(AliasRequest, alias=examples.ALIAS_REQUEST_EXAMPLE),
    },
)
async def set_alias(request: Request) -> Response:
    """The alias is shown if the leaderboard has aliases; an account without an alias gets one."""
    contest, name = _contest(request), request.path_params["account"]
    return respond(await contest.set_alias(name, await read_body(request)))


@router.post(
    "/admin/reset",
    summary="Reset every account",
    responses={
        200: answered("The result", ResetReply, examples.RESET_EXAMPLE),
        **problem_examples(*refusals.RESET_ERRORS),
    },
    openapi_extra={"requestBody": sent(ResetRequest, reset=examples.RESET_REQUEST_EXAMPLE)},
)
async def reset(request: Request) -> Response:
    """Every market takes cancels only, every order is canceled, and every account has exactly the
    balances of the body. The request can be repeated. History and keys stay."""
    return respond(await _contest(request).reset(await read_body(request)))


@router.post(
    "/admin/audit",
    summary="Audit the venue",
    responses={
        200: answered("The result", AuditReply, examples.AUDIT_EXAMPLE),
        **problem_examples(*refusals.AUDIT_ERRORS),
    },
)
async def audit(request: Request) -> Response:
    """Checks supply, holds, orders, books and logs, while the venue trades."""
    return respond(await _contest(request).audit())


def _contest(request: Request) -> Contest:
    return state_of(request).contest


def _number(request: Request) -> int:
    text: str = request.path_params["number"]
    if text.isascii() and text.isdigit() and 1 <= int(text[:17]) <= EXACT_INTEGER_MAX:
        return int(text)
    raise InvalidField("number", "invalid_value", "number must be the number of a round.")
