"""Health answers of a service: `/health`, `/livez`, `/readyz`. Each is bounded in time.

- `/livez`   the process answers; never touches Redis, so no Redis fault restarts a service
- `/health`  Redis answers too; the body has exactly the members of the contract
- `/readyz`  everything the service needs works; the failing checks are named, and so are faults
             that keep nobody from being served (`warnings`)
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MovedError, ReadOnlyError, RedisError, ResponseError

from tapewire import keys
from tapewire.errors import RedisUnavailable, TapewireError
from tapewire.redis.client import RedisAddress, open_async
from tapewire.redis.unwritable import why_unwritable
from tapewire.web.direct_route import DirectRoute, json_response

HEALTH_TIMEOUT_S = 1.0

Check = Callable[[], Awaitable[None]]


class _Finding(NamedTuple):
    """The result of a probe: whether Redis answers, and why it takes no orders."""

    answers: bool
    refusal: str | None


class RedisProbe:
    """Asks Redis whether it takes a write, on a connection of its own.

    A stuck order delays no answer. Callers that ask at the same time share one command, so a flood
    of probes is one command a turn.
    """

    def __init__(self, address: RedisAddress, *, timeout_s: float = HEALTH_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._client: Any = open_async(
            replace(
                address,
                connect_timeout_s=min(address.connect_timeout_s, timeout_s),
                timeout_s=min(address.timeout_s, timeout_s),
                client_name=f"{address.client_name}-health",
            )
        )
        self._probe: asyncio.Task[_Finding] | None = None

    async def connected(self) -> bool:
        """Whether Redis answered within the timeout, be it with a refusal."""
        return (await self._find()).answers

    async def check(self) -> None:
        """Check that Redis answers and takes writes. Raises RedisUnavailable, with the reason."""
        finding = await self._find()
        if finding.refusal is not None:
            raise RedisUnavailable(finding.refusal)

    async def close(self) -> None:
        """Disconnect."""
        if self._probe is not None:
            await asyncio.wait([self._probe], timeout=self._timeout_s)
        await self._client.aclose()

    async def _find(self) -> _Finding:
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._ask(), name="redis-probe")
        return await asyncio.shield(self._probe)

    async def _ask(self) -> _Finding:
        try:
            async with asyncio.timeout(self._timeout_s):
                try:
                    await self._write_nothing()
                except (RedisConnectionError, MovedError, ReadOnlyError):
                    # An idle connection of earlier says nothing of the Redis of now.
                    await self._write_nothing()
        except ResponseError as error:
            return _Finding(True, f"Redis takes no orders: {why_unwritable(error)}.")
        except (RedisError, OSError) as error:
            reason = f"Redis did not answer within {self._timeout_s:g} s"
            return _Finding(False, f"{reason} ({type(error).__name__}).")
        return _Finding(True, None)

    async def _write_nothing(self) -> None:
        """A write of a key only if there is one, which is never the case."""
        await self._client.execute_command("SET", keys.ABSENT, "", "XX")


@dataclass(frozen=True, slots=True)
class Health:
    """The answers of a service. They stand in `app.state.health` while the service runs."""

    service: str
    probe: RedisProbe
    checks: Mapping[str, Check]
    # Faults that an operator has to mend while the service goes on serving.
    warnings: Mapping[str, Check] = field(default_factory=dict)
    details: Callable[[], dict[str, int]] = field(default=dict)

    async def report(self) -> tuple[bool, dict[str, str | int]]:
        """Whether Redis answers, and the body of `/health`."""
        connected = await self.probe.connected()
        return connected, {
            "status": "healthy" if connected else "unhealthy",
            "service": self.service,
            "redis": "connected" if connected else "disconnected",
            **self.details(),
        }

    async def readiness(self) -> dict[str, str]:
        """Every check with `ok` or the reason why it fails."""
        return await _outcomes(self.checks)

    async def warned(self) -> dict[str, str]:
        """The faults that do not stop the service, by name; empty without a fault."""
        found = await _outcomes(self.warnings)
        return {name: outcome for name, outcome in found.items() if outcome != "ok"}


async def _outcomes(checks: Mapping[str, Check]) -> dict[str, str]:
    outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    return dict(zip(checks, outcomes, strict=True))


async def _outcome(check: Check) -> str:
    try:
        async with asyncio.timeout(HEALTH_TIMEOUT_S):
            await check()
    except TimeoutError:
        return f"no answer within {HEALTH_TIMEOUT_S:g} s"
    except TapewireError as error:
        return str(error)
    return "ok"


def _answer(body: Mapping[str, object], *, well: bool) -> Response:
    return json_response(body, 200 if well else 503)


def _documented(
    well: Mapping[str, object], ill: Mapping[str, object]
) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"description": text, "content": {"application/json": {"example": example}}}
        for status, text, example in ((200, "Healthy", well), (503, "Unhealthy", ill))
    }


def health_router(service: str, details: Mapping[str, int] | None = None) -> APIRouter:
    """The three routes; `details` are example members that the service adds to `/health`."""
    router = APIRouter(route_class=DirectRoute, tags=["health"])

    @router.get(
        "/health",
        summary="Whether the service and its Redis work",
        responses=_documented(
            {"status": "healthy", "service": service, "redis": "connected", **(details or {})},
            {"status": "unhealthy", "service": service, "redis": "disconnected", **(details or {})},
        ),
    )
    async def health(request: Request) -> Response:
        connected, body = await _health_of(request).report()
        return _answer(body, well=connected)

    @router.get(
        "/livez",
        summary="Whether the process answers",
        responses={200: {"content": {"application/json": {"example": {"status": "alive"}}}}},
    )
    async def livez(_: Request) -> Response:
        return _answer({"status": "alive", "service": service}, well=True)

    @router.get(
        "/readyz",
        summary="Whether everything the service needs works",
        responses=_documented(
            {
                "status": "ready",
                "service": service,
                "failing": [],
                "checks": {"redis": "ok"},
                "warnings": {},
            },
            {
                "status": "not ready",
                "service": service,
                "failing": ["redis"],
                "checks": {"redis": "Redis did not answer within 1 s."},
                "warnings": {},
            },
        ),
    )
    async def readyz(request: Request) -> Response:
        health = _health_of(request)
        checks, warnings = await asyncio.gather(health.readiness(), health.warned())
        failing = [name for name, outcome in checks.items() if outcome != "ok"]
        status = "not ready" if failing else "ready"
        body = {"status": status, "service": service, "failing": failing, "checks": checks}
        return _answer(body | {"warnings": warnings}, well=not failing)

    return router


def _health_of(request: Request) -> Health:
    health: Health = request.app.state.health
    return health
