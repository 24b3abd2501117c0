"""ASGI middleware that refuses foreign origins and host names and answers CORS requests."""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tapewire.binance.answers import is_surface, unauthorized
from tapewire.errors import Refusal
from tapewire.values.origins import Admission
from tapewire.web.direct_route import json_response
from tapewire.web.problem import refusal_response

PREFLIGHT_KEPT_S: Final = 600
ALLOWED_METHODS: Final = "GET, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS: Final = "Authorization, Content-Type, Last-Event-ID, X-Account"
EXPOSED_HEADERS: Final = (
    "Idempotent-Replay, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    "WWW-Authenticate"
)
# Cached valid host names; the bound keeps clients from growing the cache.
NAMES_REMEMBERED_MAX: Final = 256


class OriginGuard:
    """ASGI middleware: refuses foreign origins and hosts, answers browsers (CORS)."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._known: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        hosts, origins = [], []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value.decode("latin-1"))
            elif name == b"origin":
                origins.append(value.decode("latin-1"))
        refusal = self._judge_host(hosts, scope["http_version"])
        if refusal is None and origins:
            host = hosts[0] if len(hosts) == 1 else ""
            if len(origins) == 1 and self._admission.lists(origins[0], host):
                await self._answer_listed(origins[0], scope, receive, send)
                return
            refusal = self._judge_origin(origins, hosts, scope["scheme"])
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _answer(refusal, scope["path"])(scope, receive, send)

    def _judge_host(self, hosts: list[str], http_version: str) -> Refusal | None:
        if len(hosts) == 1:
            host = hosts[0]
            if not self._admission.names_checked or host in self._known:
                return None
            if self._admission.knows(host):
                if len(self._known) < NAMES_REMEMBERED_MAX:
                    self._known.add(host)
                return None
        elif not hosts and (http_version == "1.0" or not self._admission.names_checked):
            return None
        return _refusal(
            "host_not_allowed",
            "The Host of the request is not a name of this service; "
            "TAPEWIRE_ALLOWED_HOSTS lists those beside addresses and localhost.",
        )

    def _judge_origin(self, origins: list[str], hosts: list[str], scheme: str) -> Refusal | None:
        secure = scheme in {"https", "wss"}
        if (
            len(origins) == len(hosts) == 1
            and self._admission.is_own(origins[0], hosts[0], secure=secure)
        ):  # fmt: skip
            return None
        return _refusal(
            "origin_not_allowed",
            "A page of this origin may not ask here; TAPEWIRE_ALLOWED_ORIGINS lists those that "
            "may.",
        )

    async def _answer_listed(self, origin: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        names = {name for name, _ in scope["headers"]}
        shared = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in names:
            headers = shared | {
                "Access-Control-Allow-Methods": ALLOWED_METHODS,
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": str(PREFLIGHT_KEPT_S),
            }
            await Response(status_code=204, headers=headers)(scope, receive, send)
            return
        shared["Access-Control-Expose-Headers"] = EXPOSED_HEADERS

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(shared)
            await send(message)

        await self._app(scope, receive, send_shared)


def _refusal(code: str, detail: str) -> Refusal:
    refusal = Refusal(detail)
    refusal.code = code
    return refusal


def _answer(refusal: Refusal, path: str) -> Response:
    """The answer in the form of the interface that the path belongs to."""
    if is_surface(path):
        return json_response(unauthorized(str(refusal)), HTTPStatus.FORBIDDEN)
    return refusal_response(refusal)
