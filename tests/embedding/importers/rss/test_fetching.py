"""Fetching from a real host: conditional requests, redirects, bounds of size and time, and no local address unasked."""

import gzip
from collections.abc import Iterator

import pytest

from embedding.importers.rss.addresses import is_public
from embedding.importers.rss.fetching import Fetched, Fetcher, FetchError, Validators
from tests.embedding.importers.rss.host import Host, Page, podcast_host


@pytest.fixture
def host() -> Iterator[Host]:
    with podcast_host() as host:
        yield host


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(allow_local=True, max_bytes=1_000) as fetcher:
        yield fetcher


@pytest.mark.parametrize(
    "page", [Page(b"feed", etag='W/"1"'), Page(b"feed", last_modified="Fri, 31 May 2024 18:00:00 GMT")]
)
def test_what_was_fetched_is_asked_for_with_what_was_told(host: Host, fetcher: Fetcher, page: Page) -> None:
    host.pages["/feed"] = page
    first = fetcher.fetch(host.url("/feed"))
    assert first == Fetched("new", b"feed", Validators(page.etag, page.last_modified))
    again = fetcher.fetch(host.url("/feed"), first.validators)
    assert again == Fetched("unchanged", validators=first.validators)
    assert host.asked[0][1]["User-Agent"] == "nearfield"
    assert host.asked[0][1]["Host"] == host.address.removeprefix("http://")


def test_gzip_is_unpacked_and_counts_unpacked(host: Host, fetcher: Fetcher) -> None:
    host.pages["/feed"] = Page(gzip.compress(b"x" * 1_000), encoding="gzip")
    assert fetcher.fetch(host.url("/feed")).body == b"x" * 1_000
    host.pages["/feed"] = Page(gzip.compress(b"x" * 1_001), encoding="gzip")
    with pytest.raises(FetchError, match="at most 1,000 bytes, came more") as error:
        fetcher.fetch(host.url("/feed"))
    assert error.value.lasting
    host.pages["/feed"] = Page(b"no gzip", encoding="gzip")
    with pytest.raises(FetchError, match="did not answer"):
        fetcher.fetch(host.url("/feed"))


def test_a_move_for_good_is_told_and_one_for_a_while_is_not(host: Host, fetcher: Fetcher) -> None:
    host.pages |= {
        "/old": Page(status=301, location="/older?x=1"),
        "/older?x=1": Page(status=308, location=host.url("/feed")),
        "/while": Page(status=302, location="/old"),
        "/feed": Page(b"feed"),
    }
    assert fetcher.fetch(host.url("/old")).moved_to == host.url("/feed")
    assert fetcher.fetch(host.url("/while")) == Fetched("new", b"feed")
    host.pages["/older?x=1"] = Page(status=307, location="/feed")
    assert fetcher.fetch(host.url("/old")).moved_to == host.url("/older?x=1")


@pytest.mark.parametrize(
    ("page", "words", "lasting"),
    [
        (Page(status=404), "expected the answer 200, came 404", True),
        (Page(status=429), "came 429", False),
        (Page(status=503), "came 503", False),
        (Page(status=301, location="/feed"), "at most 5 redirects", False),
        (Page(status=301, location="file:///etc/passwd"), "expected an address that begins http", True),
        (Page(status=301, location="http://[::1"), "Invalid URL", False),
        (Page(status=301, location="http://me:secret@example.com/"), "without user name or password", True),
        (Page(b"x" * 1_001), "at most 1,000 bytes", True),
    ],
)
def test_what_does_not_come_says_why(host: Host, fetcher: Fetcher, page: Page, words: str, lasting: bool) -> None:
    host.pages["/feed"] = page
    with pytest.raises(FetchError, match=words) as error:
        fetcher.fetch(host.url("/feed"))
    assert error.value.lasting is lasting
    assert "secret" not in str(error.value)


def test_what_comes_byte_by_byte_is_given_up(host: Host) -> None:
    host.pages["/feed"] = Page(b"x" * 320, pause_s=0.1)
    with (
        Fetcher(allow_local=True, total_s=0.5) as fetcher,
        pytest.raises(FetchError, match=r"expected an end within 0\.5 s") as error,
    ):
        fetcher.fetch(host.url("/feed"))
    assert not error.value.lasting


def test_a_password_in_an_address_is_refused_and_not_told(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError, match=r"http://example\.com/feed: expected an address without user name") as error:
        fetcher.fetch("http://me:s@cret@example.com/feed")
    assert "cret" not in str(error.value)


def test_gone_is_an_answer(host: Host, fetcher: Fetcher) -> None:
    host.pages["/feed"] = Page(status=410)
    assert fetcher.fetch(host.url("/feed")).state == "gone"


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://no-such-host.invalid/"])
def test_nobody_there(fetcher: Fetcher, address: str) -> None:
    with pytest.raises(FetchError, match="did not answer") as error:
        fetcher.fetch(address)
    assert not error.value.lasting


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"])
def test_local_addresses_are_refused_unless_allowed(host: Host, name: str) -> None:
    host.pages["/feed"] = Page(b"feed")
    address = host.url("/feed").replace("127.0.0.1", name)
    with Fetcher() as fetcher, pytest.raises(FetchError, match="--allow-local lets it be asked") as error:
        fetcher.fetch(address)
    assert error.value.lasting
    assert host.asked == []


def test_a_redirect_to_a_local_address_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address passes for a public one: as one that is does, what it redirects to is looked at anew."""
    looked: list[str] = []

    def first_is_public(address: str) -> bool:
        looked.append(address)
        return len(looked) == 1

    monkeypatch.setattr("embedding.importers.rss.addresses.is_public", first_is_public)
    host.pages |= {"/feed": Page(status=302, location="/inside"), "/inside": Page(b"secret")}
    with Fetcher() as fetcher, pytest.raises(FetchError, match="an address of this machine or network"):
        fetcher.fetch(host.url("/feed"))
    assert host.paths() == ["/feed"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
