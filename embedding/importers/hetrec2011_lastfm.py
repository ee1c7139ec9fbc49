"""Last.fm 2K (HetRec 2011): artists as items, play counts as weights, tags that enough people gave.

`artists.dat`: id, name, url, pictureURL. `user_artists.dat`: userID, artistID, weight. `tags.dat` (Latin-1): tagID,
tagValue. `user_taggedartists.dat`: userID, artistID, tagID, day, month, year.
"""

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from embedding.importers.import_job import ImportJob, ItemIds
from embedding.importers.importer import Importer
from embedding.importers.tab_separated import read_tab_separated
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.interaction_parser import INTERACTION_PARSER
from embedding.rows.rejects import shown
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.schema import Interaction, Item

# A tag that fewer gave tells who knows the artist rather than what the artist is like.
MIN_TAG_USERS = 10
_MAX_TAGS, _MAX_TAG = 500, 200


class _Artist(Struct):
    id: str | None = None
    name: str | None = None
    url: str | None = None
    pictureURL: str | None = None


class _Play(Struct):
    userID: str | None = None
    artistID: str | None = None
    weight: str | None = None


class _Tag(Struct):
    tagID: str = ""
    tagValue: str = ""


class _Tagged(Struct):
    userID: str = ""
    artistID: str = ""
    tagID: str = ""
    day: str = ""
    month: str = ""
    year: str = ""


def _item(artist: _Artist) -> Item:
    # The data set has no kinds; an artist's page is music.
    return CATALOGUE_PARSER.from_fields(
        {"id": artist.id, "kind": "track", "title": artist.name, "creator": artist.name}
    )


def _interaction(play: _Play) -> Interaction:
    try:
        weight = float(play.weight or "")
    except ValueError:
        raise RowProblem("weight", "a play count", shown(play.weight)) from None
    return INTERACTION_PARSER.from_fields({"user_id": play.userID, "item_id": play.artistID, "weight": weight})


def _tag(tag: _Tag) -> _Tag:
    if len(tag.tagValue.strip()) > _MAX_TAG:
        raise RowProblem("tagValue", f"text of up to {_MAX_TAG} characters", shown(tag.tagValue))
    return tag


_ARTISTS: RowParser[_Artist, Item] = RowParser("an artist", _Artist, _item, ("id", "name"), {}, {})
_PLAYS: RowParser[_Play, Interaction] = RowParser(
    "a play count", _Play, _interaction, ("userID", "artistID", "weight"), {}, {}
)
_TAGS: RowParser[_Tag, _Tag] = RowParser("a tag", _Tag, _tag, ("tagID", "tagValue"), {}, {})
_TAGGED: RowParser[_Tagged, _Tagged] = RowParser(
    "a tag given", _Tagged, lambda tagged: tagged, ("userID", "artistID", "tagID"), {}, {}
)


class HetRec2011LastFm(Importer):
    """Artists with their tags, and how often each user played each."""

    name = "hetrec2011_lastfm"
    about = "Last.fm 2K of HetRec 2011: artists, tags and play counts."

    def run(self, job: ImportJob) -> Sequence[str]:
        """As `Importer`; an artist that was played but has no row gets its id as name."""
        tags_of, num_tags = _tags(job)
        ids = ItemIds("id")
        unlisted: dict[str, None] = {}
        for item in job.rows("artists.dat", _ARTISTS, read_tab_separated("utf-8"), ids.check):
            job.write_item(_with_tags(item, tags_of))
        for play in job.rows("user_artists.dat", _PLAYS, read_tab_separated("utf-8")):
            job.write_interaction(play)
            if play.item_id not in ids:
                unlisted[play.item_id] = None
        for artist_id in unlisted:
            job.write_item(_with_tags(_item(_Artist(id=artist_id, name=artist_id)), tags_of))
        notes = [f"{num_tags:,} tags given by {MIN_TAG_USERS} users or more are kept"]
        if unlisted:
            notes.append(f"{len(unlisted):,} artists were played but have no row: their id is their name")
        return notes


def _tags(job: ImportJob) -> tuple[dict[str, list[str]], int]:
    """Tags of each artist, the one that most users gave it first; and how many different ones are kept."""
    words = {tag.tagID: tag.tagValue.strip() for tag in job.rows("tags.dat", _TAGS, read_tab_separated("latin-1"))}
    users: dict[str, set[str]] = defaultdict(set)
    given: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for tagged in job.rows("user_taggedartists.dat", _TAGGED, read_tab_separated("utf-8")):
        users[tagged.tagID].add(tagged.userID)
        given[tagged.artistID][tagged.tagID] += 1
    kept = {tag for tag, givers in users.items() if len(givers) >= MIN_TAG_USERS and words.get(tag)}
    tags_of = {
        artist: [
            words[tag] for tag in sorted(counts, key=lambda tag: (-counts[tag], words.get(tag, ""))) if tag in kept
        ]
        for artist, counts in given.items()
    }
    return tags_of, len(kept)


def _with_tags(item: Item, tags_of: dict[str, list[str]]) -> Item:
    fields = {"id": item.id, "kind": item.kind, "title": item.title, "creator": item.creator}
    return CATALOGUE_PARSER.from_fields({**fields, "tags": tags_of.get(item.id, [])[:_MAX_TAGS]})
