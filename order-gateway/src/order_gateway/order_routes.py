"""REST: place, read, amend and cancel orders, one by one or many at once."""

from fastapi import APIRouter, Request, Response

from order_gateway.documents import ACCOUNT, ORDER_ID, answered, queried, sent
from order_gateway.errors import (
    AMEND_ERRORS,
    BATCH_ERRORS,
    CANCEL_ERRORS,
    ORDER_KEY_ERRORS,
    PLACE_ERRORS,
    REPLACE_ERRORS,
)
from order_gateway.examples import (
    AMEND_EXAMPLE,
    AMENDED_EXAMPLE,
    BATCH_EXAMPLE,
    BATCH_REQUEST_EXAMPLE,
    CANCELED_EXAMPLE,
    FILLED_EXAMPLE,
    ORDER_EXAMPLES,
    REPLACE_EXAMPLE,
    REPLACE_REQUEST_EXAMPLE,
)
from order_gateway.incoming import AccountRoute, answer, read_body, read_order_key, read_query
from order_gateway.params import (
    AmendRequest,
    BatchRequest,
    CancelParams,
    OrderRequest,
    ReplaceRequest,
)
from order_gateway.schemas import BatchReply, ReplaceReply
from tapewire.web.problem import problem_examples
from tapewire.wire.orders import OrderReply

router = APIRouter(route_class=AccountRoute, tags=["orders"])

# The path names the order, so that only the name of the cancel is in the query.
CANCEL_NAME = [field for field in queried(CancelParams) if field["name"] == "cancel_id"]


@router.post(
    "/orders",
    status_code=201,
    summary="Place an order",
    responses={
        201: answered("The order, with what it traded at once", OrderReply, FILLED_EXAMPLE),
        200: answered("The order that has this client_order_id already", OrderReply, FILLED_EXAMPLE)
        | {"headers": {"Idempotent-Replay": {"schema": {"const": "true"}}}},
        **problem_examples(*PLACE_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(OrderRequest, **ORDER_EXAMPLES),
    },
)
async def place_order(request: Request) -> Response:
    """Match it against the book; what may rest then rests with what is left, all else ends.

    Safe to send again with the same `client_order_id`. An order that is taken in and cannot be done
    as wanted (a fill-or-kill that cannot fill, a market order without a market) is no error: it is
    `expired`, and `reason` says why.
    """
    return await answer(request, "place", read_body)


@router.post(
    "/orders/batch",
    summary="Place, amend and cancel many orders",
    responses={
        200: answered("What became of each item, in their order", BatchReply, BATCH_EXAMPLE),
        **problem_examples(*BATCH_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(BatchRequest, batch=BATCH_REQUEST_EXAMPLE),
    },
)
async def run_batch(request: Request) -> Response:
    """Done in the order of the items, each for itself: one that is refused stops no other.

    `status` and `body` of a result are those of the single request, `problem` its refusal.
    """
    return await answer(request, "batch", read_body)


@router.post(
    "/orders/replace",
    summary="Cancel an order and place another",
    responses={
        200: answered("What became of each of the two", ReplaceReply, REPLACE_EXAMPLE),
        **problem_examples(*REPLACE_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(ReplaceRequest, replacement=REPLACE_REQUEST_EXAMPLE),
    },
)
async def replace_order(request: Request) -> Response:
    """Both in one atomic step: no other command comes between, and what the cancel releases pays.

    A refused new order does not bring the canceled order back. A wrong field refuses the whole
    request. Safe to send again with the same `client_order_id` of the new order.
    """
    return await answer(request, "replace", read_body)


@router.get(
    "/orders/{order_id}",
    summary="Read an order",
    responses={
        200: answered("The order", OrderReply, FILLED_EXAMPLE),
        **problem_examples(*ORDER_KEY_ERRORS),
    },
    openapi_extra={"parameters": [ORDER_ID, ACCOUNT]},
)
async def read_order(request: Request) -> Response:
    """An open order, or one that closed within the last 24 hours."""
    return await answer(request, "order", path=read_order_key(request))


@router.patch(
    "/orders/{order_id}",
    summary="Amend an order",
    responses={
        200: answered("The order as it is now", OrderReply, AMENDED_EXAMPLE),
        **problem_examples(*AMEND_ERRORS),
    },
    openapi_extra={
        "parameters": [ORDER_ID, ACCOUNT],
        "requestBody": sent(AmendRequest, amendment=AMEND_EXAMPLE),
    },
)
async def amend_order(request: Request) -> Response:
    """Change the price, quantity or stop price of an open order; its id stays.

    A smaller quantity alone keeps its place in the queue. Anything else comes in anew, behind the
    orders at its price, and may trade at once if it is not `post_only`.
    """
    return await answer(request, "amend", read_body, read_order_key(request))


@router.delete(
    "/orders/{order_id}",
    summary="Cancel an order",
    responses={
        200: answered("The order, canceled", OrderReply, CANCELED_EXAMPLE),
        **problem_examples(*CANCEL_ERRORS),
    },
    openapi_extra={"parameters": [ORDER_ID, *CANCEL_NAME, ACCOUNT]},
)
async def cancel_order(request: Request) -> Response:
    """Take what is left of an open order out of the book."""
    return await answer(request, "cancel", read_query, read_order_key(request))
