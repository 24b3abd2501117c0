"""The bound on the memory of all slow clients together."""

from market_data.fanout.audience import Audience
from market_data.fanout.hub import Hub
from market_data.fanout.lag import SLOW_CONSUMER_CLOSE_CODE, LagPolicy
from market_data.fanout.memory_budget import MemoryBudget
from market_data.topics import EVERY_SYMBOL
from tests.support.transport.fake_socket import FakeSocket

EVERY_TRADE = frozenset({("trades", EVERY_SYMBOL)})


def audience_of(*hubs: Hub) -> Audience:
    """The clients of these hubs as those of one process."""
    return Audience(*hubs, clients_max=100)


def stalled(hub: Hub, messages: int) -> FakeSocket:
    """A client with a full socket that is behind by so many messages of 100 bytes."""
    socket = FakeSocket(room_bytes=0)
    socket.session = hub.connect(socket, EVERY_TRADE, policy=LagPolicy.SKIP)
    for seq in range(messages):
        hub.publish("trades", "A", seq, b"x" * 100)
    hub.flush()
    return socket


def test_the_slowest_client_is_closed_first() -> None:
    """Over the budget, clients are closed in order of their lag until the rest fits."""
    hub = Hub()
    first = stalled(hub, 50)
    second = stalled(hub, 20)
    budget = MemoryBudget(audience_of(hub), bytes_max=3_000)
    assert hub.used_bytes() >= 7_000
    assert budget.enforce() == 1
    assert first.closed_with is not None
    assert first.closed_with[0] == SLOW_CONSUMER_CLOSE_CODE
    assert second.closed_with is None
    assert hub.used_bytes() <= 3_000


def test_within_the_budget_nobody_is_closed() -> None:
    """Within the budget no client is closed."""
    hub = Hub()
    socket = stalled(hub, 50)
    assert MemoryBudget(audience_of(hub), bytes_max=1_000_000).enforce() == 0
    assert socket.closed_with is None


def test_the_slowest_client_of_all_hubs_is_closed() -> None:
    """A budget counts every hub of a process, and so does the limit of clients."""
    feed, streams = Hub(), Hub(farewell=lambda _since: b"")
    fast, slow = stalled(feed, 1), stalled(streams, 1)
    for hub, messages in ((feed, 20), (streams, 50)):
        for seq in range(messages):
            hub.publish("trades", "A", seq, b"x" * 100)
        hub.flush()
    audience = audience_of(feed, streams)
    assert (audience.clients, audience.is_full) == (2, False)
    assert Audience(feed, streams, clients_max=2).is_full
    assert MemoryBudget(audience, bytes_max=5_000).enforce() == 1
    assert (fast.closed_with, slow.closed_with) == (
        None,
        (SLOW_CONSUMER_CLOSE_CODE, "slow_consumer"),
    )
    # A hub without a farewell closes its clients without a last message.
    assert slow.writes == [b"x" * 100]
    assert audience.slow_disconnects == 1
