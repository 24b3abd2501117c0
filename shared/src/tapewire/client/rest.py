"""Sends calls over REST: a request whose answer was lost is sent again, and never done twice."""

import asyncio
import functools
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec

from tapewire.client.addresses import Addresses, ServiceAddress
from tapewire.client.calls import Call, ServiceName, given
from tapewire.client.errors import RequestRefused, Unreachable
from tapewire.client.replies import Problem
from tapewire.errors import ConfigurationError, OutcomeUnknown, Unavailable
from tapewire.values.account_names import ACCOUNT_HEADER, DEFAULT_ACCOUNT
from tapewire.web.tls import client_context

# The service, or a proxy before it, could not say; every other status is an answer.
RETRIED_STATUSES = frozenset({502, 503, 504})
# With these codes of 503 nothing was done.
NOTHING_DONE = frozenset(
    {"redis_unavailable", "overloaded", "stale_data", "draining", "stops_pending"}
)

Result = TypeVar("Result")

_read_problem = msgspec.json.Decoder(Problem).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOptions:
    """Who asks, and the bounds of a request; times in seconds.

    Where a venue has keys, `api_key` says whose orders they are; at an open venue `account` does
    (default: `demo`). Delays between attempts are random within a bound that doubles.
    """

    account: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 5.0
    attempts_max: int = 5
    retry_delay_s: float = 0.1
    retry_delay_max_s: float = 2.0

    @property
    def headers(self) -> dict[str, str]:
        """The headers with the account or the key."""
        if self.api_key is None:
            return {ACCOUNT_HEADER: self.account or DEFAULT_ACCOUNT}
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return headers if self.account is None else headers | {ACCOUNT_HEADER: self.account}

    def retry_delay_within_s(self, attempt: int) -> float:
        """A random delay before the attempt with this number; the first attempt has number 0."""
        if attempt == 0:
            return 0.0
        bound_s = self.retry_delay_s * 2 ** min(attempt - 1, 30)
        return random.uniform(0, min(bound_s, self.retry_delay_max_s))


class RestSender:
    """The connections to both services of one venue."""

    def __init__(self, addresses: Addresses, options: RestOptions) -> None:
        """Nothing is connected yet. Raises ConfigurationError for a CA file or URL of no use."""
        self._addresses = addresses
        self._options = options
        self._http: dict[ServiceName, httpx.AsyncClient] = {
            "order-gateway": _open(addresses.gateway, options)
        }
        if addresses.market_data is not None:
            self._http["market-data"] = _open(addresses.market_data, options)

    async def run(self, call: Call[Result]) -> Result:
        """Send a call until it is answered.

        Raises RequestRefused, Unreachable, OutcomeUnknown, Unavailable, MessageError.
        """
        outcome = _Outcome()
        for attempt in range(self._options.attempts_max):
            await asyncio.sleep(self._options.retry_delay_within_s(attempt))
            reply = await self._attempt(call, outcome)
            if reply is None:
                if outcome.may_be_done and not call.operation.is_repeatable:
                    break
                continue
            if reply.is_success or reply.status_code in call.operation.answers:
                return call.decode(reply.content)
            refusal = refusal_of(reply.status_code, reply.content, reply.headers, attempt + 1)
            if reply.status_code in RETRIED_STATUSES:
                outcome.note_answer(refusal)
                continue
            return await self._recheck(call, refusal)
        raise outcome.error(call)

    async def close(self) -> None:
        """Close the connections. Safe to call twice."""
        for http in self._http.values():
            await http.aclose()

    async def _attempt(self, call: Call[Result], outcome: "_Outcome") -> httpx.Response | None:
        if call.operation.service == "market-data":
            # Raises if the service is not known.
            _ = self._addresses.feed
        http = self._http[call.operation.service]
        body = None if call.body is None else given(call.body)
        try:
            return await http.request(
                call.operation.method, call.url, params=call.parameters, json=body
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            trust = _trust_error(error)
            if trust is not None:
                reason = f"the certificate of {http.base_url} is not trusted: {trust}"
                raise Unreachable(reason) from None
            outcome.reason = (
                f"no connection to {http.base_url}: {str(error) or type(error).__name__}"
            )
        except httpx.TransportError as error:
            outcome.note_lost(f"{http.base_url}: {str(error) or type(error).__name__}")
        return None

    async def _recheck(self, call: Call[Result], refusal: RequestRefused) -> Result:
        """The answer of an earlier attempt, if the refusal comes from its having been done."""
        recheck = call.recheck
        if recheck is None or refusal.code != recheck.code or refusal.attempts == 1:
            raise refusal
        result = await self.run(recheck.call)
        if not recheck.accepts(result):
            raise refusal
        return result


@dataclass(slots=True)
class _Outcome:
    """The outcome after attempts without a decisive answer."""

    reason: str = "the request was not sent"
    code: str | None = None
    # Whether an attempt reached a service.
    was_reached: bool = False
    may_be_done: bool = False

    def note_lost(self, reason: str) -> None:
        """An attempt was sent, and its answer was lost."""
        self.reason, self.was_reached, self.may_be_done = reason, True, True

    def note_answer(self, refusal: RequestRefused) -> None:
        """A service answered that it cannot serve now."""
        self.reason, self.code, self.was_reached = refusal.detail, refusal.code, True
        self.may_be_done |= refusal.code not in NOTHING_DONE

    def error(self, call: Call[Result]) -> Unavailable:
        """The exception after the last attempt."""
        if not self.was_reached:
            return Unreachable(self.reason)
        if self.may_be_done and call.operation.method != "GET":
            return OutcomeUnknown(f"the answer was lost: {self.reason}")
        error = Unavailable(self.reason)
        error.code = self.code or error.code
        return error


def _open(address: ServiceAddress, options: RestOptions) -> httpx.AsyncClient:
    try:
        base_url = httpx.URL(address.url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{address.url} is not a URL: {error}") from None
    return httpx.AsyncClient(
        base_url=base_url,
        headers=options.headers,
        timeout=options.timeout_s,
        trust_env=False,
        verify=trust_for(address.url, address.ca_file),
    )


def trust_for(url: str, ca_file: Path | None) -> ssl.SSLContext:
    """The TLS context for requests to `url`: it trusts `ca_file`, or else the public certificates.

    The context for `http://` trusts nothing, because reading the public certificates takes 25 ms
    of processor time. Raises ConfigurationError for a CA file of no use.
    """
    if ca_file is not None:
        return client_context(ca_file)
    if httpx.URL(url).scheme == "https":
        return _public_trust()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@functools.cache
def _public_trust() -> ssl.SSLContext:
    """The public certificates that httpx brings, read once."""
    return httpx.create_ssl_context(trust_env=False)


def refusal_of(
    status: int, body: bytes, headers: Mapping[str, str], attempts: int = 1
) -> RequestRefused:
    """The refusal of an answer; its code is `http_error` if it is not a problem document."""
    after = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    retry_after_s = int(after) if after.isascii() and after.isdigit() else None
    try:
        problem = _read_problem(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        problem = Problem("http_error", f"status {status}")
    return RequestRefused(
        status,
        problem.code,
        problem.detail,
        problem.field,
        retry_after_s=retry_after_s,
        attempts=attempts,
    )


def _trust_error(error: BaseException | None) -> str | None:
    """Why a certificate is not trusted, if that is the cause."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
