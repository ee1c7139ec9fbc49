"""Feeds to a catalogue, and again: what is new, edited, gone, and what stays; through files and a real host."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedding.errors import NotFoundError, RejectedInputError
from embedding.importers.rss.feed_state import STATE
from embedding.importers.rss.import_feeds import ImportedFeeds, import_feeds
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Chapter, Item
from tests.embedding.importers.rss.host import Host, Page, podcast_host
from tests.embedding.importers.rss.written_feeds import SHOW, SHOW_GUID, item, rss

VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nThe tide is in.\n\n01:31.000 --> 01:32.000\nNets dry slowly.\n"
CHAPTERS = json.dumps({"chapters": [{"startTime": 0, "title": "Tides"}, {"startTime": 90, "title": "Nets"}]})


class Folder:
    """The folder of one catalogue, into which feeds are imported."""

    def __init__(self, path: Path) -> None:
        self.path = path / "podcasts"
        self.rejects = path / "rejects.jsonl"

    def run(self, *sources: object, share: float = 0.0, **options: bool) -> ImportedFeeds:
        with Rejects(self.rejects) as rejects:
            return import_feeds(
                [str(source) for source in sources],
                self.path,
                rejects,
                share,
                Reporter("none"),
                allow_local=True,
                **options,
            )

    def items(self) -> dict[str, Item]:
        """By title; each row is one that the readers take."""
        strict = Rejects(self.path / "none.out")
        rows = [item for batch in read_catalogue(self.path / "catalogue.jsonl", strict) for item in batch]
        assert strict.rejected == 0
        assert len({row.id for row in rows}) == len(rows)
        return {row.title: row for row in rows}

    def rejected(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.rejects.read_bytes().splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def host() -> Iterator[Host]:
    with podcast_host() as host:
        yield host


def counts(done: ImportedFeeds) -> tuple[int, int, int]:
    return done.items, done.added, done.removed


def test_what_a_feed_says_is_in_the_row(folder: Folder, tmp_path: Path) -> None:
    more = (
        "<description>&lt;p&gt;Rope &amp;amp; tar.&lt;/p&gt;</description><itunes:duration>62:03</itunes:duration>"
        "<pubDate>Fri, 31 May 2024 18:00:00 CEST</pubDate><itunes:explicit>no</itunes:explicit>"
        '<category>Boats</category><podcast:transcript url="1.vtt" type="text/vtt"/>'
        '<podcast:chapters url="sub/1.json" type="application/json+chapters"/>'
    )
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "Rope", more), item("g2", "Silence")))
    (tmp_path / "1.vtt").write_text(VTT)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "1.json").write_text(CHAPTERS)
    done = folder.run(feed)
    assert done == ImportedFeeds(2, 2, 0, 1, 0, 0, ())
    items = folder.items()
    assert items["Rope"] == Item(
        id=items["Rope"].id,
        kind="episode",
        title="Rope",
        creator="Harbour Lights",
        text="Rope & tar.\n\nTides\n\nThe tide is in.\n\nNets\n\nNets dry slowly.",
        chapters=(Chapter(0.0, "Tides"), Chapter(90.0, "Nets")),
        tags=("Boats", "Society & Culture", "Documentary"),
        language="en-GB",
        duration_s=3723.0,
        published_at=1_717_171_200,
        explicit=False,
        extra={"show_id": SHOW_GUID, "guid": "g1"},
    )
    assert items["Silence"].explicit is None
    assert items["Silence"].text is None


def test_new_edited_and_missing_episodes(folder: Folder, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One"), item("g2", "Two")))
    assert counts(folder.run(feed)) == (2, 2, 0)
    ids = {title: row.id for title, row in folder.items().items()}
    feed.write_bytes(rss(item("g3", "Three"), item("g2", "Two, again")))
    assert counts(folder.run(feed)) == (3, 1, 0)
    assert {title: row.id for title, row in folder.items().items() if title != "Three"} == {
        "One": ids["One"],
        "Two, again": ids["Two"],
    }
    # What left the feed before leaves the catalogue when that is asked for, though the feed is as it was.
    assert counts(folder.run(feed, remove_missing=True)) == (2, 0, 1)
    assert set(folder.items()) == {"Three", "Two, again"}


def test_what_the_host_says_is_deleted_leaves(folder: Folder, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One"), item("g2", "Two")))
    folder.run(feed)
    feed.write_bytes(rss(item("g2", "Two"), '<at:deleted-entry ref="g1"/><at:deleted-entry ref="g2"/>'))
    # What it lists as well is not deleted.
    assert counts(folder.run(feed)) == (1, 0, 1)
    assert set(folder.items()) == {"Two"}


def test_an_unchanged_feed_is_neither_read_nor_written(folder: Folder, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "old.xml").write_bytes(rss(item("g1", "One")))
    os.utime(feeds / "old.xml", (1e9, 1e9))
    (feeds / "fresh.xml").write_bytes(rss(item("g1", "Uno"), show="<title>Luci</title>"))
    assert folder.run(feeds).feeds_read == 2
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.path.iterdir()}
    done = folder.run(feeds)
    assert (done.feeds_read, done.feeds_unchanged, *counts(done)) == (0, 2, 2, 0, 0)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.path.iterdir()} == before
    # Written anew with the same bytes, and changed within the tick of the clock: the bytes decide.
    (feeds / "old.xml").write_bytes(rss(item("g1", "One")))
    (feeds / "fresh.xml").write_bytes(rss(item("g1", "Due"), show="<title>Luci</title>"))
    done = folder.run(feeds)
    assert (done.feeds_read, done.feeds_unchanged) == (1, 1)
    assert set(folder.items()) == {"One", "Due"}


def test_over_http_only_what_is_new_or_changed_is_fetched(folder: Folder, host: Host) -> None:
    beside = '<podcast:transcript url="{}.vtt" type="text/vtt"/><podcast:chapters url="/{}.json"/>'
    one, two = (item(f"g{n}", title, beside.format(n, n)) for n, title in ((1, "One"), (2, "Two")))
    host.pages |= {"/feed.xml": Page(rss(one, two), etag='"1"')}
    host.pages |= {f"/{n}.vtt": Page(VTT.encode()) for n in (1, 2, 3)}
    host.pages |= {f"/{n}.json": Page(CHAPTERS.encode()) for n in (1, 2, 3)}
    url = host.url("/feed.xml")
    folder.run(url)
    assert sorted(host.paths()) == ["/1.json", "/1.vtt", "/2.json", "/2.vtt", "/feed.xml"]
    assert folder.run(url).feeds_unchanged == 1
    assert host.paths() == ["/feed.xml"]
    # A host that forgot its ETag and sends the same bytes.
    host.pages["/feed.xml"] = Page(rss(one, two))
    assert folder.run(url).feeds_unchanged == 1
    assert host.paths() == ["/feed.xml"]
    three, edited = item("g3", "Three", beside.format(3, 3)), two.replace("Two", "Two, again")
    host.pages["/feed.xml"] = Page(rss(three, edited, one), etag='"2"')
    done = folder.run(url)
    assert counts(done) == (3, 1, 0)
    assert sorted(host.paths()) == ["/2.json", "/2.vtt", "/3.json", "/3.vtt", "/feed.xml"]
    items = folder.items()
    assert set(items) == {"One", "Two, again", "Three"}
    assert all("The tide is in." in (row.text or "") and len(row.chapters) == 2 for row in items.values())
    # With --remove-missing all feeds are read, transcripts that are here are not.
    host.pages["/feed.xml"] = Page(rss(three, one), etag='"3"')
    assert counts(folder.run(url, remove_missing=True)) == (2, 0, 1)
    assert host.paths() == ["/feed.xml"]
    assert set(folder.items()) == {"One", "Three"}


def test_a_transcript_that_does_not_come_is_asked_for_again_and_costs_none_that_came(
    folder: Folder, host: Host
) -> None:
    one = item("g1", "One", '<podcast:transcript url="/1.vtt" type="text/vtt"/>')
    host.pages |= {"/feed.xml": Page(rss(one), etag='"1"'), "/1.vtt": Page(status=503)}
    url = host.url("/feed.xml")
    done = folder.run(url)
    assert "1 transcripts or chapters could not be had, the first: " in done.notes[0]
    assert folder.items()["One"].text is None
    host.pages["/1.vtt"] = Page(VTT.encode())
    assert folder.run(url).notes == ()
    assert folder.items()["One"].text == "The tide is in. Nets dry slowly."
    # The row with its transcript stays until there is another to take its place.
    host.pages |= {"/feed.xml": Page(rss(one.replace("One", "Uno")), etag='"2"'), "/1.vtt": Page(status=503)}
    folder.run(url)
    assert folder.items()["One"].text == "The tide is in. Nets dry slowly."
    host.pages["/1.vtt"] = Page(status=404)
    folder.run(url)
    assert folder.items()["Uno"].text is None
    host.paths()
    folder.run(url)
    assert host.paths() == ["/feed.xml"]


@pytest.mark.parametrize(
    "beside", ["../secret.vtt", "/etc/secret.vtt", "file:///etc/secret.vtt", "missing.vtt", "\0.vtt"]
)
def test_a_feed_names_no_files_outside_its_folder(folder: Folder, tmp_path: Path, beside: str) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "secret.vtt").write_text(VTT)
    feed = tmp_path / "feeds" / "feed.xml"
    feed.write_bytes(rss(item("g1", "One", f'<podcast:transcript url="{beside}" type="text/vtt"/>')))
    assert "could not be had" in folder.run(feed).notes[0]
    assert folder.items()["One"].text is None


def test_chapters_in_the_feed_need_no_transcript(folder: Folder, tmp_path: Path) -> None:
    chapters = (
        '<psc:chapters><psc:chapter start="0" title="Tides"/><psc:chapter start="1:30" title="Nets"/></psc:chapters>'
    )
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One", chapters), item("g2", "Two")))
    folder.run(feed)
    assert folder.items()["One"].chapters == (Chapter(0, "Tides"), Chapter(90, "Nets"))


def test_a_remote_feed_names_no_files(folder: Folder, host: Host, tmp_path: Path) -> None:
    (tmp_path / "secret.vtt").write_text(VTT)
    place = (tmp_path / "secret.vtt").as_uri()
    host.pages["/feed.xml"] = Page(rss(item("g1", "One", f'<podcast:transcript url="{place}" type="text/vtt"/>')))
    assert "expected an address that begins http" in folder.run(host.url("/feed.xml")).notes[0]
    assert folder.items()["One"].text is None


def test_an_id_outlives_a_feed_that_moves(folder: Folder, host: Host) -> None:
    host.pages["/old"] = Page(rss(item("g1", "One"), item("g2", "Two")))
    folder.run(host.url("/old"))
    ids = {title: row.id for title, row in folder.items().items()}
    host.pages |= {"/old": Page(status=301, location="/new"), "/new": Page(rss(item("g2", "Two")))}
    done = folder.run(host.url("/old"))
    assert f"has moved to {host.url('/new')}" in done.notes[0]
    host.pages["/old"] = Page(status=410)
    done = folder.run(host.url("/old"), host.url("/new"))
    assert counts(done) == (2, 0, 0)
    assert {title: row.id for title, row in folder.items().items()} == ids


def test_a_show_without_a_guid_keeps_the_ids_it_had(folder: Folder, host: Host) -> None:
    anonymous = "<title>Harbour Lights</title>"
    host.pages["/feed"] = Page(rss(item("g1", "One"), show=anonymous))
    folder.run(host.url("/feed"))
    first = folder.items()["One"].id
    host.pages["/feed"] = Page(rss(item("g1", "One"), item("g2", "Two")))
    folder.run(host.url("/feed"))
    assert folder.items()["One"].id == first
    # Elsewhere it is found by the guid that it has got.
    host.pages = {"/elsewhere": host.pages["/feed"]}
    folder.run(host.url("/elsewhere"))
    assert folder.items()["One"].id == first


@pytest.mark.parametrize("how", ["by its host", "by itself"])
def test_a_show_without_a_guid_keeps_its_ids_where_it_was_said_to_have_moved(
    folder: Folder, host: Host, how: str
) -> None:
    show = "<title>Harbour Lights</title>"
    host.pages["/old"] = Page(rss(item("g1", "One"), show=show))
    folder.run(host.url("/old"))
    first = folder.items()["One"].id
    if how == "by its host":
        host.pages |= {"/old": Page(status=301, location="/new"), "/new": host.pages["/old"]}
    else:
        show += f"<itunes:new-feed-url>{host.url('/new')}</itunes:new-feed-url>"
        host.pages["/old"] = host.pages["/new"] = Page(rss(item("g1", "One"), show=show))
    assert "moved to" in folder.run(host.url("/old")).notes[0]
    # As it is told to: asked there from now on.
    assert counts(folder.run(host.url("/new"))) == (1, 0, 0)
    assert folder.items()["One"].id == first


def test_the_show_of_an_address_is_the_guid_that_the_namespace_derives(folder: Folder, tmp_path: Path) -> None:
    # The example of https://podcasting2.org/docs/podcast-namespace/tags/guid
    link = '<atom:link rel="self" href="https://mp3s.nashownotes.com/pc20rss.xml"/>'
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One"), show=f"<title>A show</title>{link}"))
    folder.run(feed)
    assert folder.items()["One"].extra["show_id"] == "917393e3-1b1e-5cef-ace4-edaa54e1f810"


def test_that_the_only_feed_is_gone_is_said_where_nothing_would_be_left(folder: Folder, host: Host) -> None:
    host.pages["/feed"] = Page(status=410)
    with pytest.raises(RejectedInputError, match=r"left as it was; .*/feed is gone for good \(410\)"):
        folder.run(host.url("/feed"))
    assert not folder.path.exists()


def test_gone_for_good_takes_the_episodes_along(folder: Folder, host: Host) -> None:
    host.pages |= {"/1": Page(rss(item("g1", "One"))), "/2": Page(rss(item("g1", "Two"), show="<title>Luci</title>"))}
    folder.run(host.url("/1"), host.url("/2"))
    host.pages["/1"] = Page(status=410)
    assert counts(folder.run(host.url("/1"), host.url("/2"))) == (1, 0, 1)
    assert set(folder.items()) == {"Two"}
    host.pages["/2"] = Page(status=410)
    with pytest.raises(RejectedInputError, match="none would be in the catalogue; it is left as it was"):
        folder.run(host.url("/2"))
    assert set(folder.items()) == {"Two"}


def test_an_address_that_is_none_costs_what_it_names_alone(folder: Folder, host: Host) -> None:
    """With an open bracket in it an address cannot be taken apart."""
    beside = '<podcast:transcript url="http://[x/a.vtt" type="text/vtt"/>'
    audio = '<enclosure url="http://[x/a.mp3?token={}" type="audio/mpeg"/>'
    host.pages["/feed.xml"] = Page(rss(item("", "One", beside, audio=audio.format(1))))
    assert "could not be had, the first: expected an address, came" in folder.run(host.url("/feed.xml")).notes[0]
    first = folder.items()["One"].id
    host.pages["/feed.xml"] = Page(rss(item("", "One", audio=audio.format(2))))
    folder.run(host.url("/feed.xml"))
    assert folder.items()["One"].id == first


def test_a_feed_that_cannot_be_had_costs_only_itself(folder: Folder, host: Host, tmp_path: Path) -> None:
    host.pages |= {"/1": Page(rss(item("g1", "One"))), "/2": Page(rss(item("g1", "Two"), show="<title>Luci</title>"))}
    opml = tmp_path / "list.opml"
    places = [host.url(path) for path in ("/1", "/2", "/3")]
    outlines = "".join(f'<outline type="rss" text="x" xmlUrl="{place}"/>' for place in places)
    opml.write_text(f'<opml version="2.0"><body><outline text="All">{outlines}</outline></body></opml>')
    done = folder.run(opml)
    assert (done.feeds_read, done.feeds_failed, *counts(done)) == (2, 1, 2, 2, 0)
    assert done.notes[0] == f"{places[2]}: expected the answer 200, came 404"
    host.pages |= {"/1": Page(b"<html>down for repairs</html>"), "/2": Page(status=500)}
    with pytest.raises(
        RejectedInputError, match=r"not one feed of 3 could be read, the first: .*came a document of <html>"
    ):
        folder.run(opml)
    host.pages["/2"] = Page(rss(item("g2", "Three"), show="<title>Luci</title>"))
    done = folder.run(opml, remove_missing=True)
    assert (done.feeds_failed, *counts(done)) == (2, 2, 1, 1)
    assert set(folder.items()) == {"One", "Three"}


def test_half_a_feed_removes_nothing_and_is_asked_for_again(folder: Folder, host: Host) -> None:
    whole = rss(item("g1", "One"), item("g2", "Two"), item("g3", "Three"))
    host.pages["/feed"] = Page(whole, etag='"1"')
    folder.run(host.url("/feed"))
    host.pages["/feed"] = Page(whole[: whole.index(b"Three") + 3], etag='"2"')
    done = folder.run(host.url("/feed"), remove_missing=True)
    assert "is not well-formed, and some of it may be missing" in done.notes[0]
    assert set(folder.items()) == {"One", "Two", "Three"}
    assert folder.run(host.url("/feed")).feeds_read == 1


def test_bad_episodes_are_rejects_with_their_line(folder: Folder, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One"), item("g2", " "), item("g1", "Again")))
    with pytest.raises(RejectedInputError, match="2 of 3 rows are bad"):
        folder.run(feed)
    assert not (folder.path / "catalogue.jsonl").exists()
    assert counts(folder.run(feed, share=0.9)) == (1, 1, 0)
    assert [(line["file"], line["line"], line["field"]) for line in folder.rejected()] == [
        (str(feed), 5, "guid"),
        (str(feed), 4, "title"),
    ]
    # A row that was good stays when its episode is edited into a bad one.
    feed.write_bytes(rss(item("g1", " "), item("g2", "Two")))
    assert counts(folder.run(feed, share=0.9, remove_missing=True)) == (2, 1, 0)
    assert set(folder.items()) == {"One", "Two"}


def test_a_bad_episode_is_one_of_the_whole_catalogue(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "long.xml").write_bytes(rss(*(item(f"g{number}", f"N{number}") for number in range(150))))
    short = tmp_path / "short.xml"
    short.write_bytes(rss(item("g1", "One"), show="<title>Luci</title>"))
    folder.run(tmp_path / "long.xml", short, share=0.01)
    short.write_bytes(rss(item("g1", "One, again"), item("g2", " "), show="<title>Luci</title>"))
    assert counts(folder.run(tmp_path / "long.xml", short, share=0.01)) == (151, 0, 0)
    short.write_bytes(short.read_bytes() + b" ")
    with pytest.raises(RejectedInputError, match="1 of 152 rows are bad"):
        folder.run(tmp_path / "long.xml", short, share=0.001)


def test_values_that_cannot_be_read_are_counted_and_left_out(folder: Folder, tmp_path: Path) -> None:
    odd = (
        "<itunes:duration>long</itunes:duration><pubDate>Fri, 31 May 2024 18:00 IST</pubDate>"
        "<itunes:explicit>perhaps</itunes:explicit><dc:language>English (UK)</dc:language>"
    )
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One", odd), item("g2", audio="")))
    notes = folder.run(feed).notes
    assert [note.split()[0] for note in notes] == ["1"] * 5
    row = folder.items()["One"]
    assert (row.duration_s, row.published_at, row.explicit, row.language) == (None, None, None, None)


def test_two_feeds_of_one_show_are_read_once(folder: Folder, tmp_path: Path) -> None:
    for name, title in (("a.xml", "One"), ("b.xml", "Another")):
        (tmp_path / name).write_bytes(rss(item("g1", title)))
    done = folder.run(tmp_path / "a.xml", tmp_path / "b.xml", tmp_path / "a.xml")
    assert "b.xml is of the same show as " in done.notes[0]
    assert set(folder.items()) == {"One"}


def test_a_catalogue_that_is_not_the_one_of_then_is_made_anew(folder: Folder, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One"), item("g2", "Two")))
    folder.run(feed)
    catalogue = folder.path / "catalogue.jsonl"
    whole = catalogue.read_bytes()
    catalogue.write_bytes(whole.splitlines(keepends=True)[0])
    assert counts(folder.run(feed)) == (2, 1, 0)
    catalogue.unlink()
    assert counts(folder.run(feed)) == (2, 2, 0)
    assert catalogue.read_bytes() == whole
    catalogue.write_bytes(whole + b"no row\n")
    with pytest.raises(RejectedInputError, match=r"catalogue\.jsonl:3: expected a row"):
        folder.run(feed)
    assert catalogue.read_bytes() == whole + b"no row\n"


def test_a_folder_of_something_else_is_refused(folder: Folder, tmp_path: Path) -> None:
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item("g1", "One")))
    folder.path.mkdir()
    (folder.path / "catalogue.jsonl").write_text("theirs")
    with pytest.raises(RejectedInputError, match="was not made of any"):
        folder.run(feed)
    assert (folder.path / "catalogue.jsonl").read_text() == "theirs"
    (folder.path / STATE).write_text("[]")
    with pytest.raises(RejectedInputError, match="expected the state of feeds"):
        folder.run(feed)


def test_sources_that_name_no_feed(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.xml, but nothing is there"):
        folder.run(tmp_path / "nowhere.xml")
    with pytest.raises(NotFoundError, match="expected an OPML"):
        folder.run(tmp_path / "nowhere.opml")
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / ".hidden").touch()
    with pytest.raises(RejectedInputError, match="but it holds none"):
        folder.run(feeds)
    (feeds / "cover.jpg").touch()
    with pytest.raises(RejectedInputError, match=r"but cover\.jpg is none"):
        folder.run(feeds)
    for content in ("", "<rss/>", "<opml/>"):
        (tmp_path / "list.opml").write_text(content)
        with pytest.raises(RejectedInputError, match=r"expected (an OPML|outlines)"):
            folder.run(tmp_path / "list.opml")
    empty = tmp_path / "empty.xml"
    empty.write_bytes(rss(show=SHOW))
    with pytest.raises(RejectedInputError, match="expected episodes"):
        folder.run(empty)
    assert not (folder.path / "catalogue.jsonl").exists()
