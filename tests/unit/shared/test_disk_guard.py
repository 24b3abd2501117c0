"""When orders are refused for want of room on the disk, and when they are taken again."""

from pathlib import Path

import pytest

from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.launcher.disk_guard import RESERVE_BYTES, RESUME_BYTES, DiskGuard

DATA = Path("data")


class Server:
    """Records the calls of the guard; may be away."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.is_away = False

    def refuse_writes(self, refused: bool) -> None:
        if self.is_away:
            raise RedisUnavailable("away")
        self.told.append(refused)


class Disk:
    """A disk whose free bytes a test sets."""

    def __init__(self) -> None:
        self.free = 10 * RESERVE_BYTES

    def __call__(self, path: Path) -> int:
        assert path == DATA
        return self.free


def test_orders_are_refused_while_there_is_still_room_and_taken_again() -> None:
    """Between the two bounds nothing changes, so that a venue does not flicker."""
    server, disk = Server(), Disk()
    guard = DiskGuard(server, DATA, disk)
    assert guard.check() is None
    disk.free = RESERVE_BYTES - 1
    news = guard.check()
    assert news is not None
    assert "the disk of data is full (67 MB left): orders are refused" in news
    disk.free = RESUME_BYTES - 1
    assert guard.check() is None
    assert guard.is_full
    disk.free = RESUME_BYTES
    assert "there is room again" in (guard.check() or "")
    assert server.told == [True, False]
    assert not guard.is_full


def test_a_server_that_is_away_is_told_later() -> None:
    """The news is said once, and the server is told at every look until it answers."""
    server, disk = Server(), Disk()
    guard = DiskGuard(server, DATA, disk)
    server.is_away = True
    disk.free = 0
    assert guard.check() is not None
    assert guard.check() is None
    server.is_away = False
    assert guard.check() is None
    assert guard.check() is None
    assert server.told == [True]


def test_a_venue_does_not_start_on_a_full_disk() -> None:
    """The sentence names the directory, what is left and what is needed."""
    disk = Disk()
    DiskGuard(Server(), DATA, disk).check_start()
    disk.free = 1_000_000
    with pytest.raises(ConfigurationError, match=r"disk of data is full \(1 MB left\).*67 MB"):
        DiskGuard(Server(), DATA, disk).check_start()
