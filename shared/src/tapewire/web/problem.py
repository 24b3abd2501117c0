"""Error answers as RFC 9457 problem+json, the same in every service.

`ProblemApp` is a FastAPI application that answers every error with a problem document, framework
errors included (unknown path, wrong method, bug), and describes them in its OpenAPI document.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from msgspec import Meta, Struct, to_builtins
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tapewire.error_codes import ERROR_CODES
from tapewire.errors import Refusal, Unavailable
from tapewire.web.connections import Connections
from tapewire.web.direct_route import json_response
from tapewire.web.docs_page import OPENAPI_PATH, add_docs_page
from tapewire.web.machine_document import document_router
from tapewire.web.schemas import SchemaReference, referenced_models, schema_components

PROBLEM_MEDIA_TYPE = "application/problem+json"

_FRAMEWORK_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


class Problem(Struct, frozen=True, gc=False, omit_defaults=True):
    """Why a request failed. `code` is stable; `detail` is a sentence for people."""

    type: Annotated[str, Meta(description="`urn:tapewire:problem:` and the code")]
    title: Annotated[str, Meta(description="The meaning of the code, the same in every answer")]
    status: Annotated[int, Meta(description="The HTTP status")]
    code: Annotated[str, Meta(description="Stable name of the problem")]
    detail: Annotated[str, Meta(description="The fault of this request, beginning with the field")]
    field: Annotated[
        str | None, Meta(description="The field, header or path parameter at fault")
    ] = None


def problem_of(
    code: str, detail: str, field: str | None = None, *, status: int | None = None
) -> Problem:
    """The problem of a code; `status` replaces that of the table (framework errors only).

    Raises KeyError for a code that is not in the table.
    """
    meaning = ERROR_CODES[code]
    return Problem(
        f"urn:tapewire:problem:{code}", meaning.title, status or meaning.status, code, detail, field
    )


def problem_response(
    code: str,
    detail: str,
    *,
    field: str | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error answer; arguments as for `problem_of`."""
    problem = problem_of(code, detail, field, status=status)
    return json_response(problem, problem.status, headers, PROBLEM_MEDIA_TYPE)


def problem_examples(*codes: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` that document these codes, one entry per status."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        meaning = ERROR_CODES[code]
        response = responses.setdefault(
            meaning.status,
            {
                "description": "",
                "content": {
                    PROBLEM_MEDIA_TYPE: {"schema": SchemaReference(Problem), "examples": {}}
                },
            },
        )
        response["description"] += f"{'; ' if response['description'] else ''}`{code}`"
        response["content"][PROBLEM_MEDIA_TYPE]["examples"][code] = {
            "value": to_builtins(problem_of(code, f"{meaning.title}."))
        }
        if meaning.status in {429, 503}:
            response["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait"}
            }
    return responses


class ProblemApp(FastAPI):
    """A FastAPI application that answers every error with a problem."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (those of FastAPI)
        self._documented_routes: list[tuple[str, APIRoute]] = []
        self.connections = Connections()
        # Answered problems by code.
        self.problems: Counter[str] = Counter()
        super().__init__(
            redirect_slashes=False,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            generate_unique_id_function=_operation_id,
            **options,
        )
        self.include_router(document_router(OPENAPI_PATH, lambda *_: self.openapi()))
        add_docs_page(self)
        self.router.default = _answer_unknown_path
        handlers: dict[type[Exception], Any] = {
            Refusal: _answer_refusal,
            Unavailable: _answer_unavailable,
            RequestValidationError: _answer_validation,
            HTTPException: _answer_framework,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_bug,
        }
        for kind, handler in handlers.items():
            self.add_exception_handler(kind, handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer HEAD as GET is answered, without the body."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            await _answer_head(super().__call__, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def include_router(self, router: APIRouter, **options: Any) -> None:  # noqa: ANN401
        """Include a router as FastAPI does, and record its routes for `allowed_methods`."""
        prefix = options.get("prefix", "")
        for route in router.routes:
            if isinstance(route, APIRoute):
                self._documented_routes.append((f"{prefix}{route.path}", route))
        super().include_router(router, **options)

    def allowed_methods(self, path: str) -> str:
        """The methods of `path`, for an Allow header; the framework names only a part.

        A literal path has precedence over templates that match it.
        """
        fitting = [
            (template, route.methods or set())
            for template, route in self._documented_routes
            if compile_path(template)[0].match(path)
        ]
        exact = [found for found in fitting if found[0] == path]
        methods = set().union(*(methods for _, methods in exact or fitting))
        return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, with every schema that a SchemaReference of a route names."""
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        models: list[type] = [Problem]
        for path, route in self._documented_routes:
            models += referenced_models([route.responses, route.openapi_extra])
            for method in (route.methods or ()) if route.include_in_schema else ():
                operation = document["paths"][path][method.lower()]
                for status, written in route.responses.items():
                    _restore_examples(operation["responses"][str(status)], written)
                body = (route.openapi_extra or {}).get("requestBody")
                if body is not None:
                    _restore_examples(operation["requestBody"], body)
        schemas |= schema_components(models)
        return document


def _restore_examples(answer: dict[str, Any], written: dict[str, Any]) -> None:
    """Restore nulls in examples, which FastAPI removes from the whole document."""
    for media_type, content in written.get("content", {}).items():
        for name in {"example", "examples"} & content.keys():
            answer["content"][media_type][name] = content[name]


def _operation_id(route: APIRoute) -> str:
    """The name of the endpoint: clients made from the document keep their names if a path moves."""
    return route.name


async def _answer_head(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run `app` for GET, and end the answer behind its head.

    The server sends no body for HEAD. An application that streams is told that the client left.
    """
    ended = asyncio.Event()

    async def receive_until_ended() -> Message:
        if ended.is_set():
            return {"type": "http.disconnect"}
        return await receive()

    async def send_head(message: Message) -> None:
        if ended.is_set():
            return
        await send(message)
        if message["type"] == "http.response.start":
            ended.set()
            await send({"type": "http.response.body", "body": b""})

    await app({**scope, "method": "GET"}, receive_until_ended, send_head)


def count_problem(scope: Scope, code: str) -> None:
    """Count an answer that did not pass the handlers of the application, for its metrics."""
    app: ProblemApp = scope["app"]
    app.problems[code] += 1


def refusal_response(error: Refusal | Unavailable) -> Response:
    """The answer for a refused request."""
    headers = dict(error.headers or {})
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    return problem_response(error.code, str(error), field=error.field, headers=headers)


async def _answer_refusal(request: Request, error: Refusal) -> Response:
    count_problem(request.scope, error.code)
    return refusal_response(error)


async def _answer_unavailable(request: Request, error: Unavailable) -> Response:
    count_problem(request.scope, error.code)
    return refusal_response(error)


async def _answer_validation(request: Request, error: RequestValidationError) -> Response:
    """Answer a parameter that FastAPI itself found wrong, on a route with declared parameters."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or None
    return _counted(request, "invalid_request", f"{field}: {first['msg']}.", field=field)


async def _answer_framework(request: Request, error: HTTPException) -> Response:
    details = {
        404: f"This service has no path {request.url.path[:200]}; its paths are listed at /docs.",
        405: f"{request.url.path[:200]} does not take {request.method}.",
    }
    headers = dict(error.headers or {})
    if error.status_code == 405 and (allowed := request.app.allowed_methods(request.url.path)):
        headers["Allow"] = allowed
    return _counted(
        request,
        _FRAMEWORK_CODES.get(error.status_code, "http_error"),
        details.get(error.status_code, f"{error.detail}."),
        status=error.status_code,
        headers=headers,
    )


async def _answer_unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 404 to a WebSocket too; Starlette closes it, which the server answers with 403."""
    if scope["type"] != "websocket":
        raise HTTPException(404)
    count_problem(scope, "not_found")
    problem = problem_response(
        "not_found", f"This service has no WebSocket at {scope['path'][:200]}."
    )
    await WebSocket(scope, receive, send).send_denial_response(problem)


async def _answer_nobody(request: Request, _: ClientDisconnect) -> Response:
    """The client disconnected during its request; no client reads this answer."""
    return _counted(request, "http_error", "The request was not complete.")


async def _answer_bug(request: Request, _: Exception) -> Response:
    """Answer 500; the server logs the traceback and the client learns no internals."""
    return _counted(request, "internal_error", "The service failed; its log has the reason.")


def _counted(request: Request, code: str, detail: str, **more: Any) -> Response:  # noqa: ANN401
    """An error answer that the metrics count; `more` as for `problem_response`."""
    count_problem(request.scope, code)
    return problem_response(code, detail, **more)
