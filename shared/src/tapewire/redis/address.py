"""Parses a `REDIS_URL`: the servers, the login, and the timeouts.

    redis://  rediss://  unix://              one server
    redis+sentinel://  rediss+sentinel://     the primary that Sentinels name
    redis+cluster://   rediss+cluster://      the node of a Cluster that serves the venue's slot

`rediss` is TLS, to the Sentinels too. Unknown parts of a URL are refused: a misspelt option would
silently be the default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from tapewire.errors import ConfigurationError
from tapewire.limits import SECRET_FILE_BYTES_MAX
from tapewire.runtime.input_file import UnreadableFile, read_whole

Host = tuple[str, int]
Kind = Literal["server", "sentinel", "cluster"]

DEFAULT_PORT = 6379
SENTINEL_PORT = 26_379

_SCHEMES: Mapping[str, tuple[Kind, bool]] = {
    "redis": ("server", False),
    "rediss": ("server", True),
    "unix": ("server", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_TLS_PATHS = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"})
_TLS_OPTIONS = _TLS_PATHS | {"ssl_password", "ssl_cert_reqs", "ssl_check_hostname"}
_CERTIFICATE_CHECKS = ("required", "optional", "none")
_LOGIN_OPTIONS = frozenset({"username", "password", "password_file"})
_SENTINEL_LOGIN_OPTIONS = frozenset(f"sentinel_{name}" for name in _LOGIN_OPTIONS)
_UNSHOWN = _LOGIN_OPTIONS | _SENTINEL_LOGIN_OPTIONS | {"ssl_password"}
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is and how long to wait for it."""

    url: str
    connect_timeout_s: float
    timeout_s: float
    client_name: str

    @property
    def shown(self) -> str:
        """The URL without its login and passwords. Raises ConfigurationError if it is no URL."""
        parts = _split(self.url)
        query = [pair for pair in parse_qsl(parts.query) if pair[0] not in _UNSHOWN]
        return parts._replace(
            netloc=parts.netloc.rpartition("@")[2], query=urlencode(query, safe="/")
        ).geturl()

    def options(self) -> dict[str, Any]:
        """Connection options that every kind of client has."""
        return {
            "socket_connect_timeout": self.connect_timeout_s,
            "socket_timeout": self.timeout_s,
            "client_name": self.client_name,
            "decode_responses": False,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """A `REDIS_URL`, read: `login` and `tls` are connection options of redis-py."""

    kind: Kind
    # Of one server the server, else Sentinels or nodes to ask; none for a Unix socket.
    hosts: tuple[Host, ...]
    login: Mapping[str, Any]
    tls: Mapping[str, Any] | None = None
    socket_path: str = ""
    database: int = 0
    # Only of Sentinels: the name of the watched service, and the login at the Sentinels.
    service: str = ""
    sentinel_login: Mapping[str, Any] | None = None


def read_address(url: str) -> Place:
    """Take a URL apart. Raises ConfigurationError, which names the part that is wrong."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ConfigurationError(f"REDIS_URL: begin it with one of {', '.join(_SCHEMES)}, and ://")
    kind, is_secure = _SCHEMES[scheme]
    parts = _split(url)
    query = _read_query(parts, kind, is_secure=is_secure)
    name, _, hosts = parts.netloc.rpartition("@")
    user, _, password = name.partition(":")
    login = _login({"username": unquote(user), "password": unquote(password)}, query, "")
    common: dict[str, Any] = {"login": login, "tls": _read_tls(query) if is_secure else None}
    path = unquote(parts.path)
    if scheme == "unix":
        return Place(kind, (), socket_path=path, database=_database(query.get("db")), **common)
    port = SENTINEL_PORT if kind == "sentinel" else DEFAULT_PORT
    # redis:///0 is this machine, as redis-py has it.
    texts = ["localhost"] if not hosts and kind == "server" else hosts.split(",")
    found = tuple(_read_host(text, port) for text in texts)
    if kind == "server" and len(found) > 1:
        raise ConfigurationError(f"REDIS_URL: {scheme}:// takes one server")
    if kind != "sentinel":
        database = _database(query.get("db") or path.strip("/"))
        if kind == "cluster" and database:
            raise ConfigurationError("REDIS_URL: a Redis Cluster has database 0 only")
        return Place(kind, found, database=database, **common)
    service, _, number = path.strip("/").partition("/")
    if not service:
        raise ConfigurationError(f"REDIS_URL: {scheme}://host:port/SERVICE needs the service")
    return Place(
        kind,
        found,
        database=_database(query.get("db") or number),
        service=service,
        sentinel_login=_login({}, query, "sentinel_"),
        **common,
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        # The text of the ValueError may have the password.
        raise ConfigurationError(
            "REDIS_URL: the host is not valid; write redis://HOST:PORT/DATABASE, with an IPv6 "
            "address in brackets"
        ) from None


def _read_query(parts: SplitResult, kind: Kind, *, is_secure: bool) -> dict[str, str]:
    allowed = _LOGIN_OPTIONS | {"db"}
    if is_secure:
        allowed |= _TLS_OPTIONS
    if kind == "sentinel":
        allowed |= _SENTINEL_LOGIN_OPTIONS
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in query:
        if name not in allowed:
            raise ConfigurationError(
                f"REDIS_URL: unknown option {name!r}; {parts.scheme}:// takes "
                f"{', '.join(sorted(allowed))}"
            )
    return query


def _read_tls(query: Mapping[str, str]) -> dict[str, Any]:
    tls: dict[str, Any] = {name: text for name, text in query.items() if name in _TLS_OPTIONS}
    for name in _TLS_PATHS & tls.keys():
        if not Path(tls[name]).exists():
            raise ConfigurationError(f"REDIS_URL: {name}: there is no file {tls[name]}")
    if tls.get("ssl_cert_reqs", "required") not in _CERTIFICATE_CHECKS:
        raise ConfigurationError(
            f"REDIS_URL: ssl_cert_reqs is one of {', '.join(_CERTIFICATE_CHECKS)}"
        )
    if "ssl_check_hostname" in tls:
        tls["ssl_check_hostname"] = _truth(tls["ssl_check_hostname"])
    return tls


def _login(given: Mapping[str, str], query: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """User and password of the URL; its query counts more, a password file most."""
    user = query.get(f"{prefix}username") or given.get("username")
    password = query.get(f"{prefix}password") or given.get("password")
    file = query.get(f"{prefix}password_file")
    if file is not None:
        password = _read_password(file)
    return {"username": user or None, "password": password or None}


def _read_password(file: str) -> str:
    try:
        return read_whole(Path(file), SECRET_FILE_BYTES_MAX).decode("utf-8").strip()
    except (UnreadableFile, UnicodeDecodeError) as error:
        reason = str(error) if isinstance(error, UnreadableFile) else "it is not UTF-8"
        raise ConfigurationError(
            f"REDIS_URL: the password file {file} cannot be read: {reason}"
        ) from None


def _read_host(text: str, default_port: int) -> Host:
    """`host`, `host:port` or `[address]:port`."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(default_port)
    host = host.strip("[]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigurationError(f"REDIS_URL: {text!r} is not host:port")
    return host, int(port)


def _database(text: str | None) -> int:
    if not text:
        return 0
    if not text.isdecimal():
        raise ConfigurationError(f"REDIS_URL: {text!r} is not the number of a database")
    return int(text)


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ConfigurationError(f"REDIS_URL: {text!r} is neither true nor false")
    return _TRUTHS[text.lower()]
