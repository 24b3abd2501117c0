"""One connection of the streams: subscriptions, requests, answers.

An answer stands in the stream exactly where its effect begins.
"""

import logging
from collections.abc import Iterable

from market_data.binance.errors import StreamError
from market_data.binance.names import SHUTDOWN, Form, Stream, SymbolTable, read_stream, stream_name
from market_data.binance.requests import (
    GET_PROPERTY,
    LIST_SUBSCRIPTIONS,
    SET_PROPERTY,
    UNSUBSCRIBE,
    RequestId,
    StreamRequest,
    answer,
    read_id,
    read_members,
    read_request,
    refusal,
)
from market_data.binance.streams import STATEFUL
from market_data.clients.client_state import ERRORS_MAX, REQUESTS_BURST, ClientState
from market_data.errors import CloseCode, RequestError
from market_data.fanout.hub import Hub
from market_data.fanout.session import Session
from market_data.fanout.terms import Socket
from market_data.feed.feed import Feed
from market_data.topics import Subscription
from tapewire.runtime.supervision import Errands
from tapewire.web.websocket_frames import json_frame

logger = logging.getLogger(__name__)

STREAMS_MAX = 1_024
"""Streams of one connection; the limit of Binance."""

_TOO_MANY_REQUESTS = -1003


class StreamClient(ClientState):
    """A connection: its streams by the names that it uses, and the form of its messages."""

    __slots__ = ("form", "streams")

    def __init__(self, form: Form, address: str | None = None) -> None:
        super().__init__(address=address)
        self.form = form
        self.streams: frozenset[Stream] = frozenset()


class StreamConversations:
    """Opens the sessions of Binance clients and answers their requests."""

    def __init__(self, hub: Hub, feed: Feed, table: SymbolTable) -> None:
        self._hub = hub
        self._feed = feed
        self._table = table
        self.errands = Errands()
        self.errors = 0

    async def open(self, socket: Socket, names: Iterable[str], client: StreamClient) -> Session:
        """Take an accepted connection in. Raises StreamError, before anything was done."""
        names = tuple(names)
        try:
            streams = self._read(names)
        except StreamError as error:
            if not error.may_be_new:
                raise
            await self._learn(names)
            streams = self._read(names)
        client.streams = _counted(streams)
        session = self._hub.connect(socket, _topics(client), on_text=self.answer, context=client)
        self._send_states(session, client, streams)
        return session

    def answer(self, session: Session, text: str) -> None:
        """Execute one request; a client with too many invalid requests is closed."""
        client = _client_of(session)
        if client.is_busy and len(client.waiting) < REQUESTS_BURST:
            client.waiting.append(text)
            return
        request_id: RequestId = None
        try:
            client.take_turn()
            members = read_members(text)
            request_id = read_id(members)
            self._do(session, client, read_request(members), request_id)
        except RequestError as error:
            self._refuse(session, StreamError(_TOO_MANY_REQUESTS, f"{error}."), None)
        except StreamError as error:
            self._refuse(session, error, request_id)

    def _do(
        self, session: Session, client: StreamClient, request: StreamRequest, request_id: RequestId
    ) -> None:
        if client.is_busy:
            raise StreamError(_TOO_MANY_REQUESTS, "An earlier request is still being served.")
        result: object = None
        if request.method == LIST_SUBSCRIPTIONS:
            result = sorted(map(self._name, client.streams))
        elif request.method == GET_PROPERTY:
            result = client.form.is_combined
        elif request.method == SET_PROPERTY:
            client.form = client.form._replace(is_combined=bool(request.is_combined))
            self._hub.subscribe(session, _topics(client))
        elif request.method == UNSUBSCRIBE:
            client.streams -= self._read(request.names, pass_unknown=True)
            self._hub.subscribe(session, _topics(client))
        else:
            self._subscribe(session, client, request, request_id)
            return
        session.send(json_frame(answer(result, request_id)))

    def _subscribe(
        self,
        session: Session,
        client: StreamClient,
        request: StreamRequest,
        request_id: RequestId,
        *,
        may_be_new: bool = True,
    ) -> None:
        try:
            streams = self._read(request.names)
        except StreamError as error:
            if not (may_be_new and error.may_be_new):
                raise
            client.is_busy = True
            self.errands.start(self._subscribe_later(session, client, request, request_id))
            return
        added = streams - client.streams
        client.streams = _counted(client.streams | streams)
        self._hub.subscribe(session, _topics(client))
        session.send(json_frame(answer(None, request_id)))
        self._send_states(session, client, added)

    async def _subscribe_later(
        self, session: Session, client: StreamClient, request: StreamRequest, request_id: RequestId
    ) -> None:
        """Subscribe once this process knows all symbols; other requests wait until then."""
        try:
            await self._learn(request.names)
            self._subscribe(session, client, request, request_id, may_be_new=False)
        except StreamError as error:
            self._refuse(session, error, request_id)
        except Exception:
            logger.exception("a request of a stream client could not be answered")
            session.close(CloseCode.FAILED, "internal error")
        client.is_busy = False
        waiting, client.waiting = client.waiting, []
        for text in waiting:
            self.answer(session, text)

    def _refuse(self, session: Session, error: StreamError, request_id: RequestId) -> None:
        client = _client_of(session)
        self.errors += 1
        client.errors += 1
        session.send(json_frame(refusal(error, request_id)))
        if client.errors >= ERRORS_MAX:
            session.close(CloseCode.TOO_MANY_ERRORS, "too many errors")

    def _read(self, names: Iterable[str], *, pass_unknown: bool = False) -> frozenset[Stream]:
        """The streams of these names. Raises StreamError."""
        symbols = self._table.symbols
        streams = set()
        for name in names:
            try:
                streams.add(read_stream(name, symbols))
            except StreamError as error:
                if not (pass_unknown and error.may_be_new):
                    raise
        return frozenset(streams)

    async def _learn(self, names: Iterable[str]) -> None:
        """Make sure that this process knows the symbols that the venue has now."""
        await self._feed.learns({name.partition("@")[0].upper() for name in names})

    def _name(self, stream: Stream) -> str:
        shown = self._table.shown(stream.symbol) if stream.symbol else ""
        return stream_name(stream.channel, shown)

    def _send_states(
        self, session: Session, client: StreamClient, streams: Iterable[Stream]
    ) -> None:
        session.send_states(
            stream.topic(client.form) for stream in sorted(streams) if stream.channel in STATEFUL
        )


def _client_of(session: Session) -> StreamClient:
    client = session.context
    if not isinstance(client, StreamClient):
        raise TypeError("the session was not opened by a conversation of streams")
    return client


def _topics(client: StreamClient) -> Subscription:
    """The topics of a client, and the topic that every client has."""
    streams = (*client.streams, Stream(SHUTDOWN, ""))
    return frozenset(stream.topic(client.form) for stream in streams)


def _counted(streams: frozenset[Stream]) -> frozenset[Stream]:
    if len(streams) > STREAMS_MAX:
        raise StreamError.invalid_request(f"at most {STREAMS_MAX} streams per connection")
    return streams
