"""Good inputs, which are changed: invented content in the form of real files."""

import tempfile
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

GOOD_ROWS: list[dict[str, Any]] = [
    {"id": "t-1", "kind": "track", "title": "One Drop", "creator": "The Paper Anchors", "popularity": 0.5},
    {
        "id": "e-1",
        "kind": "episode",
        "title": "Knots",
        "creator": "At Sea",
        "creators": ["At Sea", "The Quills"],
        "text": "Which knot holds?",
        "chapters": [{"start_s": 0, "title": "Hello"}, {"start_s": 90.5, "title": "Nets"}],
        "tags": ["sailing", "café"],
        "language": "en-GB",
        "duration_s": 1840,
        "published_at": "2024-05-31T06:00:00.25+02:00",
        "explicit": False,
        "min_age": 7,
        "availability": [{"market": "SE"}, {"market": "GB", "from": "2024-06-01", "until": "2027-06-01"}],
        "extra": {"isrc": "SEXYZ2300001", "year": 1999, "gain": -7.5, "live": True},
    },
    {"id": 17, "kind": "track", "title": "Line\nend", "creator": '"Quoted", indeed', "album": "Tides"},
]
INTERACTIONS: list[dict[str, Any]] = [
    {"user_id": "u-1", "item_id": "t-1", "at": "2025-01-06T07:30:00Z"},
    {"user_id": 2, "item_id": "e-1", "at": 1736150400.5, "weight": -1},
]
CSV_TABLE = (
    "Title,Artist,ISRC,Duration,Explicit,Territories,Release Date,Deal End Date,Genre,Notes\r\n"
    'Kajen,Röda Ankare,SEXYZ2300001,3:34,yes,SE;NO;GB,03/11/2023,31/12/2080,"Pop; Indie",ask\r\n'
    '"Hamnen, live",Röda Ankare,SEXYZ2300002,1:02:03,no,Worldwide except US,13/11/2023,,Pop,\r\n'
).encode()
MAP = """
[catalogue]
drop = ["Notes"]
[catalogue.fields]
kind = { constant = "track" }
id = "ISRC"
title = "Title"
creator = "Artist"
tags = { column = "Genre", separator = ";" }
duration_s = { column = "Duration", unit = "m:s" }
explicit = { column = "Explicit", values = { yes = true, no = false }, empty = ["-"] }
published_at = { column = "Release Date", date = "%d/%m/%Y" }
[[catalogue.deals]]
territories = "Territories"
from = "Release Date"
until = "Deal End Date"
date = "%d/%m/%Y"
"""
SHEET: list[list[Any]] = [
    ["Code", "Title", "Artist", "Length", "Released", "Year"],
    ["c-1", "Kajen", "Åsa", time(3, 34), date(2023, 11, 3), 1999],
    ["c-2", "Hamnen", "Åsa", time(0, 2, 5), date(2023, 11, 4), 19.5],
]
SHEET_MAP = """
[catalogue]
[catalogue.fields]
kind = { constant = "track" }
id = "Code"
title = "Title"
creator = "Artist"
duration_s = { column = "Length", unit = "h:m:s" }
published_at = "Released"
[catalogue.extra]
year = { column = "Year", type = "number" }
"""


def made(write: Callable[[Path], object]) -> bytes:
    """What `write` writes at the path that it is given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        write(path)
        return path.read_bytes()
