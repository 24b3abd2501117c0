"""REST of one account: its money, lists of orders and fills, cancel all, the dead-man timer."""

from fastapi import APIRouter, Request, Response

from order_gateway.account_examples import ACCOUNT_EXAMPLE
from order_gateway.documents import ACCOUNT, answered, queried, sent
from order_gateway.errors import CANCEL_ALL_ERRORS, LIST_ERRORS, OWN_ACCOUNT_ERRORS, TIMER_ERRORS
from order_gateway.examples import (
    CANCELED_ALL_EXAMPLE,
    FILLS_EXAMPLE,
    ORDERS_EXAMPLE,
    TIMER_EXAMPLE,
    TIMER_REQUEST_EXAMPLE,
)
from order_gateway.incoming import AccountRoute, answer, read_body, read_query
from order_gateway.params import (
    CancelAllAfterParams,
    CancelAllParams,
    FillsParams,
    HistoryParams,
)
from order_gateway.schemas import (
    AccountReply,
    CanceledReply,
    FillsReply,
    OrdersReply,
    TimerReply,
)
from tapewire.web.problem import problem_examples

router = APIRouter(route_class=AccountRoute, tags=["orders"])


@router.get(
    "/orders",
    summary="List orders",
    responses={
        200: answered("One page, newest first", OrdersReply, ORDERS_EXAMPLE),
        **problem_examples(*LIST_ERRORS),
    },
    openapi_extra={"parameters": [*queried(HistoryParams), ACCOUNT]},
)
async def list_orders(request: Request) -> Response:
    """Orders of the account: all kept orders, or the open ones with `status=open`.

    Pages are stable: orders that arrive meanwhile do not move them. With filters a page may have
    fewer orders than `limit`, even none. The list has ended when `next_cursor` is null. `from` and
    `to` (exclusive) compare with `timestamp`.
    """
    return await answer(request, "history", read_query)


@router.delete(
    "/orders",
    summary="Cancel all orders",
    responses={
        200: answered("The canceled orders", CanceledReply, CANCELED_ALL_EXAMPLE),
        **problem_examples(*CANCEL_ALL_ERRORS),
    },
    openapi_extra={"parameters": [*queried(CancelAllParams), ACCOUNT]},
)
async def cancel_orders(request: Request) -> Response:
    """Cancels every open order of the account, or those of one `symbol`.

    Orders in halted markets stay.
    """
    return await answer(request, "cancel_all", read_query)


@router.get(
    "/fills",
    summary="List fills",
    responses={
        200: answered("One page, newest first", FillsReply, FILLS_EXAMPLE),
        **problem_examples(*LIST_ERRORS, "invalid_order_id"),
    },
    openapi_extra={"parameters": [*queried(FillsParams), ACCOUNT]},
)
async def list_fills(request: Request) -> Response:
    """Fills of the account's orders; pages are stable as those of the orders."""
    return await answer(request, "fills", read_query)


@router.get(
    "/account",
    summary="Read your account",
    responses={
        200: answered("The account", AccountReply, ACCOUNT_EXAMPLE),
        **problem_examples(*OWN_ACCOUNT_ERRORS),
    },
    openapi_extra={"parameters": [ACCOUNT]},
)
async def read_own_account(request: Request) -> Response:
    """State, fees, balances and limits.

    Where accounts open by themselves, the first request opens one. `available` is free for new
    orders; `held` is reserved for open orders.
    """
    return await answer(request, "account", read_query)


@router.post(
    "/cancel-all-after",
    summary="Arm the dead-man timer",
    responses={
        200: answered("The time at which the timer fires", TimerReply, TIMER_EXAMPLE),
        **problem_examples(*TIMER_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(CancelAllAfterParams, timer=TIMER_REQUEST_EXAMPLE),
    },
)
async def cancel_all_after(request: Request) -> Response:
    """Cancels all orders of the account unless the account renews the timer in time; 0 disarms.

    Each call replaces the timer. The timer fires once and is then disarmed.
    """
    return await answer(request, "cancel_all_after", read_body)
