"""What happens on one connection: hello, requests, answers. The only user of `protocol.py`.

Everything but what has to ask Redis is synchronous: between two messages of the stream, so an
answer stands exactly where its effect begins.
"""

from collections.abc import Mapping

from market_data.clients.authentication import Authenticator, Headers, Login
from market_data.clients.client_state import ERRORS_MAX, REQUESTS_BURST, ClientState, state_of
from market_data.clients.logins import Logins
from market_data.clients.protocol import (
    SERVICE,
    Request,
    encoded,
    error_message,
    read_request,
    request_id_of,
)
from market_data.clients.resume import Recovery, Resume, Resumer, held_from
from market_data.errors import CloseCode, RequestError
from market_data.fanout.frames import text_frame
from market_data.fanout.hub import Hub, Subscription
from market_data.fanout.lag import ACCOUNT_CHANNELS, ORDERS, TRADES, LagPolicy, seq_name
from market_data.fanout.session import Session, Socket
from market_data.feed.feed import Feed
from market_data.market.mending import FirstFrame
from market_data.topics import added, covers, read_topics, removed, symbols_of, written

# First frames (book snapshots and the like) that one request may ask for.
FIRST_FRAMES_MAX = 500


class Conversations:
    """Opens sessions and answers their requests."""

    def __init__(
        self,
        hub: Hub,
        feed: Feed,
        resumer: Resumer,
        first_frames: Mapping[str, FirstFrame],
        *,
        authenticator: Authenticator,
        clients_max: int,
    ) -> None:
        """`first_frames`: for each channel that has a state, where to get it."""
        self._clients_max = clients_max
        self._hub = hub
        self._feed = feed
        self._resumer = resumer
        self._first_frames = first_frames
        self._authenticator = authenticator
        self.logins = Logins(authenticator)
        self.errors = 0

    @property
    def is_full(self) -> bool:
        """Whether no further client may be taken in."""
        return len(self._hub.sessions) >= self._clients_max

    async def identify(self, headers: Headers) -> Login | None:
        """Who opens a connection, if it says so. Raises Refusal, Unavailable."""
        return await self._authenticator.read_headers(headers)

    def open(self, socket: Socket, request: Request, login: Login | None = None) -> Session:
        """Take an accepted connection in: its hello, what it missed, then the stream.

        Raises RequestError, before anything was done.
        """
        state = ClientState(login)
        topics = self._topics(request, state)
        session = self._hub.connect(
            socket,
            topics,
            policy=request.lag_policy or LagPolicy.DISCONNECT,
            on_text=self.answer,
            context=state,
        )
        extra: dict[str, object] = {"service": SERVICE}
        if state.login is not None:
            extra["account"] = state.account
        self._admit(session, request, topics, "connected", extra)
        return session

    def answer(self, session: Session, text: str) -> None:
        """Do what one message of a client asks for; one that is too often wrong is closed."""
        state = state_of(session)
        if state.busy and len(state.waiting) < REQUESTS_BURST:
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

    def end(self, session: Session, code: CloseCode, error: RequestError) -> None:
        """Close a connection, and say why."""
        _send(session, error_message(error))
        session.close(code, error.code)

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
            return
        if state.busy:
            raise RequestError("busy", "an earlier request is still being served")
        if request.op == "authenticate":
            self._authenticate(session, state, request)
            return
        current = session.group.subscription
        topics = self._topics(request, state)
        if request.op == "unsubscribe":
            self._hub.subscribe(session, removed(current, topics))
            body = {"subscriptions": _listed(session)}
            _send(session, _acknowledgement("unsubscribed", request) | body)
            return
        for channel, name in _since(request, topics):
            if covers(current, channel, name):
                raise RequestError(
                    "invalid_field", f"since: you get {written((channel, name))} already"
                )
        wanted = added(current, topics)
        if request.lag_policy is not None:
            session.policy = request.lag_policy
        if request.since or self._resumer.unopened(topics):
            session.hold()
        self._hub.subscribe(session, wanted)
        self._admit(session, request, topics, "subscribed", {})

    def _topics(self, request: Request, state: ClientState) -> Subscription:
        """What a request names. Raises RequestError."""
        if state.login is None and not ACCOUNT_CHANNELS.isdisjoint(request.channels):
            state.login = self._authenticator.default
        topics = read_topics(
            request.channels, request.symbols, self._feed.sequencer.seqs, state.account
        )
        if request.since and request.op != "subscribe":
            raise RequestError("invalid_field", "since: the request does not subscribe")
        _since(request, topics)
        if len(self._stateful(topics)) > FIRST_FRAMES_MAX:
            raise RequestError(
                "too_many_subscriptions",
                f"at most {FIRST_FRAMES_MAX} books, quotes and candles in one request",
            )
        return topics

    def _authenticate(self, session: Session, state: ClientState, request: Request) -> None:
        """Learn whom a connection speaks for; a key is looked up, and until then it is busy."""
        state.busy = True

        def proven(outcome: Login | RequestError) -> None:
            state.busy = False
            if isinstance(outcome, Login) and state.account not in {None, outcome.account}:
                outcome = RequestError(
                    "already_authenticated", f"this connection speaks for {state.account}"
                )
            if isinstance(outcome, RequestError):
                self._refuse(session, outcome, request.id)
            else:
                state.login = outcome
                answer = _acknowledgement("authenticated", request)
                _send(session, answer | {"account": outcome.account})
            self._answer_waiting(session, state)

        self.logins.start(request, proven)

    def _admit(
        self,
        session: Session,
        request: Request,
        topics: Subscription,
        kind: str,
        extra: dict[str, object],
    ) -> None:
        """Acknowledge a subscription that has just been made, with what it starts from."""
        state = state_of(session)
        answer = _acknowledgement(kind, request) | extra
        answer |= {
            "epoch": self._feed.sequencer.epoch,
            "subscriptions": _listed(session),
            "seq": self._feed.seqs_of(topics),
        }
        if not (request.since or self._resumer.unopened(topics)):
            _send(session, answer)
            self._send_first(session, topics)
            return
        state.busy = True

        def told(recovery: Recovery) -> None:
            state.busy = False
            answer["epoch"] = self._feed.sequencer.epoch
            answer["seq"] = self._seqs_before(session, topics)
            _send(session, answer | (recovery.message() if request.since else {}))
            self._send_first(session, topics)
            self._answer_waiting(session, state)

        session.hold()
        since = _since(request, topics)
        self._resumer.start(Resume(session, since, request.epoch, told), topics)

    def _seqs_before(self, session: Session, topics: Subscription) -> dict[str, int]:
        """The last seqs before what is held back for a client."""
        seqs = self._feed.seqs_of(topics)
        traded = {(TRADES, symbol) for symbol in symbols_of(topics, TRADES, seqs)}
        private = {topic for topic in topics if topic[0] in ACCOUNT_CHANNELS}
        for topic in traded | private:
            name = seq_name(*topic)
            if name in seqs:
                seqs[name] = held_from(session, topic, seqs[name])
        return seqs

    def _answer_waiting(self, session: Session, state: ClientState) -> None:
        waiting, state.waiting = state.waiting, []
        for text in waiting:
            self.answer(session, text)

    def _send_first(self, session: Session, topics: Subscription) -> None:
        for channel, symbol in self._stateful(topics):
            frame = self._first_frames[channel](channel, symbol)
            if frame is not None:
                session.send(frame)

    def _stateful(self, topics: Subscription) -> list[tuple[str, str]]:
        return [
            (channel, symbol)
            for channel in self._first_frames
            for symbol in symbols_of(topics, channel, self._feed.sequencer.seqs)
        ]


def _since(request: Request, topics: Subscription) -> dict[tuple[str, str], int]:
    """What is to be resumed, by topic. Raises RequestError if it is not subscribed to."""
    since = {}
    for name, seq in request.since.items():
        if name == ORDERS:
            found = [topic for topic in topics if topic[0] == ORDERS]
        else:
            found = [(TRADES, name)] if covers(topics, TRADES, name) else []
        if not found:
            what = name if name == ORDERS else f"trades of {name[:40]}"
            raise RequestError("invalid_field", f"since: the request does not subscribe to {what}")
        since[found[0]] = seq
    return since


def _acknowledgement(kind: str, request: Request) -> dict[str, object]:
    return {"type": kind} | ({} if request.id is None else {"id": request.id})


def _listed(session: Session) -> list[str]:
    return sorted(map(written, session.group.subscription))


def _send(session: Session, message: Mapping[str, object]) -> None:
    session.send(text_frame(encoded(message)))
