"""What columns are called in the tables of labels and podcast publishers, and which field each name means."""

import re
from typing import NamedTuple

# By field, and for deals by their keys; the likelier name first.
_NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        *("id", "item id", "track id", "episode id", "recording id", "asset id", "song id"),
        *("isrc", "isrc code", "isrc number", "guid", "episode guid"),
    ),
    "title": (
        *("title", "track title", "episode title", "song title", "recording title", "track name", "song name"),
        *("track", "song", "name"),
    ),
    "creator": (
        *("creator", "artist", "artists", "artist name", "track artist", "main artist", "primary artist"),
        *("display artist", "artist s", "performer", "band", "show", "show title", "show name"),
        *("podcast", "podcast title", "podcast name", "album artist"),
    ),
    "album": ("album", "album title", "album name", "release title", "release name", "release", "product title"),
    "text": ("text", "description", "episode description", "synopsis", "summary", "show notes", "transcript"),
    "tags": ("tags", "genre", "genres", "tag", "main genre", "primary genre", "category", "categories", "keywords"),
    "language": ("language", "language code", "lang", "audio language", "lyrics language"),
    "duration_s": (
        *("duration", "track duration", "track length", "episode length", "length", "running time", "run time"),
        *("runtime", "play time", "playing time", "time"),
    ),
    "published_at": (
        *("published at", "release date", "digital release date", "publication date", "publish date", "published"),
        *("pub date", "pubdate", "air date", "street date", "original release date", "released", "date"),
    ),
    "explicit": (
        *("explicit", "is explicit", "explicit lyrics", "explicit content", "parental advisory", "advisory"),
        *("parental warning", "parental warning type"),
    ),
    "min_age": ("min age", "minimum age"),
    "territories": (
        *(
            "territories",
            "territory",
            "territory codes",
            "territory code",
            "licensed territories",
            "rights territories",
        ),
        *("sales territories", "countries", "country codes", "markets", "available in"),
    ),
    "except": ("excluded territories", "excluded territory codes", "territories excluded", "excluded countries"),
    "from": (
        *("start date", "startdate", "deal start date", "deal start", "rights start", "rights start date"),
        *("valid from", "available from", "sales start date", "availability start", "start"),
    ),
    "until": (
        *("end date", "enddate", "deal end date", "deal end", "rights end", "rights end date", "expiry date"),
        *("valid until", "available until", "sales end date", "availability end", "takedown date", "end"),
    ),
}
_ROLES = {name: (role, rank) for role, names in _NAMES.items() for rank, name in enumerate(names)}
DEAL_ROLES = ("territories", "except", "from", "until")

# Names in `extra` for what has no field of its own; those that are codes, whose digits are text.
_EXTRA = {
    **dict.fromkeys(("isrc", "isrc code", "isrc number"), "isrc"),
    **dict.fromkeys(("upc", "upc code", "ean", "upc ean", "barcode", "upc barcode", "icpn"), "upc"),
    **dict.fromkeys(("grid", "iswc", "label", "version", "composer", "composers", "bpm", "key", "year"), None),
    **dict.fromkeys(("record label", "label name", "imprint"), "label"),
    **dict.fromkeys(("catalogue number", "catalog number", "catalogue no", "catalog no", "cat no"), "catalogue_number"),
    **dict.fromkeys(("p line", "c line", "track number", "disc number", "episode number", "season"), None),
    **dict.fromkeys(("track no", "track nr"), "track_number"),
    **dict.fromkeys(("mix", "mix version", "track version", "title version"), "version"),
}
CODES = frozenset({"isrc", "upc", "grid", "iswc", "catalogue_number"})

_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("mm ss", "m ss", "m s"), "m:s"),
    **dict.fromkeys(("hh mm ss", "h mm ss", "h m s"), "h:m:s"),
}
_TRACK_MARKS = re.compile(r"\b(isrc|track|song|album|upc|artist)\b")
_DEAL_MARKS = re.compile(r"\b(?:territor|deal|embargo|availab)")
_EPISODE_MARKS = re.compile(r"\b(episode|podcast|show|season)\b")


class Meaning(NamedTuple):
    """What a column's name says: its role (a field, or a key of deals), how likely among its synonyms (0: likeliest),
    its unit where the name has one, and which of several deals it is of."""

    role: str
    rank: int
    unit: str | None = None
    deal: int = 0


def plain_name(column: str) -> str:
    """`column` in lower case, with one space for all that is neither letter nor digit."""
    return " ".join(re.findall(r"[^\W_]+", column.casefold()))


def meaning(column: str) -> Meaning | None:
    """What a column of this name holds; None where its name says nothing."""
    name = plain_name(column)
    if name in _ROLES:
        return Meaning(*_ROLES[name])
    for words, unit in _UNITS.items():
        before = name.removesuffix(f" {words}")
        if before != name and _ROLES.get(before, ("", 0))[0] == "duration_s":
            return Meaning(*_ROLES[before], unit)
    numbered = re.fullmatch(
        r"deal ?(?P<deal>\d) (?P<name>.+)|(?:deal )?(?P<name_before>.+?) ?(?P<deal_behind>\d)", name
    )
    if numbered is not None:
        of_deal = _ROLES.get(numbered["name"] or numbered["name_before"], ("", 0))
        if of_deal[0] in DEAL_ROLES:
            return Meaning(*of_deal, None, int(numbered["deal"] or numbered["deal_behind"]))
    return None


def may_be_of_a_deal(column: str) -> bool:
    """Whether a column of this name may say where or when rows may be shown."""
    return _DEAL_MARKS.search(plain_name(column)) is not None


def extra_name(column: str) -> str | None:
    """The name in `extra` of what a column is known to hold; None for one that is not known."""
    name = plain_name(column)
    return (_EXTRA[name] or name.replace(" ", "_")) if name in _EXTRA else None


def likely_kind(columns: list[str]) -> str | None:
    """`track` or `episode`, where the columns' names speak of one of the two alone."""
    names = [plain_name(column) for column in columns]
    track = any(_TRACK_MARKS.search(name) for name in names)
    episode = any(_EPISODE_MARKS.search(name) for name in names)
    return None if track == episode else "track" if track else "episode"
