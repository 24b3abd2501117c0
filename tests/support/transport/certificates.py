"""A certificate authority of a test's own, and what it issues, as files."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

KEY_PASSWORD = "opensesame"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for 127.0.0.1 and localhost, its key, and the authority that signed it."""

    certificate: Path
    key: Path
    locked_key: Path
    ca_file: Path

    def variables(self, *prefixes: str) -> dict[str, str]:
        """The settings with which services present it."""
        return {
            f"{prefix}{name}": str(path)
            for prefix in prefixes
            for name, path in (("TLS_CERTIFICATE", self.certificate), ("TLS_KEY", self.key))
        }


def issue(folder: Path, name: str = "venue") -> Certificate:
    """Make an authority and let it sign; `locked_key` opens with KEY_PASSWORD."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    paths = [folder / f"{name}-{part}.pem" for part in ("chain", "key", "locked", "ca")]
    chain, key, locked, ca_file = paths
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    private = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(KEY_PASSWORD.encode()),
        )
    )
    ca_file.write_bytes(authority.cert_pem.bytes())
    return Certificate(chain, key, locked, ca_file)
