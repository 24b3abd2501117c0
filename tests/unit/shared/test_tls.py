"""The certificate settings of a service, and whom a client trusts."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tapewire.errors import ConfigurationError
from tapewire.web.tls import client_context, server_context
from tests.support.transport.certificates import KEY_PASSWORD, Certificate, issue

PREFIX = "TAPEWIRE_GATEWAY_"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One that is good."""
    return issue(tmp_path_factory.mktemp("certificates"))


def context(
    certificate: Path | None, key: Path | None, password: str | None = None
) -> ssl.SSLContext | None:
    """What a gateway makes of these settings."""
    return server_context(certificate, key, password, prefix=PREFIX)


def test_without_settings_a_service_speaks_plain() -> None:
    """TLS is asked for, not guessed."""
    assert context(None, None) is None


def test_old_versions_are_not_spoken(certificate: Certificate) -> None:
    """TLS 1.2 is the least, on both sides."""
    served = context(certificate.certificate, certificate.key)
    assert served is not None
    for each in (served, client_context(certificate.ca_file)):
        assert each.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_key_with_a_password_opens(certificate: Certificate) -> None:
    """The password is taken from its setting, never asked for at the terminal."""
    assert context(certificate.certificate, certificate.locked_key, KEY_PASSWORD) is not None


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        (lambda c, _: (c.certificate, None), "TLS_CERTIFICATE is set, so .*TLS_KEY must be too"),
        (lambda c, _: (None, c.key), "TLS_KEY is set, so .*TLS_CERTIFICATE must be too"),
        (lambda _, __: (None, None, "secret"), "TLS_KEY_PASSWORD is set, but there is no key"),
        (lambda c, f: (f / "none", c.key), "TLS_CERTIFICATE .*none cannot be read: no such file"),
        (lambda c, f: (c.certificate, f), "TLS_KEY .* cannot be read: is a directory"),
        (lambda c, f: (c.certificate, issue(f, "other").key), "the key does not belong to the"),
        (lambda c, _: (c.certificate, c.locked_key), "TLS_KEY_PASSWORD does not open it"),
        (lambda c, _: (c.certificate, c.locked_key, "secret"), "TLS_KEY_PASSWORD does not open"),
        (lambda c, _: (c.key, c.key), "are not a key and a chain in PEM"),
    ],
)
def test_what_cannot_work_is_a_sentence_that_names_the_setting(
    certificate: Certificate,
    tmp_path: Path,
    attempt: Callable[[Certificate, Path], tuple[Path | None, Path | None]],
    sentence: str,
) -> None:
    """Nothing is found out by the first client; a password is never repeated."""
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        context(*attempt(certificate, tmp_path))
    assert PREFIX in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_ca_file_without_a_certificate_is_a_sentence(
    certificate: Certificate, tmp_path: Path
) -> None:
    """A client says so before it connects."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        client_context(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="has no certificate in PEM"):
        client_context(certificate.key)
