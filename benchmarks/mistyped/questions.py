"""Real names and titles, and how people mistype them: the catalogue of `benchmarks.mistyped` and what it is asked."""

import csv
import gzip
import json
import random
import re
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import Any

from msgspec import Struct

_SEED = 5
# One error in five letters.
_LEAST_LETTERS = 5
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DESCRIPTION = 300
_WORD = re.compile(r"[^\W\d_]+")
_KINDS_OF_ERROR = ("another letter", "two swapped", "one too few", "one too many")


class Question(Struct, frozen=True):
    """A name as it is and as it is mistyped, which error that is, and the ids that are right."""

    right: str
    mistyped: str
    error: str
    ids: frozenset[str]


def catalogue(data: Path, num_items: int) -> list[dict[str, Any]]:
    """Half of it episodes with the beginning of their descriptions, half tracks with their albums."""
    rng = random.Random(_SEED)
    with gzip.open(data / "podcast_episodes" / "episodes.jsonl.gz", "rt", encoding="utf-8") as file:
        episodes = [json.loads(line) for line in file]
    with gzip.open(data / "playlist_archive" / "tracks.csv.gz", "rt", encoding="utf-8", newline="") as file:
        tracks = list(csv.DictReader(file))
    rows: list[dict[str, Any]] = [
        {"id": f"e-{row['episode_id']}", "kind": "episode", "title": row["title"], "creator": row["show"]}
        | {"text": (row["description"] or "")[:_DESCRIPTION]}
        for row in rng.sample([row for row in episodes if row["title"] and row["show"]], num_items // 2)
    ]
    for row in rng.sample([row for row in tracks if row["title"] and row["artists"]], num_items - len(rows)):
        artists = [name.strip() for name in row["artists"].split(";") if name.strip()]
        named = {"title": row["title"], "creator": artists[0], "creators": artists}
        rows.append({"id": f"t-{row['track_id']}", "kind": "track", **named, "album": row["album"] or None})
    return rows


def questions(rows: list[dict[str, Any]], num: int) -> list[Question]:
    """A third each: episodes by title, tracks by title, and whom several kinds of rows name; each name once.

    A name has a word that can be mistyped, and is that of ten items at the most, all of which are right.
    """
    rng = random.Random(_SEED)
    named: dict[str, defaultdict[str, set[str]]] = {kind: defaultdict(set) for kind in ("episode", "track", "creator")}
    for row in rows:
        named[row["kind"]][_plain(row["title"])].add(row["id"])
        for creator in dict.fromkeys((*row.get("creators", ()), row["creator"])):
            named["creator"][_plain(creator)].add(row["id"])
    asked = []
    for kind in named:
        fit = [name for name, ids in named[kind].items() if len(ids) <= 10 and _words(name)]
        for number, name in enumerate(rng.sample(sorted(fit), num // len(named))):
            error = _KINDS_OF_ERROR[number % len(_KINDS_OF_ERROR)]
            asked.append(Question(name, _mistyped(name, error, rng), error, frozenset(named[kind][name])))
    return asked


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _words(name: str) -> list[re.Match[str]]:
    return [word for word in _WORD.finditer(name) if len(word[0]) >= _LEAST_LETTERS]


def _mistyped(name: str, error: str, rng: random.Random) -> str:
    word = rng.choice(_words(name))
    while True:
        place, letter = rng.randrange(len(word[0])), rng.choice(_LETTERS)
        before, after = word[0][:place], word[0][place:]
        typed = {
            "another letter": before + letter + after[1:],
            "two swapped": before + after[1:2] + after[:1] + after[2:],
            "one too few": before + after[1:],
            "one too many": before + letter + after,
        }[error]
        if typed != word[0]:
            return name[: word.start()] + typed + name[word.end() :]
