"""One connection: hello, requests, answers. The only user of `protocol.py`.

Work that needs no Redis is synchronous. It therefore happens between two messages of the stream,
and an answer stands exactly where its effect begins.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from market_data.clients.authentication import Authenticator, Headers, Login
from market_data.clients.client_state import ERRORS_MAX, REQUESTS_BURST, ClientState, state_of
from market_data.clients.protocol import (
    Request,
    error_message,
    read_request,
    request_id_of,
    resumed_topics,
)
from market_data.clients.resume import Recovery, Resume, Resumer
from market_data.errors import CloseCode, RequestError
from market_data.fanout.hub import Hub
from market_data.fanout.lag import LagPolicy
from market_data.fanout.replay import Replay
from market_data.fanout.session import Session
from market_data.fanout.terms import Socket
from market_data.feed.feed import Feed
from market_data.settings import SERVICE
from market_data.topics import (
    ACCOUNT_CHANNELS,
    STARTING_STATES,
    TRADES,
    Subscription,
    Topic,
    added,
    covers,
    read_topics,
    removed,
    seq_name,
    symbols_of,
    written,
)
from tapewire.errors import Refusal, Unavailable
from tapewire.runtime.supervision import Errands
from tapewire.web.websocket_frames import json_frame

logger = logging.getLogger(__name__)

STATES_PER_REQUEST_MAX = 500
"""Books, quotes, candles and balances whose present state one request may ask for."""

Found = TypeVar("Found")


class Conversations:
    """Opens sessions and answers their requests."""

    def __init__(
        self,
        hub: Hub,
        feed: Feed,
        resumer: Resumer,
        *,
        authenticator: Authenticator,
    ) -> None:
        self._hub = hub
        self._feed = feed
        self._resumer = resumer
        self._authenticator = authenticator
        self.errands = Errands()
        self.errors = 0

    async def identify(self, headers: Headers, address: str | None) -> Login | None:
        """The account that an upgrade names, if any. Raises Refusal, Unavailable."""
        return await self._authenticator.read_headers(headers, address)

    async def open(self, socket: Socket, request: Request, state: ClientState) -> Session:
        """Begin an accepted connection: `connected`, the missed messages, then the stream.

        Raises RequestError, before anything was done.
        """
        await self._feed.learns(request.named_symbols)
        topics = self._topics(request, state)
        session = self._hub.connect(
            socket,
            topics,
            policy=request.lag_policy or LagPolicy.DISCONNECT,
            on_text=self.answer,
            context=state,
        )
        hello: dict[str, object] = {"type": "connected", "service": SERVICE}
        if state.login is not None:
            hello["account"] = state.account
        since = resumed_topics(request, topics)
        is_replayed = since or self._resumer.unopened(topics)
        self._admit(
            session, request, topics, Replay(session, since) if is_replayed else None, hello
        )
        return session

    def answer(self, session: Session, text: str) -> None:
        """Execute one request of a client; a client with too many invalid requests is closed."""
        state = state_of(session)
        if state.is_busy and len(state.waiting) < REQUESTS_BURST:
            state.waiting.append(text)
            return
        request_id = None
        try:
            state.take_turn()
            request = read_request(text)
            request_id = request.id
            self._do(session, state, request)
        except RequestError as error:
            if request_id is None:
                request_id = request_id_of(text)
            self._refuse(session, error, request_id)

    def _refuse(self, session: Session, error: RequestError, request_id: int | str | None) -> None:
        state = state_of(session)
        self.errors += 1
        state.errors += 1
        _send(session, error_message(error, request_id))
        if state.errors >= ERRORS_MAX:
            session.close(CloseCode.TOO_MANY_ERRORS, "too many errors")

    def _do(self, session: Session, state: ClientState, request: Request) -> None:
        if request.op == "ping":
            _send(session, _acknowledgement("pong", request))
        elif state.is_busy:
            raise RequestError("busy", "an earlier request is still being served")
        elif request.op == "authenticate":
            proof = self._authenticator.read_request(request, state.address)
            self._later(session, request, proof, lambda login: _log_in(session, request, login))
        elif request.op == "unsubscribe":
            topics = removed(session.subscription, self._topics(request, state))
            self._hub.subscribe(session, topics)
            body = {"subscriptions": _listed(session)}
            _send(session, _acknowledgement("unsubscribed", request) | body)
        elif request.named_symbols <= self._feed.sequencer.listed.keys():
            self._subscribe(session, request)
        else:
            known = self._feed.learns(request.named_symbols)
            self._later(session, request, known, lambda _: self._subscribe(session, request))

    def _subscribe(self, session: Session, request: Request) -> None:
        current = session.subscription
        topics = self._topics(request, state_of(session))
        since = resumed_topics(request, topics)
        for topic in since:
            if covers(current, *topic):
                raise RequestError("invalid_field", f"since: you get {written(topic)} already")
        wanted = added(current, topics)
        if request.lag_policy is not None:
            session.policy = request.lag_policy
        replay = None
        if since or self._resumer.unopened(topics):
            replay = Replay(session, since)
        self._hub.subscribe(session, wanted)
        self._admit(session, request, topics, replay, _acknowledgement("subscribed", request))

    def _later(
        self,
        session: Session,
        request: Request,
        question: Awaitable[Found],
        then: Callable[[Found], None],
    ) -> None:
        """Ask Redis for a client; the client's other requests wait until Redis has answered."""
        state_of(session).is_busy = True
        self.errands.start(self._ask(session, request, question, then))

    async def _ask(
        self,
        session: Session,
        request: Request,
        question: Awaitable[Found],
        then: Callable[[Found], None],
    ) -> None:
        state = state_of(session)
        try:
            found = await question
            state.is_busy = False
            then(found)
        except (RequestError, Unavailable) as error:
            state.is_busy = False
            unavailable = isinstance(error, Unavailable)
            code = "unavailable" if unavailable else error.code
            self._refuse(session, RequestError(code, str(error)), request.id)
        except Exception:
            logger.exception("a request could not be answered")
            session.close(CloseCode.FAILED, "internal error")
        self._answer_waiting(session)

    def _topics(self, request: Request, state: ClientState) -> Subscription:
        """The topics that a request names. Raises RequestError."""
        if state.login is None and not ACCOUNT_CHANNELS.isdisjoint(request.channels):
            state.login = self._authenticator.default
        sequencer = self._feed.sequencer
        # A client may leave the channels of an instrument that was delisted.
        known = sequencer.seqs if request.op == "unsubscribe" else sequencer.listed
        topics = read_topics(request.channels, request.symbols, known, state.account)
        resumed_topics(request, topics)
        if len(self._stateful(topics)) > STATES_PER_REQUEST_MAX:
            raise RequestError(
                "too_many_subscriptions",
                f"at most {STATES_PER_REQUEST_MAX} books, quotes and candles in one request",
            )
        return topics

    def _admit(
        self,
        session: Session,
        request: Request,
        topics: Subscription,
        replay: Replay | None,
        answer: dict[str, object],
    ) -> None:
        """Acknowledge a subscription that has just been made, with its positions."""
        answer |= {
            "epoch": self._feed.sequencer.epoch,
            "subscriptions": _listed(session),
            "seq": self._feed.seqs_of(topics),
        }
        if replay is None:
            _send(session, answer)
            session.send_states(self._stateful(topics))
            return
        state = state_of(session)
        state.is_busy = True

        def told(recovery: Recovery) -> None:
            answer["epoch"] = self._feed.sequencer.epoch
            answer["seq"] = self._seqs_before(replay, topics)
            _send(session, answer | (recovery.message() if request.since else {}))
            session.send_states(self._stateful(topics))

        def over() -> None:
            state.is_busy = False
            self._answer_waiting(session)

        since = resumed_topics(request, topics)
        self._resumer.start(Resume(replay, since, request.epoch, told, over), topics)

    def _seqs_before(self, replay: Replay, topics: Subscription) -> dict[str, int]:
        """The last numbers before the held messages of a client."""
        seqs = self._feed.seqs_of(topics)
        numbered = [(TRADES, symbol) for symbol in symbols_of(topics, TRADES, seqs)]
        numbered += [topic for topic in topics if topic[0] in ACCOUNT_CHANNELS]
        for topic in numbered:
            name = seq_name(topic)
            if name in seqs:
                seqs[name] = replay.head(topic, seqs[name])
        return seqs

    def _answer_waiting(self, session: Session) -> None:
        state = state_of(session)
        waiting, state.waiting = state.waiting, []
        for text in waiting:
            self.answer(session, text)

    def _stateful(self, topics: Subscription) -> list[Topic]:
        return [
            (channel, symbol)
            for channel in STARTING_STATES
            for symbol in symbols_of(topics, channel, self._feed.sequencer.listed)
        ]


def end_for_key(session: Session, fault: Refusal) -> None:
    """Close a connection whose key is no longer valid: the error, then the close code."""
    _send(session, error_message(RequestError(fault.code, str(fault))))
    session.close(CloseCode.NOT_AUTHENTICATED, fault.code)


def _log_in(session: Session, request: Request, login: Login) -> None:
    """Give a connection its account. Raises RequestError already_authenticated."""
    state = state_of(session)
    if state.account not in {None, login.account}:
        raise RequestError("already_authenticated", f"this connection speaks for {state.account}")
    state.login = login
    _send(session, _acknowledgement("authenticated", request) | {"account": login.account})


def _acknowledgement(kind: str, request: Request) -> dict[str, object]:
    return {"type": kind} | ({} if request.id is None else {"id": request.id})


def _listed(session: Session) -> list[str]:
    return sorted(map(written, session.subscription))


def _send(session: Session, message: Mapping[str, object]) -> None:
    session.send(json_frame(message))
