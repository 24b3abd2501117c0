"""What a REDIS_URL says, and what is refused in it."""

from pathlib import Path
from typing import Any

import pytest

from tapewire.errors import ConfigurationError
from tapewire.redis.address import Place, RedisAddress, read_address

NOBODY: dict[str, Any] = {"username": None, "password": None}


def test_every_form_is_read() -> None:
    """One server, a socket, Sentinels and a Cluster, each with its hosts."""
    server = read_address("redis://me:p%40ss@redis.example:7000/3")
    login = {"username": "me", "password": "p@ss"}
    assert server == Place("server", (("redis.example", 7000),), login, database=3)
    assert read_address("redis://[::1]") == Place("server", (("::1", 6379),), NOBODY)
    socket = read_address("unix:///run/redis.sock?db=2")
    assert socket == Place("server", (), NOBODY, socket_path="/run/redis.sock", database=2)
    sentinel = read_address("redis+sentinel://:secret@a,b:27000/venue/1?sentinel_password=x")
    assert sentinel == Place(
        "sentinel",
        (("a", 26_379), ("b", 27_000)),
        {"username": None, "password": "secret"},
        database=1,
        service="venue",
        sentinel_login={"username": None, "password": "x"},
    )
    cluster = read_address("redis+cluster://[::1]:3")
    assert cluster == Place("cluster", (("::1", 3),), NOBODY)
    assert read_address("redis+cluster://a:1,b").hosts == (("a", 1), ("b", 6379))


@pytest.mark.parametrize("scheme", ["rediss", "rediss+sentinel", "rediss+cluster"])
def test_every_form_has_tls(scheme: str, tmp_path: Path) -> None:
    """An s makes it TLS, with the options that redis-py gives it."""
    file = tmp_path / "ca.pem"
    file.touch()
    end = "/venue" if scheme.endswith("sentinel") else ""
    plain = read_address(f"{scheme}://a:1{end}")
    assert plain.tls == {}
    query = f"ssl_ca_certs={file}&ssl_check_hostname=false"
    place = read_address(f"{scheme}://a:1{end}?{query}")
    assert place.tls == {"ssl_ca_certs": str(file), "ssl_check_hostname": False}


@pytest.mark.parametrize("scheme", ["redis", "redis+sentinel", "redis+cluster"])
def test_a_password_may_stand_in_a_file(scheme: str, tmp_path: Path) -> None:
    """The file counts more than the URL, for the servers and for the Sentinels."""
    file = tmp_path / "password"
    file.write_text("from the file\n")
    end, more = "/venue" if scheme == "redis+sentinel" else "", ""
    if scheme == "redis+sentinel":
        more = f"&sentinel_password_file={file}"
    place = read_address(f"{scheme}://me:other@a:1{end}?password_file={file}{more}")
    assert place.login == {"username": "me", "password": "from the file"}
    if place.kind == "sentinel":
        assert place.sentinel_login == {"username": None, "password": "from the file"}


WRONG = {
    "localhost:6379": "begin it with one of",
    "http://a": "begin it with one of",
    "redis://a:port": "'a:port' is not host:port",
    "redis://a:0": "'a:0' is not host:port",
    "redis://a:1,b:2": "takes one server",
    "redis://a/first": "'first' is not the number of a database",
    "redis+sentinel://a:1/venue/one": "'one' is not the number of a database",
    "redis+sentinel://a:1": "needs the service",
    "redis+cluster://a:1/2": "database 0 only",
    "redis+cluster://,": "is not host:port",
    "redis://a?socket_timeout=100": "unknown option 'socket_timeout'",
    "redis://a?ssl_ca_certs=x": "unknown option 'ssl_ca_certs'",
    "redis://a?sentinel_password=x": "unknown option 'sentinel_password'",
    "rediss://a?ssl_ca_certs=/nowhere/ca.pem": "there is no file /nowhere/ca.pem",
    "rediss://a?ssl_cert_reqs=maybe": "ssl_cert_reqs is one of required, optional, none",
    "rediss://a?ssl_check_hostname=maybe": "neither true nor false",
    "redis://[::1": "the host is not valid",
    "redis://me:secret@℀": "the host is not valid",
}


@pytest.mark.parametrize("url", WRONG)
def test_what_is_wrong_is_named(url: str) -> None:
    """Nothing is ignored and nothing silently becomes a default."""
    sentence = WRONG[url]
    with pytest.raises(ConfigurationError, match="REDIS_URL: ") as caught:
        read_address(url)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:secret@a:1/0", "redis://a:1/0"),
        ("redis://a:1/0?password=secret", "redis://a:1/0"),
        (
            "redis+sentinel://:s@a:1,b:2/venue?sentinel_password=t&password_file=/run/p",
            "redis+sentinel://a:1,b:2/venue",
        ),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    """Logs and messages have the address without what is secret."""
    assert RedisAddress(url, 1, 1, "test").shown == shown


@pytest.mark.parametrize("url", ["redis://me:secret@[::1", "redis://me:secret@℀"])
def test_a_malformed_url_is_shown_to_nobody(url: str) -> None:
    """The refusal of a malformed URL has no part of it, because a part may be the password."""
    for read in (read_address, lambda text: RedisAddress(text, 1, 1, "test").shown):
        with pytest.raises(ConfigurationError, match="write redis://") as caught:
            read(url)
        assert "secret" not in str(caught.value)
