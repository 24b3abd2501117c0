"""A venue on a disk that fills up: readable, supervised, and whole when there is room again."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tapewire.launcher.disk_guard import RESERVE_BYTES, RESUME_BYTES
from tests.support.running.launcher import REDIS, Launcher, launched
from tests.support.wait import wait_for

DISK_BYTES = 3 * RESUME_BYTES
TIMEOUT_S = 40.0
# In a namespace of its own a process may mount a disk that only it and its children see.
NAMESPACE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "-Urm")
MOUNT = f'mount -t tmpfs -o size={DISK_BYTES} tmpfs "$0" && exec "$@"'


def may_mount() -> bool:
    """Whether this machine lets a test mount a disk."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = [*NAMESPACE, "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]
    return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0


pytestmark = pytest.mark.skipif(not may_mount(), reason="no disk can be mounted here")


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """A venue whose data directory is a small disk of its own; each test leaves room on it."""
    folder = tmp_path_factory.mktemp("venue")
    data = folder / "data"
    data.mkdir()
    mount = (*NAMESPACE, "sh", "-c", MOUNT, str(data))
    with launched(folder, before=mount) as launcher:
        launcher.wait_until_running()
        yield launcher
        assert launcher.process.poll() is None
        assert launcher.interrupt() == 0


def on_disk(launcher: Launcher) -> Path:
    """The data directory as the venue sees it."""
    return Path(f"/proc/{launcher.process.pid}/root") / launcher.data_dir.relative_to("/")


def fill(launcher: Launcher, left: int) -> Path:
    """Leave `left` bytes of the disk free; returns the file that takes the others."""
    path = on_disk(launcher) / "filler"
    chunk = b"\0" * 1_048_576
    with path.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(path.parent).free) > left:
            try:
                file.write(chunk[: min(len(chunk), free - left)])
            except OSError:
                break
    return path


def place(launcher: Launcher, name: str) -> int:
    """The status of an order."""
    order = {
        "symbol": "BTC-USDT", "side": "sell", "order_type": "limit", "quantity": "0.1",
        "price": "60000", "client_order_id": name,
    }  # fmt: skip
    try:
        url = f"{launcher.gateway_url}/v1/orders"
        return httpx.post(url, json=order, trust_env=False, timeout=10).status_code
    except httpx.TransportError:
        return 0


def open_orders(launcher: Launcher) -> set[str] | None:
    """The names of the open orders; None while they cannot be read."""
    try:
        reply = httpx.get(
            f"{launcher.gateway_url}/v1/orders?limit=500", trust_env=False, timeout=10
        )
    except httpx.TransportError:
        return None
    if reply.status_code != 200:
        return None
    return {order["client_order_id"] for order in reply.json()["orders"]}


def test_orders_are_refused_before_the_disk_is_full(venue: Launcher) -> None:
    """Reading goes on, no process ends, and room alone makes orders possible again."""
    others = open_orders(venue) or set()
    assert place(venue, "before") == 201
    family, told = venue.children(), len(venue.output)
    filler = fill(venue, RESERVE_BYTES // 2)
    wait_for(lambda: "is full" in venue.output[told:], "the disk is named", TIMEOUT_S)
    wait_for(lambda: place(venue, "refused") == 503, "orders are refused", TIMEOUT_S)
    assert open_orders(venue) == others | {"before"}
    filler.unlink()
    wait_for(lambda: place(venue, "after") in {200, 201}, "orders are taken again", TIMEOUT_S)
    assert open_orders(venue) == others | {"before", "after"}
    assert venue.children() == family
    assert f"the disk of {venue.data_dir} is full" in venue.output[told:]


def test_a_disk_that_is_full_at_once_does_not_end_the_venue(venue: Launcher) -> None:
    """Redis ends when it cannot sync an order; it comes back readable, with all that it took."""
    taken, told = {"first"}, len(venue.output)
    assert place(venue, "first") == 201
    # Nobody watches the disk meanwhile.
    os.kill(venue.process.pid, signal.SIGSTOP)
    filler = fill(venue, 0)

    def has_ended() -> bool:
        name = f"order-{len(taken)}"
        if place(venue, name) == 201:
            taken.add(name)
        return not venue.children(REDIS)

    wait_for(has_ended, "Redis ends", TIMEOUT_S)
    os.kill(venue.process.pid, signal.SIGCONT)
    wait_for(
        lambda: "redis ended (exit status 1)" in venue.output[told:], "that is told", TIMEOUT_S
    )
    wait_for(lambda: open_orders(venue) is not None, "orders can be read", TIMEOUT_S)
    assert place(venue, "refused-again") == 503
    assert f"the disk of {venue.data_dir} is full" in venue.output[told:]
    assert taken <= (open_orders(venue) or set())
    filler.unlink()
    wait_for(lambda: "there is room again" in venue.output[told:], "the room is noticed", TIMEOUT_S)
    wait_for(lambda: place(venue, "last") in {200, 201}, "orders are taken again", TIMEOUT_S)
    assert taken | {"last"} <= (open_orders(venue) or set())


def test_a_start_on_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    """Nothing is started, and what is needed is said."""
    data = tmp_path / "data"
    data.mkdir()
    mount = (*NAMESPACE, "sh", "-c", 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"', str(data))
    with launched(tmp_path, before=mount) as launcher:
        assert launcher.wait_for_end() == 1
        assert f"the disk of {data} is full" in launcher.output
        assert "make room" in launcher.output
