"""XML as it is found: what lxml alone would lose is mended, what cannot be is told, and nothing outside is read."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedding.importers.rss.xml_tree import NotXmlError, local_name, parse_xml


def text(data: bytes) -> str:
    return "".join(parse_xml(data).root.itertext())


@pytest.mark.parametrize(
    ("data", "read"),
    [
        # lxml's own recovery gives "AT b", "x&nbsp;y", "caf\ufffd".
        (b"<a>AT&T b</a>", "AT&T b"),
        (b"<a>R&B; &lt;x&gt; &#233; &#xe9;</a>", "R&B; <x> é é"),
        (b"<a>x&nbsp;y&hellip;</a>", "x\xa0y…"),
        (b'<?xml version="1.0" encoding="utf-8"?><a>caf\xe9 \x93now\x94</a>', "café “now”"),
        (b"<a>caf\xe9</a>", "café"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>caf\xe9 & co</a>', "café & co"),
        (b"\xef\xbb\xbf<a>caf\xc3\xa9 & co</a>", "café & co"),
        (b"<a>x\x0by\x00z</a>", "xyz"),
        (b'\n\n<?xml version="1.0"?><a>1 & 2</a>', "1 & 2"),
        (b"<a><![CDATA[R&B &nbsp; <b>]]> & more</a>", "R&B &nbsp; <b> & more"),
        ('<?xml version="1.0" encoding="utf-16"?><a>é</a>'.encode("utf-16"), "é"),
        (b"<a>seen<!-- hidden --><?hidden too?></a>", "seen"),
    ],
)
def test_faults_that_feeds_have_are_mended_whole(data: bytes, read: str) -> None:
    assert text(data) == read
    assert parse_xml(data).damage is None


@pytest.mark.parametrize("data", [b"<a><b>1</b><b>2", b"<a><b>1</c></a>", b"<a><b>1</b", b"<a>1</a><a>2</a>"])
def test_what_cannot_be_mended_is_told(data: bytes) -> None:
    assert text(data).startswith("1")
    assert "line 1: " in str(parse_xml(data).damage)


@pytest.mark.parametrize("name", ["a:", ":a", "a:b:c"])
def test_a_root_whose_name_is_none_is_told(name: str) -> None:
    tree = parse_xml(f"<{name}>1</{name}>".encode())
    assert local_name(tree.root) == name
    assert "line 1: " in str(tree.damage)
    assert not tree.ends_early


@pytest.mark.parametrize("data", [b"", b" \n", b"no XML", b'{"version": "https://jsonfeed.org"}', b"\x1f\x8b\x08\x00"])
def test_what_is_no_xml_is_refused(data: bytes) -> None:
    with pytest.raises(NotXmlError):
        parse_xml(data)


def test_entities_of_a_dtd_bring_nothing_in() -> None:
    outside = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>[&e;]</a>'
    assert text(outside) == "[&e;]"
    levels = ["x", *"abcdef"]
    bomb = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise(levels)
    )
    assert len(text(f"{bomb}]><a>&f;</a>".encode())) < 100


@given(
    st.lists(
        st.sampled_from([b"<a>", b"</a>", b"<b x='", b"&", b"&amp;", b"<![CDATA[", b"]]>", b"\xff", b"\0", b"<?"]),
        max_size=12,
    )
)
def test_no_bytes_break_it(parts: list[bytes]) -> None:
    with suppress(NotXmlError):
        parse_xml(b"<a>" + b"".join(parts))


@pytest.mark.parametrize("unit", [b"<![CDATA[", b"&", b"<b>", b"<!--", b"]]>", b" b='c'", b"&x;", b"\x00"])
def test_what_goes_on_and_on_is_read_in_time(unit: bytes) -> None:
    parse_xml(b"<a>" + unit * 100_000)
    parse_xml(b"<a " + unit * 100_000)
