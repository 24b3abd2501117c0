"""Where browsers reach a service: what a setting may say, and what follows from it."""

import pytest

from tapewire.values.origins import Admission
from tapewire.values.service_address import ServiceAddress

BESIDE = ServiceAddress.parse(":8000")
ELSEWHERE = ServiceAddress.parse("https://Venue.example.com/desk/")


@pytest.mark.parametrize(
    "text",
    ["", "8001", ":0", ":70000", ":", "feed.example.com", "ws://a", "https://a b", "https://a/?x",
     "https://user@a", "https://a;script-src *"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    """A setting that no browser could use stops the start."""
    with pytest.raises(ValueError, match="is neither a URL such as"):
        ServiceAddress.parse(text)


def test_a_port_means_the_host_that_was_asked() -> None:
    """The page works under every name that a browser uses for the machine."""
    assert BESIDE.url("localhost:8001", "http") == "http://localhost:8000"
    assert BESIDE.url("[::1]:8001", "http") == "http://[::1]:8000"
    assert BESIDE.url("venue.example.com", "https") == "https://venue.example.com:8000"


@pytest.mark.parametrize("host", ["", "a b", "a;script-src *", "a/b", "a\nb", "[::1"])
def test_a_host_that_is_none_has_no_service_beside_it(host: str) -> None:
    """What a client sends as its host is not copied into a policy unless it is one."""
    assert BESIDE.url(host, "http") is None
    assert BESIDE.authority(host) is None


def test_a_url_stands_for_itself() -> None:
    """The host that was asked does not matter; a slash at the end means nothing."""
    assert ELSEWHERE.url("localhost", "http") == "https://venue.example.com/desk"
    assert str(ELSEWHERE) == "https://venue.example.com/desk"
    assert ELSEWHERE.is_origin("https://venue.example.com", "anything")
    assert not ELSEWHERE.is_origin("http://venue.example.com", "venue.example.com")


def test_the_page_of_the_same_host_may_ask() -> None:
    """The port is that of the setting, with the scheme of a proxy."""
    admission = Admission.listening_on("127.0.0.1", origins=None, hosts=None, page=BESIDE)
    assert admission.lists("http://localhost:8000", "localhost:8001")
    assert admission.lists("https://localhost:8000", "localhost:8001")
    assert not admission.lists("http://localhost:8002", "localhost:8001")
    assert not admission.lists("http://127.0.0.1:8000", "localhost:8001")
    assert not admission.lists("http://evil.example:8000", "evil.example:8001")
    assert not admission.lists("null", "localhost:8001")


def test_ports_that_browsers_leave_out_are_meant() -> None:
    """An origin does not name the port that its scheme has anyway."""
    page = ServiceAddress.parse(":443")
    assert page.is_origin("https://venue.example.com", "venue.example.com:8001")
    assert not page.is_origin("http://venue.example.com", "venue.example.com:8001")
