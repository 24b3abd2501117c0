"""Secrets with which clients sign calls: made from the venue's master secret and a key id.

The venue keeps no secret of a key. The master secret lives outside Redis, in a file of mode 600 or
in a setting, so that a copy of Redis opens no account.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import string
from pathlib import Path

from tapewire.errors import ConfigurationError
from tapewire.limits import SECRET_FILE_BYTES_MAX
from tapewire.runtime.input_file import UnreadableFile, read_whole

API_KEY_PREFIX = "tw_"
MASTER_BYTES_MIN = 32
MASTER_FILE_NAME = "signing-master"
MASTER_VARIABLE = "TAPEWIRE_GATEWAY_SIGNING_MASTER_FILE"
FILE_MODE = 0o600

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 43 digits of base 62 hold 256 bits.
_SECRET_CHARACTERS = 43


def api_key(key_id: str) -> str:
    """The public name of a key, as clients send it with signed calls."""
    return f"{API_KEY_PREFIX}{key_id}"


def derive_secret(master: bytes, key_id: str) -> str:
    """The secret of a key: HMAC-SHA256 of its id, in base 62."""
    number = int.from_bytes(hmac.digest(master, key_id.encode(), hashlib.sha256))
    digits = ""
    for _ in range(_SECRET_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return digits


def read_master(path: Path) -> bytes:
    """The master secret of a file. Raises ConfigurationError, which names the file."""
    try:
        mode, master = path.stat().st_mode, read_whole(path, SECRET_FILE_BYTES_MAX).strip()
    except (OSError, UnreadableFile) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"the master secret {path} cannot be read: {reason}") from None
    if mode & 0o077:
        raise ConfigurationError(
            f"the master secret {path} is open to other users: run chmod 600 {path}"
        )
    if len(master) < MASTER_BYTES_MIN:
        raise ConfigurationError(
            f"the master secret {path} is too short: it needs {MASTER_BYTES_MIN} characters"
        )
    return master


def ensure_master(path: Path) -> bytes:
    """The master secret of a file; a missing file is made. Raises ConfigurationError.

    Several processes may do so at once: a file is whole when it appears, and the first one stays.
    """
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(MASTER_BYTES_MIN) + "\n")
            try:
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(draft)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the master secret {path} cannot be made: {error.strerror}"
            ) from None
    return read_master(path)
