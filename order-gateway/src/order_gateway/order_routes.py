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
        201: answered("The order, with its first fills", OrderReply, FILLED_EXAMPLE),
        200: answered("The earlier order with this client_order_id", OrderReply, FILLED_EXAMPLE)
        | {"headers": {"Idempotent-Replay": {"schema": {"const": "true"}}}},
        **problem_examples(*PLACE_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(OrderRequest, **ORDER_EXAMPLES),
    },
)
async def place_order(request: Request) -> Response:
    """Matches the order against the book.

    The rest stays in the book if the time in force allows it, and expires otherwise. Safe to repeat
    with the same `client_order_id`. An accepted order that cannot be filled as wanted
    (fill-or-kill, a market order in an empty book) is no error: its status is `expired`, and
    `reason` tells why.
    """
    return await answer(request, "place", read_body)


@router.post(
    "/orders/batch",
    summary="Place, amend and cancel many orders",
    responses={
        200: answered("The result of each item, in order", BatchReply, BATCH_EXAMPLE),
        **problem_examples(*BATCH_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(BatchRequest, batch=BATCH_REQUEST_EXAMPLE),
    },
)
async def run_batch(request: Request) -> Response:
    """Executes the items in order, each on its own: a refused item stops no other.

    `status` and `body` of a result are those of the single request, `problem` is its refusal.
    """
    return await answer(request, "batch", read_body)


@router.post(
    "/orders/replace",
    summary="Cancel an order and place another",
    responses={
        200: answered(
            "The results of the cancel and of the new order", ReplaceReply, REPLACE_EXAMPLE
        ),
        **problem_examples(*REPLACE_ERRORS),
    },
    openapi_extra={
        "parameters": [ACCOUNT],
        "requestBody": sent(ReplaceRequest, replacement=REPLACE_REQUEST_EXAMPLE),
    },
)
async def replace_order(request: Request) -> Response:
    """Cancels an order and places another one in one atomic step.

    No other command comes between, and the money that the cancel releases pays for the new order. A
    refused new order does not bring the canceled order back. A wrong field refuses the whole
    request. Safe to repeat with the same `client_order_id` of the new order.
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
        200: answered("The changed order", OrderReply, AMENDED_EXAMPLE),
        **problem_examples(*AMEND_ERRORS),
    },
    openapi_extra={
        "parameters": [ORDER_ID, ACCOUNT],
        "requestBody": sent(AmendRequest, amendment=AMEND_EXAMPLE),
    },
)
async def amend_order(request: Request) -> Response:
    """Changes price, quantity or stop price of an open order; its id stays.

    A smaller quantity alone keeps the priority. Any other change moves the order behind the orders
    at its price, and the order may trade at once unless it is `post_only`.
    """
    return await answer(request, "amend", read_body, read_order_key(request))


@router.delete(
    "/orders/{order_id}",
    summary="Cancel an order",
    responses={
        200: answered("The canceled order", OrderReply, CANCELED_EXAMPLE),
        **problem_examples(*CANCEL_ERRORS),
    },
    openapi_extra={"parameters": [ORDER_ID, *CANCEL_NAME, ACCOUNT]},
)
async def cancel_order(request: Request) -> Response:
    """Cancels the remaining quantity of an open order."""
    return await answer(request, "cancel", read_query, read_order_key(request))
