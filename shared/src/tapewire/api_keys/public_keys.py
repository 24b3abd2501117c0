"""Keys that sign with Ed25519 or RSA: the venue keeps the public half, the client the private one.

The venue stores an Ed25519 key as base64 of its 32 bytes, and an RSA key as base64 of its DER form
(SubjectPublicKeyInfo). RSA signatures are PKCS #1 v1.5 with SHA-256, as Binance's. The package
`cryptography` does the arithmetic; it is optional (the extra `ed25519`).
"""

import base64
import binascii
from functools import lru_cache
from pathlib import Path
from typing import Any

from tapewire.errors import ConfigurationError
from tapewire.limits import SECRET_FILE_BYTES_MAX
from tapewire.runtime.input_file import UnreadableFile, read_whole

ED25519_BYTES = 32

RSA_BITS_MIN = 2_048
RSA_BITS_MAX = 4_096
"""Sizes of RSA keys that Binance takes; larger ones would cost the venue more time."""

KEYS_CACHED_MAX = 256
"""Keys that stay decoded; decoding an RSA key takes longer than a check of a signature."""

_MISSING = "keys that sign need the package cryptography: pip install 'tapewire[ed25519]'"


def read_public_key(path: Path) -> str:
    """The Ed25519 or RSA public key of a PEM file, as stored. Raises ConfigurationError."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            PublicFormat,
            load_pem_public_key,
        )
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    try:
        key = load_pem_public_key(read_whole(path, SECRET_FILE_BYTES_MAX))
    except UnreadableFile as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(f"{path} is not a public key (PEM)") from None
    if isinstance(key, Ed25519PublicKey):
        return base64.b64encode(key.public_bytes_raw()).decode()
    if not isinstance(key, RSAPublicKey):
        raise ConfigurationError(f"{path} has neither an Ed25519 nor an RSA key")
    if not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        raise ConfigurationError(
            f"{path} has an RSA key of {key.key_size:,} bits; {RSA_BITS_MIN:,} to "
            f"{RSA_BITS_MAX:,} are allowed"
        )
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def verifies(public_key: str, payload: bytes, signature: str) -> bool:
    """Whether a signature in base64 signs a payload. Raises ConfigurationError."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    try:
        raw = base64.b64decode(signature.encode(), validate=True)
        key = _decoded(public_key)
        if isinstance(key, Ed25519PublicKey):
            key.verify(raw, payload)
        else:
            key.verify(raw, payload, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@lru_cache(KEYS_CACHED_MAX)
def _decoded(public_key: str) -> Any:  # noqa: ANN401 (a class of an optional package)
    """The key of a stored text. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    raw = base64.b64decode(public_key)
    if len(raw) == ED25519_BYTES:
        return Ed25519PublicKey.from_public_bytes(raw)
    return load_der_public_key(raw)
