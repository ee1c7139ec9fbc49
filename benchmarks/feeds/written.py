"""Real episodes written as feeds, one file a show, as hosts write them."""

import gzip
from collections import defaultdict
from datetime import datetime
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any

import msgspec

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel>'
)


def write_feeds(source: Path, folder: Path) -> dict[tuple[str, str], str]:
    """Write the episodes of `source/episodes.jsonl.gz` into `folder`; gives each episode's id by its show and guid."""
    shows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(source / "episodes.jsonl.gz") as lines:
        for line in lines:
            episode = msgspec.json.decode(line)
            shows[episode["show_id"]].append(episode)
    for show_id, episodes in shows.items():
        head = _texts(title=episodes[0]["show"], language=episodes[0]["language"], podcast__guid=show_id)
        (folder / f"{show_id}.xml").write_text(_HEAD + head + "\n".join(map(_item, episodes)) + "</channel></rss>")
    # A row shows its guid on one line.
    return {
        (one["show_id"], " ".join(one["guid"].split())): one["episode_id"]
        for episodes in shows.values()
        for one in episodes
    }


def _item(episode: dict[str, Any]) -> str:
    said = _texts(
        title=episode["title"],
        guid=episode["guid"],
        # HTML by the standard: escaped once as HTML, once as XML.
        description=escape(episode["description"], quote=False) if episode["description"] else None,
        pubDate=format_datetime(datetime.fromisoformat(episode["published"])) if episode["published"] else None,
        itunes__duration=None if episode["duration_s"] is None else str(episode["duration_s"]),
        itunes__explicit=None if episode["explicit"] is None else str(episode["explicit"]).lower(),
    )
    categories = "".join(f"<category>{escape(name)}</category>" for name in episode["categories"] or ())
    audio = f'<enclosure url="https://media.example.com/{episode["episode_id"]}.mp3" type="audio/mpeg" length="1"/>'
    return f"<item>{said}{categories}{audio}</item>"


def _texts(**texts: str | None) -> str:
    """An element for each text that there is; `itunes__duration` is `itunes:duration`."""
    named = ((name.replace("__", ":"), text) for name, text in texts.items() if text)
    return "".join(f"<{name}>{escape(text, quote=False)}</{name}>" for name, text in named)
