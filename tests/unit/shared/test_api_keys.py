"""API keys: their text, their digest, what they permit, and what is never shown."""

import hmac
from collections.abc import Callable
from dataclasses import replace

import pytest

from tapewire.api_keys import text as api_keys
from tapewire.api_keys.text import (
    ApiKey,
    NewKey,
    Permission,
    is_key_id,
    make_key,
    proves,
    read_permissions,
    read_record,
    split_key,
    write_permissions,
    write_record,
)
from tapewire.api_keys.verifier import bearer_key
from tapewire.errors import KeyInvalid
from tapewire.values.types import Account

ALICE = Account("alice")


def made(*permissions: Permission) -> NewKey:
    """A key that never expires."""
    return make_key(ALICE, permissions, label="bot", created_us=1, expires_us=None)


def test_a_key_splits_into_its_id_and_its_secret() -> None:
    """The text names the record, and its secret proves it."""
    new = made(Permission.TRADE)
    parts = split_key(new.text)
    assert parts is not None
    assert parts[0] == new.record.key_id
    assert is_key_id(parts[0])
    assert proves(new.record, parts[1])


def test_two_keys_have_nothing_in_common() -> None:
    """Id and secret are random."""
    first, second = (split_key(made(Permission.READ).text) for _ in range(2))
    assert first is not None
    assert second is not None
    assert not {*first} & {*second}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text + "\n",
        lambda text: text.upper(),
        lambda text: text.replace("_", "-"),
        lambda text: f" {text}",
        lambda text: text[:-1] + "é",
        lambda text: text[:-1] + "٣",
        lambda _: "",
    ],
)
def test_what_is_no_key_is_not_taken_for_one(change: Callable[[str], str]) -> None:
    """Every other text is malformed."""
    assert split_key(change(made(Permission.READ).text)) is None


def test_only_the_digest_is_kept() -> None:
    """Neither the record in Redis nor loggable texts contain the secret."""
    new = made(Permission.READ)
    parts = split_key(new.text)
    assert parts is not None
    assert parts[1] not in str(write_record(new.record))
    assert parts[1] not in repr(new)
    assert new.record.digest not in repr(new)


def test_a_wrong_secret_proves_nothing() -> None:
    """Another secret and the digest itself are refused."""
    record = made(Permission.READ).record
    assert not proves(record, "a" * 43)
    assert not proves(record, record.digest)


def test_an_unknown_key_costs_the_same_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digest and comparison run once, whether there is such a key or not."""
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counted(left: str, right: str) -> bool:
        compared.append((len(left), len(right)))
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    new = made(Permission.READ)
    assert not proves(None, "a" * 43)
    assert not proves(new.record, "a" * 43)
    assert proves(new.record, new.text[-43:])
    assert compared == [(64, 64)] * 3


def test_no_secret_proves_an_unknown_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one with the digest that unknown keys are compared with."""
    monkeypatch.setattr(api_keys, "secret_digest", lambda _: "0" * 64)
    assert not proves(None, "a" * 43)


@pytest.mark.parametrize(
    ("held", "allowed"),
    [
        ({Permission.READ}, {Permission.READ}),
        ({Permission.TRADE}, {Permission.READ, Permission.TRADE}),
        ({Permission.ADMIN}, {Permission.ADMIN}),
        ({Permission.READ, Permission.ADMIN}, {Permission.READ, Permission.ADMIN}),
    ],
)
def test_trade_includes_read_and_admin_stands_alone(
    held: set[Permission], allowed: set[Permission]
) -> None:
    """What each permission is good for."""
    identity = made(*held).record.identity
    assert {permission for permission in Permission if identity.allows(permission)} == allowed


def test_a_record_is_read_as_it_was_written() -> None:
    """With and without moments."""
    record = made(Permission.TRADE, Permission.ADMIN).record
    for each in (record, replace(record, expires_us=5, revoked_us=7)):
        assert read_record(record.key_id, write_record(each)) == each


# Keys that were made before there were public keys have none.
NEEDED = [name for name in ApiKey.__slots__ if name not in {"key_id", "public_key"}]


@pytest.mark.parametrize("field", NEEDED)
def test_half_a_record_is_no_key(field: str) -> None:
    """What is not whole proves nothing."""
    record = made(Permission.TRADE).record
    fields = write_record(record)
    del fields[field]
    assert read_record(record.key_id, fields) is None


def test_permissions_are_read_in_any_order() -> None:
    """Permissions are written in one order."""
    assert write_permissions(read_permissions("trade, read")) == "read,trade"


@pytest.mark.parametrize("text", ["", "all", "read,", "READ", "read,root"])
def test_unknown_permissions_are_refused(text: str) -> None:
    """None is one of them."""
    with pytest.raises(ValueError, match="read, trade and admin"):
        read_permissions(text)


def test_a_bearer_key_is_read() -> None:
    """The scheme in any case; None without the header."""
    assert bearer_key([(b"host", b"x"), (b"authorization", b"bEARER  tw_1 ")]) == "tw_1"
    assert bearer_key([(b"host", b"x")]) is None


@pytest.mark.parametrize(
    "values", [[b"Basic YTpi"], [b"tw_1"], [b""], [b"Bearer a", b"Bearer a"], [b"Bearer\ta"]]
)
def test_another_authorization_is_refused(values: list[bytes]) -> None:
    """Another scheme, no scheme, or the header twice, even if both are the same."""
    with pytest.raises(KeyInvalid):
        bearer_key([(b"authorization", value) for value in values])
