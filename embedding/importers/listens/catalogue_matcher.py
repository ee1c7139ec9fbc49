"""Which row of a catalogue a listen is of: by ISRC, MusicBrainz id, or artist and title under the key of names."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from embedding.importers.listens.listen import Listen
from embedding.rows.names import name_key
from embedding.rows.schema import Item

By = Literal["isrc", "mbid", "names"]
NAMELESS = "no artist or no title is given"
NO_CREATOR = "the catalogue has nobody of that name"
NO_TITLE = "the catalogue has the artist or show, and nothing of that title by them"


class Match(Struct, frozen=True):
    """The row that was found, by what, and of how many that the names fit."""

    item_id: str
    by: By
    of: int = 1


class CatalogueMatcher:
    """All rows of a catalogue by what a listen may know of them.

    `extra.isrc` and `extra.mbid` are compared without hyphens and case; creators, titles and albums by `name_key`, each
    of a row's creators counting. Tracks are found by listens of tracks, episodes by those of episodes.
    """

    def __init__(self) -> None:
        self._by_code: dict[tuple[str, str], str] = {}
        # (id, key of the album) of each row by kind, creator and title.
        self._by_names: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        self._creators: set[tuple[str, str]] = set()

    def add(self, items: Iterable[Item]) -> None:
        """Take a batch of rows."""
        for item in items:
            for name in ("isrc", "mbid"):
                written = item.extra.get(name)
                if isinstance(written, str) and (code := _code(written)):
                    # Of two rows with one code the one whose id comes first, whatever the order of the rows.
                    self._by_code[name, code] = min(item.id, self._by_code.get((name, code), item.id))
            title, album = name_key(item.title), name_key(item.album or "")
            for creator in {name_key(name) for name in item.credited}:
                self._creators.add((item.kind, creator))
                self._by_names.setdefault((item.kind, creator, title), []).append((item.id, album))

    def match(self, listen: Listen) -> Match | str:
        """The row that `listen` is of, or why there is none.

        Of several rows of one artist and title that of the same album, else the one whose id comes first.
        """
        codes: tuple[tuple[By, str], ...] = (("isrc", listen.isrc), ("mbid", listen.mbid))
        for by, written in codes:
            found = self._by_code.get((by, _code(written)))
            if found is not None:
                return Match(found, by)
        creator, title = name_key(listen.creator), name_key(listen.title)
        if not creator or not title:
            return NAMELESS
        rows = self._by_names.get((listen.kind, creator, title))
        if rows is None:
            return NO_TITLE if (listen.kind, creator) in self._creators else NO_CREATOR
        album = name_key(listen.album)
        return Match(min(rows, key=lambda row: (row[1] != album, row[0]))[0], "names", len(rows))


def _code(written: str) -> str:
    return written.replace("-", "").strip().upper()
