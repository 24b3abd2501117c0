"""Keys that sign with Ed25519: the venue keeps the public half, the client alone the private one.

The package `cryptography` does the arithmetic; it is optional (the extra `ed25519`).
"""

import base64
import binascii
from pathlib import Path

from tapewire.errors import ConfigurationError

_MISSING = "Ed25519 keys need the package cryptography: pip install 'tapewire[ed25519]'"


def read_public_key(path: Path) -> str:
    """The public key of a PEM file, in base64. Raises ConfigurationError."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{path} is not a public Ed25519 key (PEM)")
    return base64.b64encode(key.public_bytes_raw()).decode()


def verifies(public_key: str, payload: bytes, signature: str) -> bool:
    """Whether a signature in base64 is that of a payload. Raises ConfigurationError."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    try:
        raw = base64.b64decode(signature.encode(), validate=True)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key)).verify(raw, payload)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
