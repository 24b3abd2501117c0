"""API keys: their text, their permissions, their record in Redis. Pure; `store.py` does the I/O.

The text of a key is `tw_<key_id>_<secret>`. Lists and Redis name a key by its id, which is public.
The secret is shown once, when the key is created. Redis keeps only the digest of the secret.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tapewire.values.types import Account

KEY_ID_CHARACTERS = 12
# 43 characters out of 62 carry 256 bits.
SECRET_CHARACTERS = 43

_ALPHABET = string.ascii_letters + string.digits
_KEY = re.compile(
    rf"tw_([A-Za-z0-9]{{{KEY_ID_CHARACTERS}}})_([A-Za-z0-9]{{{SECRET_CHARACTERS}}})", re.ASCII
)
_KEY_ID = re.compile(rf"[A-Za-z0-9]{{{KEY_ID_CHARACTERS}}}", re.ASCII)
# The digest that the secret of an unknown key is compared with; no known secret has it.
_NO_DIGEST = "0" * 64


class Permission(StrEnum):
    """A permission of a key.

    `trade` includes `read`. `admin` is for the operator of the venue and acts for no account.
    """

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Identity:
    """The account and permissions of a key; `expires_us` in microseconds since 1970 or None."""

    account: Account
    permissions: frozenset[Permission]
    key_id: str
    expires_us: int | None

    def allows(self, permission: Permission) -> bool:
        """Whether the key has the permission, directly or through one that includes it."""
        if permission in self.permissions:
            return True
        return permission is Permission.READ and Permission.TRADE in self.permissions


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the venue keeps it, without its secret. Times in microseconds since 1970."""

    key_id: str
    account: Account
    permissions: frozenset[Permission]
    digest: str = field(repr=False)
    label: str
    created_us: int
    expires_us: int | None
    revoked_us: int | None
    # The public key with which signed calls are checked (public_keys.py); empty: HMAC.
    public_key: str = ""

    @property
    def identity(self) -> Identity:
        """The identity that the key proves."""
        return Identity(self.account, self.permissions, self.key_id, self.expires_us)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just created; `text` is shown once and kept nowhere."""

    text: str = field(repr=False)
    record: ApiKey


def make_key(
    account: Account,
    permissions: Iterable[Permission],
    *,
    label: str,
    created_us: int,
    expires_us: int | None,
    public_key: str = "",
) -> NewKey:
    """A key with a random id and a random secret."""
    key_id = _random(KEY_ID_CHARACTERS)
    secret = _random(SECRET_CHARACTERS)
    record = ApiKey(
        key_id=key_id,
        account=account,
        permissions=frozenset(permissions),
        digest=secret_digest(secret),
        label=label,
        created_us=created_us,
        expires_us=expires_us,
        revoked_us=None,
        public_key=public_key,
    )
    return NewKey(f"tw_{key_id}_{secret}", record)


def split_key(text: str) -> tuple[str, str] | None:
    """Key id and secret; None if the text is no key."""
    match = _KEY.fullmatch(text)
    return None if match is None else (match[1], match[2])


def is_key_id(text: str) -> bool:
    """Whether a key may have this id."""
    return _KEY_ID.fullmatch(text) is not None


def secret_digest(secret: str) -> str:
    """The SHA-256 of a secret in hexadecimal.

    A slow hash is not needed, because 256 random bits cannot be guessed.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def proves(record: ApiKey | None, secret: str) -> bool:
    """Whether the secret belongs to the key. An unknown key costs the same time as a known one."""
    expected = _NO_DIGEST if record is None else record.digest
    return hmac.compare_digest(secret_digest(secret), expected) and record is not None


def read_permissions(text: str) -> frozenset[Permission]:
    """Permissions joined by commas. Raises ValueError for an unknown permission and for none."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in Permission.__members__.values()]
    if unknown:
        raise ValueError("permissions must be some of read, trade and admin")
    return frozenset(Permission(name) for name in names)


def write_permissions(permissions: Iterable[Permission]) -> str:
    """Permissions joined by commas, always in the same order."""
    held = set(permissions)
    return ",".join(permission for permission in Permission if permission in held)


def write_record(record: ApiKey) -> dict[str, str]:
    """The hash that Redis keeps: see docs/matching.md."""
    return {
        "account": record.account,
        "permissions": write_permissions(record.permissions),
        "digest": record.digest,
        "label": record.label,
        "created_us": str(record.created_us),
        "expires_us": _moment_text(record.expires_us),
        "revoked_us": _moment_text(record.revoked_us),
        "public_key": record.public_key,
    }


def read_record(key_id: str, fields: Mapping[str, str]) -> ApiKey | None:
    """A key from its hash; None if the hash is empty or incomplete."""
    try:
        return ApiKey(
            key_id=key_id,
            account=Account(fields["account"]),
            permissions=read_permissions(fields["permissions"]),
            digest=fields["digest"],
            label=fields["label"],
            created_us=int(fields["created_us"]),
            expires_us=_read_moment(fields["expires_us"]),
            revoked_us=_read_moment(fields["revoked_us"]),
            public_key=fields.get("public_key", ""),
        )
    except (KeyError, ValueError):
        return None


def _moment_text(moment_us: int | None) -> str:
    return "" if moment_us is None else str(moment_us)


def _read_moment(text: str) -> int | None:
    return int(text) if text else None


def _random(characters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))
