"""What happens on one connection: hello, requests, answers. The only user of `protocol.py`.

Everything but a replay from the log is synchronous: between two messages of the stream, so an
answer stands exactly where its effect begins.
"""

import time
from collections.abc import Callable, Mapping

from market_data.errors import CloseCode, RequestError
from market_data.feed import Feed
from market_data.frames import text_frame
from market_data.hub import Hub, Subscription
from market_data.lag import LagPolicy
from market_data.protocol import (
    SERVICE,
    Request,
    encoded,
    error_message,
    read_request,
    request_id_of,
)
from market_data.resume import Recovery, Resumer
from market_data.session import Session, Socket
from market_data.subscriptions import added, covers, read_topics, removed, symbols_of, written

# Requests of one client that may be wrong, over its life, before it is closed.
ERRORS_MAX = 10
REQUESTS_PER_S = 10.0
REQUESTS_BURST = 50.0
# First frames (book snapshots and the like) that one request may ask for.
FIRST_FRAMES_MAX = 500

FirstFrame = Callable[[str, str], bytes | None]
"""Of a channel and a symbol, the framed state that a new subscriber starts from, if known."""


class Client:
    """What is remembered of a connection beside its session."""

    __slots__ = ("errors", "requests_left", "resuming", "seen_at_s", "waiting")

    def __init__(self) -> None:
        self.errors = 0
        self.requests_left = REQUESTS_BURST
        self.seen_at_s = time.monotonic()
        # A replay from the log is under way: until it ends, nothing else may be asked for.
        self.resuming = False
        # What it asked meanwhile; answered after the acknowledgement, so that comes first.
        self.waiting: list[str] = []


class Conversations:
    """Opens sessions and answers their requests."""

    def __init__(
        self,
        hub: Hub,
        feed: Feed,
        resumer: Resumer,
        first_frames: Mapping[str, FirstFrame],
        *,
        clients_max: int,
    ) -> None:
        """`first_frames`: for each channel that has a state, where to get it."""
        self._clients_max = clients_max
        self._hub = hub
        self._feed = feed
        self._resumer = resumer
        self._first_frames = first_frames
        self.errors = 0

    @property
    def is_full(self) -> bool:
        """Whether no further client may be taken in."""
        return len(self._hub.sessions) >= self._clients_max

    def topics(self, request: Request) -> Subscription:
        """What a request names. Raises RequestError."""
        topics = read_topics(request.channels, request.symbols, self._feed.sequencer.seqs)
        self._check_since(request, topics)
        if len(self._stateful(topics)) > FIRST_FRAMES_MAX:
            raise RequestError(
                "too_many_subscriptions",
                f"at most {FIRST_FRAMES_MAX} books, quotes and candles in one request",
            )
        return topics

    def open(self, socket: Socket, request: Request) -> Session:
        """Take an accepted connection in: its hello, what it missed, then the stream.

        Raises RequestError, before anything was done.
        """
        topics = self.topics(request)
        session = self._hub.connect(
            socket,
            topics,
            policy=request.lag_policy or LagPolicy.DISCONNECT,
            on_text=self.answer,
            context=Client(),
        )
        self._admit(session, request, topics, "connected", {"service": SERVICE})
        return session

    def answer(self, session: Session, text: str) -> None:
        """Do what one message of a client asks for; one that is too often wrong is closed."""
        client = _client_of(session)
        if client.resuming and len(client.waiting) < REQUESTS_BURST:
            client.waiting.append(text)
            return
        request_id = None
        try:
            self._take_turn(client)
            request = read_request(text)
            request_id = request.id
            self._do(session, client, request)
        except RequestError as error:
            if request_id is None:
                request_id = request_id_of(text)
            self.errors += 1
            client.errors += 1
            _send(session, error_message(error, request_id))
            if client.errors >= ERRORS_MAX:
                session.close(CloseCode.TOO_MANY_ERRORS, "too many errors")

    def _do(self, session: Session, client: Client, request: Request) -> None:
        if request.op == "ping":
            _send(session, _acknowledgement("pong", request))
            return
        if client.resuming:
            raise RequestError("busy", "the trades you missed are still being sent")
        current = session.group.subscription
        topics = self.topics(request)
        if request.op == "unsubscribe":
            self._hub.subscribe(session, removed(current, topics))
            body = {"subscriptions": _listed(session)}
            _send(session, _acknowledgement("unsubscribed", request) | body)
            return
        for symbol in request.since:
            if covers(current, "trades", symbol):
                raise RequestError(
                    "invalid_field", f"since: you get the trades of {symbol} already"
                )
        wanted = added(current, topics)
        if request.lag_policy is not None:
            session.policy = request.lag_policy
        if request.since:
            session.hold()
        self._hub.subscribe(session, wanted)
        self._admit(session, request, topics, "subscribed", {})

    def _admit(
        self,
        session: Session,
        request: Request,
        topics: Subscription,
        kind: str,
        extra: dict[str, object],
    ) -> None:
        """Acknowledge a subscription that has just been made, with what it starts from."""
        sequencer = self._feed.sequencer
        traded = symbols_of(topics, "trades", sequencer.seqs)
        answer = _acknowledgement(kind, request) | extra
        answer |= {
            "epoch": sequencer.epoch,
            "subscriptions": _listed(session),
            "seq": {symbol: sequencer.seqs[symbol] for symbol in traded},
        }
        if not request.since:
            _send(session, answer)
            self._send_first(session, topics)
            return
        client = _client_of(session)
        client.resuming = True

        def told(recovery: Recovery) -> None:
            client.resuming = False
            _send(session, answer | recovery.message())
            self._send_first(session, topics)
            waiting, client.waiting = client.waiting, []
            for text in waiting:
                self.answer(session, text)

        session.hold()
        self._resumer.start(session, request.since, request.epoch, told)

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

    def _check_since(self, request: Request, topics: Subscription) -> None:
        for symbol in request.since:
            if request.op != "subscribe" or not covers(topics, "trades", symbol):
                raise RequestError(
                    "invalid_field",
                    f"since: the request does not subscribe to trades of {symbol[:40]}",
                )

    def _take_turn(self, client: Client) -> None:
        """Spend one request of the client's allowance. Raises RequestError rate_limited."""
        now_s = time.monotonic()
        client.requests_left = min(
            REQUESTS_BURST,
            client.requests_left + (now_s - client.seen_at_s) * REQUESTS_PER_S,
        )
        client.seen_at_s = now_s
        if client.requests_left < 1:
            raise RequestError(
                "rate_limited", f"at most {REQUESTS_PER_S:g} requests a second, please"
            )
        client.requests_left -= 1


def _client_of(session: Session) -> Client:
    client = session.context
    if not isinstance(client, Client):
        raise TypeError("the session was not opened by a conversation")
    return client


def _acknowledgement(kind: str, request: Request) -> dict[str, object]:
    return {"type": kind} | ({} if request.id is None else {"id": request.id})


def _listed(session: Session) -> list[str]:
    return sorted(map(written, session.group.subscription))


def _send(session: Session, message: Mapping[str, object]) -> None:
    session.send(text_frame(encoded(message)))
