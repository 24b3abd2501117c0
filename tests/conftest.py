"""A real Redis for every test that needs one, and turns of the workers of `make test`.

Without `-n` all tests run in one process. With `-n` each worker has a Redis of its own, a file
stays with one worker (`--dist loadfile`), and tests marked `serial` run while no other test runs.
"""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import certifi
import pytest
import redis
from hypothesis import HealthCheck, Phase, settings

from tapewire.redis.binary import find_server
from tapewire.redis.server import RedisServer
from tests.support.profile import PROFILE
from tests.support.running.leftovers import Leftovers
from tests.support.running.processes import is_setting
from tests.support.running.turns import Turns

# Files and folders in the order in which they run: what takes longest comes first, so that no
# worker begins a long file when the others are done. Failovers wait more than they compute.
FIRST = (
    "tests/e2e/test_sentinel_failovers.py", "tests/e2e/test_cluster_failovers.py",
    "tests/property/", "tests/e2e/", "tests/real_data/", "tests/integration/",
)  # fmt: skip
TURNS = pytest.StashKey[Turns]()

# Tests with random input, in all folders: a busy machine is no failure, and a failing example is
# printed shrunk, with a line that replays it. `make test-nightly` looks fifty times longer.
_COMMON = settings(
    deadline=None,
    database=None,
    print_blob=True,
    # Generating a sequence is cheap beside running it against Redis.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
settings.register_profile("default", _COMMON, max_examples=50)
settings.register_profile("nightly", _COMMON, max_examples=2_500)
settings.load_profile(PROFILE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which Redis server the tests start, and what a run writes into a document."""
    parser.addoption(
        "--server",
        choices=("embedded", "path"),
        default="embedded",
        help="the Redis server of tests: embedded (from the wheel) or path (redis-server on PATH)",
    )
    parser.addoption(
        "--write-clients",
        action="store_true",
        help="write the table of clients and calls into docs/binance.md",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put the chosen server first on PATH, for child processes too, and share locks with them.

    The settings of a venue that the shell has are dropped.
    """
    # A shell lets its background jobs ignore SIGINT, and their children would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    changes = pytest.MonkeyPatch()
    config.add_cleanup(changes.undo)
    # Commands and programs that run in this process read the environment, too.
    for name in filter(is_setting, tuple(os.environ)):
        changes.delenv(name)
    if hasattr(config, "workerinput"):  # a worker has the environment of the process that began
        folder = Path(config.workerinput["turns_folder"])
        trust_one_certificate(folder, changes)
        config.stash[TURNS] = Turns(folder)
        return
    config.pluginmanager.register(Leftovers(), "leftovers")
    temporary = TemporaryDirectory(prefix="tapewire-tests-")
    config.add_cleanup(temporary.cleanup)
    folder = Path(temporary.name)
    trust_one_certificate(folder, changes)
    config.stash[TURNS] = Turns(folder)
    if config.getoption("--server") == "embedded":
        embedded = find_server(os.devnull).path
        (folder / "redis-server").symlink_to(embedded)
        changes.setenv("PATH", str(folder), prepend=os.pathsep)


def trust_one_certificate(folder: Path, changes: pytest.MonkeyPatch) -> None:
    """Let httpx trust one public certificate: it reads all of them for each client, in 25 ms.

    The variables of the machine, which child processes inherit, name that file too.
    """
    file = folder / "certificates.pem"
    if not file.exists():
        first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----")
        file.write_text(f"{first}{end}\n", "utf-8")
    changes.setattr(certifi, "where", lambda: str(file))
    changes.setenv("SSL_CERT_FILE", str(file))
    changes.delenv("SSL_CERT_DIR", raising=False)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker that starts where the locks are."""
    node.workerinput["turns_folder"] = str(node.config.stash[TURNS].folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto` starts three workers more than there are processors, because many tests wait."""
    return (os.cpu_count() or 1) + 3


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without garbage collection: of all that is made here, nearly everything stays.

    Each worker collects all tests. Without this hook a quarter of the time goes into searches
    through objects that stay. Afterwards no search visits these objects again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, serial tests last; otherwise as they were found."""

    def position(item: pytest.Item) -> tuple[bool, int]:
        name = item.path.relative_to(item.config.rootpath).as_posix()
        place = next((n for n, first in enumerate(FIRST) if name.startswith(first)), len(FIRST))
        return item.get_closest_marker("serial") is not None, place

    items.sort(key=position)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Wait for the turn of a test; the wait counts for no timeout and no duration."""
    with item.config.stash[TURNS].turn(alone=item.get_closest_marker("serial") is not None):
        return (yield)


@pytest.fixture(scope="session")
def session_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of a worker; tests take `redis_url`, which empties it first."""
    # everysec: no test that shares a server kills it, so none needs a sync per command.
    with RedisServer(tmp_path_factory.mktemp("redis"), fsync="everysec") as server:
        yield server


@pytest.fixture(scope="session")
def session_client(session_redis: RedisServer) -> Iterator[redis.Redis]:
    """One client that empties the server of a worker: a new client for each test costs 3 ms."""
    with redis.Redis(port=session_redis.port) as client:
        yield client


@pytest.fixture(scope="module")
def module_redis_url(session_redis: RedisServer, session_client: redis.Redis) -> str:
    """The URL of a Redis that was empty when the module began.

    For services that live as long as a module. A gateway takes the instruments that Redis has, so
    that instruments of an earlier module would stay.
    """
    session_client.flushall()
    return session_redis.url


@pytest.fixture
def redis_url(session_redis: RedisServer, session_client: redis.Redis) -> str:
    """The URL of a running, empty Redis."""
    session_client.flushall()
    return session_redis.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running server of this test's own, durable as in production, that it may kill."""
    with RedisServer(tmp_path / "redis") as server:
        yield server
