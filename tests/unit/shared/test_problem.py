"""Error answers: always problem+json from every layer, without internal details."""

from typing import Annotated

import msgspec
import pytest
from fastapi import APIRouter, HTTPException, Query, Request, Response

from tapewire.errors import InvalidField, OrderNotFound, OutcomeUnknown
from tapewire.web.problem import Problem, ProblemApp, problem_examples, problem_of
from tests.support.structures import read_exactly
from tests.support.transport.asgi import Reply, call


def make_app() -> ProblemApp:
    """An application that fails in every way."""
    router = APIRouter()

    @router.get("/field")
    async def field() -> None:
        raise InvalidField("price", "off_tick", "price must be a multiple of 0.01.")

    @router.get("/missing")
    async def missing() -> None:
        raise OrderNotFound("No order of yours has this order_id.")

    @router.get("/unavailable")
    async def unavailable() -> None:
        raise OutcomeUnknown("The answer was lost.")

    @router.get("/framework")
    async def framework() -> None:
        raise HTTPException(418, "I am a teapot", {"X-Tea": "yes"})

    @router.get("/number")
    async def number(count: Annotated[int, Query()]) -> int:
        return count

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError("the secret is 42")

    @router.get("/things/{thing}")
    @router.delete("/things/{thing}", name="drop")
    async def thing(_: Request) -> Response:
        return Response()

    app = ProblemApp()
    app.include_router(router)
    return app


def check(reply: Reply, status: int, code: str) -> Problem:
    """The answer is a problem with this status and code."""
    problem = read_exactly(reply.body, Problem)
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status, problem.status, problem.code) == (status, status, code)
    assert problem.type == f"urn:tapewire:problem:{code}"
    return problem


async def test_a_refusal_names_its_field() -> None:
    """Code, status and field come from the exception, the title from the table."""
    problem = check(await call(make_app(), "GET", "/field"), 422, "off_tick")
    assert problem.field == "price"
    assert problem.detail == "price must be a multiple of 0.01."
    assert problem.title == "The price is not a multiple of the tick size"


async def test_a_refusal_without_a_field_has_none() -> None:
    """The member is left out, not null."""
    reply = await call(make_app(), "GET", "/missing")
    check(reply, 404, "order_not_found")
    assert "field" not in reply.json()


async def test_an_unavailable_venue_says_when_to_come_back() -> None:
    """503 comes with Retry-After."""
    reply = await call(make_app(), "GET", "/unavailable")
    check(reply, 503, "outcome_unknown")
    assert reply.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/field/", 404, "not_found"),
        ("PUT", "/field", 405, "method_not_allowed"),
        ("GET", "/framework", 418, "http_error"),
        ("GET", "/number", 422, "invalid_request"),
    ],
)
async def test_the_framework_answers_with_problems_too(
    method: str, path: str, status: int, code: str
) -> None:
    """Unknown path, wrong method, framework errors and FastAPI's own validation."""
    check(await call(make_app(), method, path), status, code)


async def test_headers_of_a_framework_error_are_kept() -> None:
    """The headers may matter to the client."""
    assert (await call(make_app(), "GET", "/framework")).headers["x-tea"] == "yes"


async def test_a_wrong_method_learns_all_right_ones() -> None:
    """Allow lists the methods of every route of the path."""
    reply = await call(make_app(), "PUT", "/things/1")
    assert reply.headers["allow"] == "DELETE, GET, HEAD"


async def test_a_bug_is_answered_without_its_text() -> None:
    """The error goes on to the server, which logs it; the client sees none of it."""
    replies = []

    async def keep(scope: object, receive: object, send: object) -> None:
        with pytest.raises(RuntimeError, match="secret"):
            await make_app()(scope, receive, send)  # type: ignore[arg-type]

    replies.append(await call(keep, "GET", "/bug"))
    check(replies[0], 500, "internal_error")
    assert b"secret" not in replies[0].body
    assert b"RuntimeError" not in replies[0].body


def test_a_code_that_is_not_in_the_table_cannot_be_answered_with() -> None:
    """A new code begins with a row in the table."""
    with pytest.raises(KeyError):
        problem_of("no_such_code", "x")


def test_documented_errors_are_examples_by_status() -> None:
    """Codes of one status share an entry, and each has an example that is a valid problem."""
    responses = problem_examples("off_tick", "off_lot", "redis_unavailable")
    assert set(responses) == {422, 503}
    content = responses[422]["content"]["application/problem+json"]
    assert set(content["examples"]) == {"off_tick", "off_lot"}
    for example in content["examples"].values():
        read_exactly(msgspec.json.encode(example["value"]), Problem)
    assert "Retry-After" in responses[503]["headers"]


def test_openapi_has_the_schema_that_errors_refer_to() -> None:
    """The reference in every documented error leads somewhere."""
    assert "Problem" in make_app().openapi()["components"]["schemas"]
