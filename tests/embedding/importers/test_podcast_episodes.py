"""Podcast episodes: what a feed's fields become, and how languages are written."""

import json
from pathlib import Path
from typing import Any

import pytest

from embedding.importers.import_set import import_set
from embedding.progress import Reporter
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item
from tests.embedding.importers.contract import ImporterContract, write_set

EPISODE: dict[str, Any] = {
    "episode_id": "e1",
    "source": "a feed",
    "show_id": "s1",
    "show": "A show",
    "title": "An episode",
    "description": "What it is about.",
    "language": "it-it",
    "categories": ["News", "Storia"],
    "published": "2023-03-20T15:47:00Z",
    "duration_s": 498,
    "explicit": None,
    "guid": "g1",
}


def lines(*changes: dict[str, Any]) -> str:
    """One episode a line, each with its changes to `EPISODE`."""
    return "".join(json.dumps({**EPISODE, **change}) + "\n" for change in changes)


class TestPodcastEpisodes(ImporterContract):
    name = "podcast_episodes"
    files = {  # noqa: RUF012  # the suite declares it
        "episodes.jsonl": lines(
            {},
            {"episode_id": "e2", "description": "", "language": "en", "categories": ["", "News"], "explicit": True},
            {
                "episode_id": "e3",
                "language": "Italian (Italy)",
                "duration_s": None,
                "published": None,
                "explicit": False,
            },
        )
    }
    item_file = "episodes.jsonl"
    items = (
        Item(
            id="e1",
            kind="episode",
            title="An episode",
            creator="A show",
            text="What it is about.",
            tags=("News", "Storia"),
            language="it-IT",
            duration_s=498.0,
            published_at=1_679_327_220,
            explicit=None,
            extra={"show_id": "s1"},
        ),
        Item(
            id="e2",
            kind="episode",
            title="An episode",
            creator="A show",
            tags=("News",),
            language="en",
            duration_s=498.0,
            published_at=1_679_327_220,
            explicit=True,
            extra={"show_id": "s1"},
        ),
        Item(
            id="e3",
            kind="episode",
            title="An episode",
            creator="A show",
            text="What it is about.",
            tags=("News", "Storia"),
            explicit=False,
            extra={"show_id": "s1"},
        ),
    )
    interactions = ()
    notes = ("1 episodes had a language that is no registered tag: cut to what is one, or left out",)
    bad_lines = {  # noqa: RUF012  # the suite declares it
        "episodes.jsonl": (
            lines({"title": "Again"}, {"episode_id": "e4", "categories": "News"}, {"episode_id": "e5", "title": None}),
            [(4, "episode_id"), (5, "categories"), (6, "title")],
        )
    }

    def test_interactions_of_another_set_are_pointed_out(self, source: Path, tmp_path: Path) -> None:
        write_set(tmp_path / "rows", {"interactions.jsonl": ""})
        with Rejects(tmp_path / "rejects.out") as rejects:
            done = import_set(self.name, source, tmp_path / "rows", rejects, 0.0, Reporter("none"))
        assert "not of this set" in done.notes[-1]


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("it-it", "it-IT"),
        ("EN_us", "en-US"),
        ("en", "en"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("sl-rozaj", "sl-rozaj"),
        ("en-x-us", "en-x-us"),
        ("en-x-ab-cdef", "en-x-ab-cdef"),
        ("i-klingon", "tlh"),
        ("iw", "he"),
        ("en-en", "en"),
        (" fr ", "fr"),
        ("english (uk)", None),
        ("", None),
        (None, None),
    ],
)
def test_languages_become_registered_tags(tmp_path: Path, written: str | None, tag: str | None) -> None:
    write_set(tmp_path / "set", {"episodes.jsonl": lines({"language": written})})
    with Rejects(tmp_path / "rejects.out") as rejects:
        import_set("podcast_episodes", tmp_path / "set", tmp_path / "rows", rejects, 0.0, Reporter("none"))
    row = json.loads((tmp_path / "rows" / "catalogue.jsonl").read_text())
    assert row.get("language") == tag
