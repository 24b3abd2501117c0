"""REST: API keys."""

from fastapi import APIRouter, Request, Response

from order_gateway.admin_params import ApiKeyRequest, KeysParams
from order_gateway.documents import KEY_ID, answered, queried, sent
from order_gateway.errors import KEY_ERRORS, KEY_LIST_ERRORS, REVOKE_ERRORS
from order_gateway.examples import (
    API_KEY_EXAMPLE,
    API_KEY_REQUEST_EXAMPLE,
    API_KEYS_EXAMPLE,
    NEW_API_KEY_EXAMPLE,
)
from order_gateway.incoming import read_body, read_query, respond
from order_gateway.key_administration import KeyAdministration
from order_gateway.schemas import ApiKeyReply, ApiKeysReply, NewApiKeyReply
from order_gateway.state import state_of
from tapewire.web.direct_route import DirectRoute
from tapewire.web.problem import problem_examples

router = APIRouter(prefix="/admin/keys", route_class=DirectRoute, tags=["admin"])


@router.post(
    "",
    status_code=201,
    summary="Create an API key",
    responses={
        201: answered("The key, with its text", NewApiKeyReply, NEW_API_KEY_EXAMPLE),
        **problem_examples(*KEY_ERRORS),
    },
    openapi_extra={"requestBody": sent(ApiKeyRequest, key=API_KEY_REQUEST_EXAMPLE)},
)
async def create_key(request: Request) -> Response:
    """`key` is shown in this answer only: the venue keeps only its digest."""
    return respond(await _administration(request).create(await read_body(request)))


@router.get(
    "",
    summary="List the API keys",
    responses={
        200: answered("One page, by key id", ApiKeysReply, API_KEYS_EXAMPLE),
        **problem_examples(*KEY_LIST_ERRORS),
    },
    openapi_extra={"parameters": queried(KeysParams)},
)
async def list_keys(request: Request) -> Response:
    """Keys that were revoked or expired within the last 30 days are included."""
    return respond(await _administration(request).list(await read_query(request)))


@router.delete(
    "/{key_id}",
    summary="Revoke an API key",
    responses={
        200: answered("The revoked key", ApiKeyReply, API_KEY_EXAMPLE),
        **problem_examples(*REVOKE_ERRORS),
    },
    openapi_extra={"parameters": [KEY_ID]},
)
async def revoke_key(request: Request) -> Response:
    """Revokes a key for good, within two seconds, open connections included.

    Revoking a revoked key is no error.
    """
    return respond(await _administration(request).revoke(request.path_params["key_id"]))


def _administration(request: Request) -> KeyAdministration:
    return state_of(request).key_administration
