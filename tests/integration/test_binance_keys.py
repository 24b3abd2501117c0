"""Signed calls at a venue with keys: who may call, with which key, for how long."""

import json
import stat
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tapewire.api_keys.signing import MASTER_VARIABLE, ensure_master
from tapewire.cli import main
from tapewire.errors import ConfigurationError
from tests.support.running.key_venue import KeyVenue, running_key_venue
from tests.support.transport.signed import SignedClient, error
from tests.support.transport.websocket_api import WebSocketApi
from tests.support.wait import wait_for

PrivateKey: TypeAlias = Ed25519PrivateKey | rsa.RSAPrivateKey

REFUSED = (401, -2015, "Invalid API-key, IP, or permissions for action.")
FORMAT = (401, -2014, "API-key format invalid.")


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the venue keeps its master secret."""
    return tmp_path_factory.mktemp("master") / "secret"


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, master: Path
) -> Iterator[KeyVenue]:
    """A gateway that wants keys and has a master secret."""
    settings = {MASTER_VARIABLE: str(master), "TAPEWIRE_FUNDS": "unchecked"}
    folder = tmp_path_factory.mktemp("gateway")
    with running_key_venue(module_redis_url, folder, settings) as running:
        yield running


def made(venue: KeyVenue, url: str, master: Path, permissions: str) -> SignedClient:
    """A client with a key from the command line."""
    arguments = ["key", "create", "--account", "alice", "--permissions", permissions, "--json"]
    runner = CliRunner(env={MASTER_VARIABLE: str(master)})
    result = runner.invoke(main, [*arguments, "--redis-url", url])
    assert result.exit_code == 0, result.output
    key = json.loads(result.stdout)
    assert key["key"].startswith(key["api_key"])
    return SignedClient(str(venue.api.base_url), key["api_key"], key["api_secret"])


def test_a_key_signs_what_it_permits(venue: KeyVenue, module_redis_url: str, master: Path) -> None:
    """`read` reads, `trade` trades, `admin` does neither; another secret does nothing."""
    reader = made(venue, module_redis_url, master, "read")
    trader = made(venue, module_redis_url, master, "trade")
    admin = made(venue, module_redis_url, master, "admin")
    account = "/api/v3/account"
    assert reader.call("GET", account).json()["uid"] == trader.call("GET", account).json()["uid"]
    assert error(reader.order()) == REFUSED
    assert trader.order().status_code == 200
    assert error(admin.call("GET", account)) == error(admin.order()) == REFUSED
    foreign = SignedClient(str(venue.api.base_url), trader.key, reader.secret)
    assert error(foreign.call("GET", account))[1] == -1022
    for client in (reader, trader, admin, foreign):
        client.close()


def test_unknown_keys_are_all_alike(venue: KeyVenue) -> None:
    """A key that does not exist, the bearer text of a key, and a name of an account."""
    for key, answer in (("tw_abcdefghijkl", REFUSED), ("alice", FORMAT), ("tw_x", FORMAT)):
        client = SignedClient(str(venue.api.base_url), key)
        assert error(client.call("GET", "/api/v3/account")) == answer
        client.close()
    assert venue.api.get("/api/v3/exchangeInfo").status_code == 200
    assert error(venue.api.get("/api/v3/account")) == FORMAT


def test_a_key_made_over_rest_signs_until_it_is_revoked(
    venue: KeyVenue, module_redis_url: str, master: Path
) -> None:
    """A revoked key ends its connections, and the secret of a key follows from its id."""
    admin = made(venue, module_redis_url, master, "admin")
    key = CliRunner(env={MASTER_VARIABLE: str(master)}).invoke(
        main,
        ["key", "create", "--account", "operator", "--permissions", "admin",
         "--redis-url", module_redis_url],
    )  # fmt: skip
    assert "secret" in key.stderr
    headers = {"Authorization": f"Bearer {key.stdout.strip()}"}
    wanted = {"account": "bob", "permissions": ["trade"]}
    new = venue.api.post("/v1/admin/keys", json=wanted, headers=headers).json()
    bot = SignedClient(str(venue.api.base_url), new["api_key"], new["api_secret"])
    assert bot.order().status_code == 200
    with WebSocketApi(venue.service.port, new["api_key"], new["api_secret"]) as api:
        api.signed("userDataStream.subscribe.signature")
        gone = venue.api.delete(f"/v1/admin/keys/{new['key_id']}", headers=headers)
        assert gone.status_code == 200
        assert api.close_code() == 4502
    wait_for(lambda: error(bot.call("GET", "/api/v3/account")) == REFUSED, "the key is refused")
    bot.close()
    admin.close()


def test_the_master_secret_is_its_owner_s(tmp_path: Path) -> None:
    """Made once, with mode 600; a file that others can read, or a short one, is refused."""
    path = tmp_path / "secret"
    assert ensure_master(path) == ensure_master(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        ensure_master(path)
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(ConfigurationError, match="too short"):
        ensure_master(path)


def rsa_key(bits: int = 2_048) -> rsa.RSAPrivateKey:
    """A new private key."""
    return rsa.generate_private_key(65_537, bits)


def signed_by(key: PrivateKey, payload: bytes) -> bytes:
    """The signature of a payload as Binance wants it of the kind of the key."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(payload)
    return key.sign(payload, PKCS1v15(), SHA256())


@pytest.mark.parametrize("new_key", [Ed25519PrivateKey.generate, rsa_key])
def test_a_key_may_sign_with_a_private_key(
    venue: KeyVenue, module_redis_url: str, tmp_path: Path, new_key: Callable[[], PrivateKey]
) -> None:
    """The venue has the public key alone; another key, and an HMAC, are refused."""
    private, other = new_key(), new_key()
    file = tmp_path / "public.pem"
    file.write_bytes(
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    arguments = ["key", "create", "--account", "carol", "--permissions", "trade", "--json"]
    where = ["--public-key", str(file), "--redis-url", module_redis_url]
    made_key = json.loads(CliRunner().invoke(main, [*arguments, *where]).stdout)
    assert made_key["api_secret"] is None

    def call(key: PrivateKey) -> httpx.Response:
        form = f"timestamp={time.time_ns() // 1_000_000}&omitZeroBalances=true"
        signature = quote(b64encode(signed_by(key, form.encode())).decode(), safe="")
        headers = {"X-MBX-APIKEY": made_key["api_key"]}
        return venue.api.get(f"/api/v3/account?{form}&signature={signature}", headers=headers)

    assert call(private).status_code == 200
    assert error(call(other))[1] == -1022
    hmac_signed = SignedClient(str(venue.api.base_url), made_key["api_key"], "secret")
    assert error(hmac_signed.call("GET", "/api/v3/account"))[1] == -1022
    hmac_signed.close()
    small = rsa_key(1_024).public_key()
    for text, reason in (
        (b"no key", "is not a public key (PEM)"),
        (small.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "1,024 bits"),
    ):
        file.write_bytes(text)
        refused = CliRunner().invoke(main, [*arguments, *where])
        assert refused.exit_code == 1
        assert reason in refused.output
