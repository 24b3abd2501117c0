"""REST for administrators: accounts, their money and their limits, and the kill switch."""

from fastapi import APIRouter, Request, Response

from order_gateway.account_administration import AccountAdministration
from order_gateway.account_examples import (
    ACCOUNT_CHANGE_EXAMPLE,
    ACCOUNT_EXAMPLE,
    ACCOUNT_KILL_EXAMPLE,
    ACCOUNT_LIMITS_EXAMPLE,
    ACCOUNTS_EXAMPLE,
    RESUME_EXAMPLE,
    TRANSFER_EXAMPLE,
    TRANSFER_REQUEST_EXAMPLE,
    VENUE_KILL_EXAMPLE,
)
from order_gateway.admin_params import (
    AccountChange,
    AccountLimitsRequest,
    AccountsParams,
    TransferRequest,
)
from order_gateway.documents import ACCOUNT_NAME, SYMBOL, answered, queried, sent
from order_gateway.errors import (
    ACCOUNT_CHANGE_ERRORS,
    ACCOUNT_KILL_ERRORS,
    ACCOUNT_LIMITS_ERRORS,
    ACCOUNT_READ_ERRORS,
    ACCOUNTS_ERRORS,
    DEPOSIT_ERRORS,
    VENUE_KILL_ERRORS,
    WITHDRAW_ERRORS,
)
from order_gateway.incoming import read_body, read_query, respond
from order_gateway.schemas import (
    AccountKillReply,
    AccountReply,
    AccountsReply,
    ResumeReply,
    TransferReply,
    VenueKillReply,
)
from order_gateway.state import state_of
from tapewire.web.direct_route import DirectRoute
from tapewire.web.problem import problem_examples

router = APIRouter(prefix="/admin", route_class=DirectRoute, tags=["admin"])

_TRANSFER_SENT = sent(TransferRequest, transfer=TRANSFER_REQUEST_EXAMPLE)


@router.get(
    "/accounts",
    summary="List the accounts",
    responses={
        200: answered("One page, by name", AccountsReply, ACCOUNTS_EXAMPLE),
        **problem_examples(*ACCOUNTS_ERRORS),
    },
    openapi_extra={"parameters": queried(AccountsParams)},
)
async def list_accounts(request: Request) -> Response:
    """Every account with its balances and limits; fees are on `@fees`."""
    return respond(await _administration(request).list_accounts(await read_query(request)))


@router.get(
    "/accounts/{account}",
    summary="Read an account",
    responses={
        200: answered("The account", AccountReply, ACCOUNT_EXAMPLE),
        **problem_examples(*ACCOUNT_READ_ERRORS),
    },
    openapi_extra={"parameters": [ACCOUNT_NAME]},
)
async def read_account(request: Request) -> Response:
    """One account; the account `@fees` receives all fees."""
    return respond(await _administration(request).read_account(_account(request)))


@router.post(
    "/accounts/{account}/deposit",
    summary="Deposit to an account",
    responses={
        200: answered("What the account has available now", TransferReply, TRANSFER_EXAMPLE),
        **problem_examples(*DEPOSIT_ERRORS),
    },
    openapi_extra={"parameters": [ACCOUNT_NAME], "requestBody": _TRANSFER_SENT},
)
async def deposit(request: Request) -> Response:
    """Deposits an amount; a new account is opened by its first deposit.

    With a `reference` the request can be repeated safely: `Idempotent-Replay: true` marks a deposit
    that was done before.
    """
    body = await read_body(request)
    return respond(await _administration(request).deposit(_account(request), body))


@router.post(
    "/accounts/{account}/withdraw",
    summary="Withdraw from an account",
    responses={
        200: answered("What the account has available now", TransferReply, TRANSFER_EXAMPLE),
        **problem_examples(*WITHDRAW_ERRORS),
    },
    openapi_extra={"parameters": [ACCOUNT_NAME], "requestBody": _TRANSFER_SENT},
)
async def withdraw(request: Request) -> Response:
    """Withdraws an amount that is available; money that open orders hold stays."""
    body = await read_body(request)
    return respond(await _administration(request).withdraw(_account(request), body))


@router.patch(
    "/accounts/{account}",
    summary="Block an account, or set its fees",
    responses={
        200: answered("The changed account", AccountReply, ACCOUNT_EXAMPLE),
        **problem_examples(*ACCOUNT_CHANGE_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT_NAME],
        "requestBody": sent(AccountChange, account=ACCOUNT_CHANGE_EXAMPLE),
    },
)
async def change_account(request: Request) -> Response:
    """A field that is left out keeps its value; a fee of null stands for the fee of the instrument.
    New fees count for orders that are placed later."""
    body = await read_body(request)
    return respond(await _administration(request).change_account(_account(request), body))


@router.put(
    "/accounts/{account}/limits/{symbol}",
    summary="Limit an account in a symbol",
    responses={
        200: answered("The changed account", AccountReply, ACCOUNT_EXAMPLE),
        **problem_examples(*ACCOUNT_LIMITS_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT_NAME, SYMBOL],
        "requestBody": sent(AccountLimitsRequest, limits=ACCOUNT_LIMITS_EXAMPLE),
    },
)
async def change_limits(request: Request) -> Response:
    """A field that is left out keeps its value; null stands for the limit of the instrument, 0 for
    no limit. Open orders stay as they are."""
    body, symbol = await read_body(request), request.path_params["symbol"]
    return respond(await _administration(request).change_limits(_account(request), symbol, body))


@router.post(
    "/accounts/{account}/kill",
    summary="Block an account and cancel its orders",
    responses={
        200: answered("The canceled orders", AccountKillReply, ACCOUNT_KILL_EXAMPLE),
        **problem_examples(*ACCOUNT_KILL_ERRORS),
    },
    openapi_extra={"parameters": [ACCOUNT_NAME]},
)
async def kill_account(request: Request) -> Response:
    """The account is blocked first, so that no order arrives after the cancels.

    The request can be repeated safely. A halted market takes no cancels: its orders stay, and
    `halted` names the market.
    """
    return respond(await _administration(request).kill_account(_account(request)))


@router.post(
    "/kill",
    summary="Stop all trading",
    responses={
        200: answered(
            "The stopped markets and the canceled orders", VenueKillReply, VENUE_KILL_EXAMPLE
        ),
        **problem_examples(*VENUE_KILL_ERRORS),
    },
)
async def kill_venue(request: Request) -> Response:
    """Every market takes cancels only, then all orders are canceled.

    Halted markets stay halted, with their orders: `halted` names them. The request can be repeated
    safely.
    """
    return respond(await _administration(request).kill_venue())


@router.post(
    "/resume",
    summary="Trade again",
    responses={
        200: answered("The markets that trade again", ResumeReply, RESUME_EXAMPLE),
        **problem_examples(*VENUE_KILL_ERRORS),
    },
)
async def resume(request: Request) -> Response:
    """Every market that takes cancels only is switched to `trading`, also a market that was
    switched by hand. Halted markets stay halted. A market that was `post_only` has to be switched
    to it again."""
    return respond(await _administration(request).resume())


def _administration(request: Request) -> AccountAdministration:
    return state_of(request).account_administration


def _account(request: Request) -> str:
    name: str = request.path_params["account"]
    return name
