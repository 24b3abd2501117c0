"""Which pages may ask, and under which names: the rules, without a server."""

import pytest

from tapewire.values.origins import Admission, parse_hosts, parse_origins

EVERYWHERE = "0.0.0.0"  # noqa: S104
LOOPBACK = Admission.listening_on("127.0.0.1", origins=None, hosts=None)
PUBLIC = Admission.listening_on(
    EVERYWHERE, origins="https://App.example.com", hosts="api.example.com, *.venue.test"
)


@pytest.mark.parametrize(
    "text",
    ["*", "null", "app.example.com", "https://app.example.com/", "ftp://a", "https://a b", "http:"],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """A list that would never match, or match everything, stops the start."""
    with pytest.raises(ValueError, match="is not an origin such as"):
        parse_origins(f"https://good.example.com, {text}")


def test_origins_are_read_without_their_case() -> None:
    """Browsers send them in small letters."""
    assert parse_origins(" https://A.example:8443 ,http://[::1]:3000,") == {
        "https://a.example:8443",
        "http://[::1]:3000",
    }


@pytest.mark.parametrize("text", ["https://a", "a/b", "a.*.b", "a:80"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """A name has neither scheme nor path nor port."""
    with pytest.raises(ValueError, match="is not a name such as"):
        parse_hosts(text)


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_names_are_checked_on_loopback(listen: str) -> None:
    """There a page whose name resolves to this machine is the only foreign name that comes."""
    assert Admission.listening_on(listen, origins=None, hosts=None).names_checked


def test_names_are_checked_where_they_are_listed() -> None:
    """Elsewhere any name may be meant, unless some are listed; a star lists all of them."""
    assert not Admission.listening_on(EVERYWHERE, origins=None, hosts=None).names_checked
    assert PUBLIC.names_checked
    assert not Admission.listening_on("127.0.0.1", origins=None, hosts="*").names_checked


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8000", "localhost", "LocalHost:8000", "x.localhost:1", "[::1]:8000", "10.0.0.7:80"],
)
def test_addresses_and_this_machine_need_no_list(host: str) -> None:
    """No page can make them resolve to something else."""
    assert LOOPBACK.knows(host)


@pytest.mark.parametrize(
    "host", ["evil.test:8000", "", "localhost.evil.test", "127.0.0.1.evil.test", "evil@127.0.0.1"]
)
def test_other_names_are_foreign(host: str) -> None:
    """A foreign name is refused, whatever address it has."""
    assert not LOOPBACK.knows(host)


def test_listed_names_are_ours() -> None:
    """A star stands for at least one part; a dot at the end changes nothing."""
    assert all(PUBLIC.knows(h) for h in ("api.example.com", "API.example.com.:443", "a.venue.test"))
    assert not any(PUBLIC.knows(h) for h in ("venue.test", "example.com", "xvenue.test"))


def test_a_page_of_the_service_itself_may_ask() -> None:
    """The origin of the page is the name and port of the request, with http or https."""
    assert LOOPBACK.is_own("http://127.0.0.1:8000", "127.0.0.1:8000", secure=False)
    assert PUBLIC.is_own("https://api.example.com", "api.example.com", secure=False)
    assert not LOOPBACK.is_own("http://127.0.0.1:8001", "127.0.0.1:8000", secure=False)
    assert not LOOPBACK.is_own("null", "127.0.0.1:8000", secure=False)
    assert not LOOPBACK.is_own("file://127.0.0.1:8000", "127.0.0.1:8000", secure=False)
    assert not LOOPBACK.is_own("http://127.0.0.1:8000", "127.0.0.1:8000", secure=True)


def test_a_name_that_is_not_listed_makes_no_page_our_own() -> None:
    """A page can make its own name resolve to the service; both headers then have that name."""
    anywhere = Admission.listening_on(EVERYWHERE, origins=None, hosts=None)
    assert not anywhere.is_own("http://evil.test:8000", "evil.test:8000", secure=False)
    assert anywhere.is_own("http://10.0.0.7:8000", "10.0.0.7:8000", secure=False)


@pytest.mark.parametrize(
    ("origin", "is_listed"),
    [
        ("http://localhost:3000", True),
        ("http://LOCALHOST:5173", True),
        ("http://localhost", True),
        ("https://localhost:3000", False),
        ("http://localhost.evil.example:3000", False),
        ("http://localhost:3000.evil.example", False),
        ("http://[::1]:4000", True),
    ],
)
def test_any_port_may_be_listed(origin: str, is_listed: bool) -> None:
    """`http://localhost:*` is a page of this machine on whatever port a development server took."""
    admission = Admission.listening_on(
        "127.0.0.1", origins="http://localhost:*, http://[::1]:*", hosts=None
    )
    assert admission.lists(origin, "127.0.0.1:8000") is is_listed
