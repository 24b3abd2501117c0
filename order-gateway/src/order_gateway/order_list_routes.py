"""REST: order lists, of whose two orders one cancels the other."""

from fastapi import APIRouter, Request, Response

from order_gateway.documents import ACCOUNT, LIST_ID, answered, queried, sent
from order_gateway.errors import CANCEL_ERRORS, LIST_ERRORS, ORDER_KEY_ERRORS, PLACE_ERRORS
from order_gateway.examples import LIST_REQUEST_EXAMPLE, OPEN_LISTS_EXAMPLE, ORDER_LIST_EXAMPLE
from order_gateway.incoming import AccountRoute, answer, read_body, read_list_key, read_query
from order_gateway.list_params import CancelListParams, OpenListsParams, OrderListRequest
from order_gateway.schemas import OrderListReply, OrderListsReply
from tapewire.web.problem import problem_examples

router = APIRouter(route_class=AccountRoute, tags=["orders"])

CANCEL_NAME = [field for field in queried(CancelListParams) if field["name"] == "cancel_id"]


@router.post(
    "/order-lists",
    status_code=201,
    summary="Place an order list",
    responses={
        201: answered("The list", OrderListReply, ORDER_LIST_EXAMPLE),
        200: answered("The list that was placed before", OrderListReply, ORDER_LIST_EXAMPLE)
        | {"headers": {"Idempotent-Replay": {"schema": {"const": "true"}}}},
        **problem_examples(*PLACE_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(OrderListRequest, list=LIST_REQUEST_EXAMPLE),
    },
)
async def place_list(request: Request) -> Response:
    """Two orders of one side, of which one cancels the other (OCO): both are placed, or neither.

    `profit` rests at the better price as a post-only limit order, or waits as a take-profit. `stop`
    waits for the worse price. As soon as one of them trades, fires or ends, the other one expires
    in the same step. Money is held once.
    """
    return await answer(request, "place_list", read_body)


@router.get(
    "/order-lists",
    summary="List open order lists",
    responses={
        200: answered("One page, newest first", OrderListsReply, OPEN_LISTS_EXAMPLE),
        **problem_examples(*LIST_ERRORS),
    },
    openapi_extra={"parameters": [*queried(OpenListsParams), ACCOUNT]},
)
async def list_order_lists(request: Request) -> Response:
    """Lists of which both orders are open."""
    return await answer(request, "open_lists", read_query)


@router.get(
    "/order-lists/{list_id}",
    summary="Read an order list",
    responses={
        200: answered("The list", OrderListReply, ORDER_LIST_EXAMPLE),
        **problem_examples(*ORDER_KEY_ERRORS),
    },
    openapi_extra={"parameters": [LIST_ID, ACCOUNT]},
)
async def read_list(request: Request) -> Response:
    """A list whose orders are open, or closed within the last 24 hours."""
    return await answer(request, "order_list", path=read_list_key(request))


@router.delete(
    "/order-lists/{list_id}",
    summary="Cancel an order list",
    responses={
        200: answered("The list, canceled", OrderListReply, ORDER_LIST_EXAMPLE),
        **problem_examples(*CANCEL_ERRORS),
    },
    openapi_extra={"parameters": [LIST_ID, *CANCEL_NAME, ACCOUNT]},
)
async def cancel_list(request: Request) -> Response:
    """Cancel the open orders of a list."""
    return await answer(request, "cancel_list", read_query, read_list_key(request))
