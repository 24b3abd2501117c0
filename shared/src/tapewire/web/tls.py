"""TLS at both ends: the service's certificate and the client's trust. TLS 1.2 or newer."""

import ssl
from pathlib import Path

from tapewire.errors import ConfigurationError

# The services speak HTTP/1.1 only; without ALPN a client may try HTTP/2.
APPLICATION_PROTOCOLS = ["http/1.1"]


def server_context(
    certificate: Path | None, key: Path | None, key_password: str | None, *, prefix: str
) -> ssl.SSLContext | None:
    """The TLS context of a service, None for plain HTTP; `prefix` is the prefix of its settings.

    Raises ConfigurationError naming the setting: certificate without key or key without
    certificate, an unreadable file, a key of another certificate, or a wrong password.
    """
    if certificate is None and key is None:
        if key_password is not None:
            raise ConfigurationError(f"{prefix}TLS_KEY_PASSWORD is set, but there is no key")
        return None
    if certificate is None or key is None:
        missing, given = ("KEY", "CERTIFICATE") if key is None else ("CERTIFICATE", "KEY")
        raise ConfigurationError(
            f"{prefix}TLS_{given} is set, so {prefix}TLS_{missing} must be too"
        )
    check_readable(certificate, f"{prefix}TLS_CERTIFICATE")
    check_readable(key, f"{prefix}TLS_KEY")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(APPLICATION_PROTOCOLS)
    asked = False

    def answer() -> str:
        """The password of the key; without an answer OpenSSL would prompt at the terminal."""
        nonlocal asked
        asked = True
        return key_password or ""

    try:
        context.load_cert_chain(certificate, key, answer)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"the key does not belong to the certificate of {prefix}TLS_CERTIFICATE"
        elif asked:
            reason = f"{prefix}TLS_KEY_PASSWORD does not open it"
        else:
            reason = f"it and the certificate {certificate} are not a key and a chain in PEM"
        raise ConfigurationError(f"{prefix}TLS_KEY {key}: {reason}") from None
    return context


def client_context(ca_file: Path) -> ssl.SSLContext:
    """The context of a client that trusts the certificates of one PEM file and no others.

    The file may also be the service's own certificate. Raises ConfigurationError.
    """
    check_readable(ca_file, "the CA file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A certificate in the file is trusted directly, even when another certificate has signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise ConfigurationError(f"the CA file {ca_file} has no certificate in PEM") from None
    return context


def unverified_context() -> ssl.SSLContext:
    """The context of the launcher, which asks its own child over loopback whether it answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def check_readable(path: Path, name: str) -> None:
    """Raise ConfigurationError, beginning with `name`, for an unreadable file."""
    try:
        with path.open("rb"):
            return
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(f"{name} {path} cannot be read: {reason}") from None
