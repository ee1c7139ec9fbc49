"""The daily job of a podcast team, by its two commands: from a feed to hits, then what is new, edited, removed."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from service.app import create_app
from service.cli import nearfield
from service.main import open_dependencies
from service.schemas.load_settings import load_settings
from tests.embedding.importers.rss.host import Host, Page, podcast_host
from tests.embedding.importers.rss.written_feeds import item, rss
from tests.indexing.kinds_of_store import quick_folder

NOTES = "<description>&lt;p&gt;{}&lt;/p&gt;</description><itunes:explicit>no</itunes:explicit>"
BESIDE = '<podcast:transcript url="/talk.vtt" type="text/vtt"/><podcast:chapters url="/talk.json"/>'
FILLER = " ".join(["We go on about rope, paint, varnish and the price of a berth in the harbour."] * 4)
TALK = "WEBVTT\n\n" + "".join(
    f"00:{minute:02}:00.000 --> 00:{minute:02}:30.000\n<v Ada>{said} {FILLER}\n\n"
    for minute, said in enumerate(["Good evening.", "The lighthouse keeper's lamp burned whale oil.", "Good night."])
)
CHAPTERS = json.dumps(
    {"chapters": [{"startTime": 50, "title": "The lighthouse"}, {"startTime": 110, "title": "Close"}]}
)


@pytest.fixture
def host() -> Iterator[Host]:
    with podcast_host() as host:
        yield host


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with quick_folder(tmp_path) as folder:
        monkeypatch.chdir(folder)
        (folder / "nearfield.toml").write_text('default_market = "GB"\n')
        yield folder
    # No thread is inside torch when the interpreter ends.
    for thread in threading.enumerate():
        if thread.name == "load-encoder":
            thread.join()


def run(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(nearfield, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def found(text: str) -> list[dict[str, Any]]:
    """The hits of a search, as the service gives them."""
    with TestClient(create_app(open_dependencies(load_settings(Path(), {}, {})))) as client:
        answer = client.post("/v1/search", json={"text": text})
        assert answer.status_code == 200, answer.text
        hits: list[dict[str, Any]] = answer.json()["hits"]
        return hits


def test_from_an_address_to_a_hit_and_on_from_day_to_day(folder: Path, host: Host) -> None:
    one = item("g1", "An evening talk", NOTES.format("Ada speaks.") + BESIDE)
    two = item("g2", "Sourdough", NOTES.format("Bread from flour, water and time."))
    three = item("g3", "Frost", NOTES.format("How beetroot survives the winter."))
    host.pages |= {
        "/feed.xml": Page(rss(one, two, three), etag='"1"'),
        "/talk.vtt": Page(TALK.encode()),
        "/talk.json": Page(CHAPTERS.encode()),
    }
    job = ("import", "rss", host.url("/feed.xml"), "podcasts", "--allow-local")
    assert run(*job)["items"] == 3
    run("index", "build", "podcasts/catalogue.jsonl", "--activate")
    hit = found("who kept the lamp of the lighthouse burning?")[0]
    assert hit["title"] == "An evening talk"
    # The passage is the chapter.
    text = json.loads((folder / "podcasts/catalogue.jsonl").read_text().splitlines()[0])["text"]
    assert text[hit["passage"]["start"] :].startswith("The lighthouse\n\nThe lighthouse keeper's lamp")
    assert found("sourdough")[0]["title"] == "Sourdough"

    # The next day: one is new, one was edited, one is deleted, one has merely left the feed.
    four = item("g4", "Saffron", NOTES.format("A spice of crocus flowers."))
    edited = two.replace("Sourdough", "Rye").replace("flour", "rye flour")
    deleted = '<at:deleted-entry ref="g3"/>'
    host.pages["/feed.xml"] = Page(rss(four, edited, deleted), etag='"2"')
    host.paths()
    done = run(*job)
    assert (done["items"], done["added"], done["removed"]) == (3, 1, 1)
    assert host.paths() == ["/feed.xml"]
    synced = run("index", "sync", "podcasts/catalogue.jsonl")
    assert {name: synced[name] for name in ("added", "changed", "removed", "unchanged")} == {
        "added": 1,
        "changed": 1,
        "removed": 1,
        "unchanged": 1,
    }
    assert found("saffron")[0]["title"] == "Saffron"
    titles = {hit["title"] for hit in found("bread from rye flour")}
    assert titles == {"An evening talk", "Rye", "Saffron"}

    # And on a day without news nothing is fetched, read or changed.
    assert run(*job)["feeds_unchanged"] == 1
    synced = run("index", "sync", "podcasts/catalogue.jsonl")
    assert (synced["added"], synced["changed"], synced["payload_changed"], synced["removed"]) == (0, 0, 0, 0)

    # What is no longer in the feed goes when that is asked for.
    assert run(*job, "--remove-missing")["removed"] == 1
    assert run("index", "sync", "podcasts/catalogue.jsonl")["removed"] == 1
    assert {hit["title"] for hit in found("who kept the lamp of the lighthouse burning?")} == {"Rye", "Saffron"}
