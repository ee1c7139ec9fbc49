"""Readers of public data sets: each file of each set in turn, beside good other files."""

from collections.abc import Callable
from pathlib import Path

from embedding.importers.import_set import import_set
from embedding.progress import Reporter
from embedding.rows.rejects import Rejects
from tests.embedding.importers.contract import ImporterContract, as_bytes
from tests.embedding.importers.test_hetrec2011_lastfm import TestHetRec2011LastFm
from tests.embedding.importers.test_playlist_archive import TestPlaylistArchive
from tests.embedding.importers.test_podcast_episodes import TestPodcastEpisodes
from tests.embedding.importers.test_taste_profile import TestTasteProfile
from tests.fuzz.counting import lines_of_json, rows_of_csv
from tests.fuzz.drawn import edited, pieces_of
from tests.fuzz.reader import FuzzReader, expect

_COUNTS: dict[str, Callable[[bytes], int | None]] = {".csv": rows_of_csv, ".jsonl": lines_of_json}


def _rows(files: dict[str, bytes]) -> int | None:
    """Rows of all files; None where one of them does not tell."""
    counts = [
        _COUNTS[Path(name).suffix](data) if Path(name).suffix in _COUNTS else None for name, data in files.items()
    ]
    return None if None in counts else sum(count or 0 for count in counts)


def _reader(of: type[ImporterContract], changed: str) -> FuzzReader:
    files = {name: as_bytes(content) for name, content in of.files.items()}
    good = files[changed]

    def read(data: bytes, folder: Path) -> None:
        source = folder / "set"
        source.mkdir()
        for name, content in files.items():
            (source / name).write_bytes(data if name == changed else content)
        with Rejects(folder / "rejects.jsonl") as rejects:
            import_set(of.name, source, folder / "out", rejects, 1.0, Reporter("none"))
        expected = _rows({**files, changed: data})
        expect(expected in (None, rejects.read), f"{expected} rows went in, {rejects.read} came out")

    pieces = pieces_of(good.decode("latin-1").replace(",", " "))
    return FuzzReader(f"{of.name} {changed}", read, lambda: [good], edited([good], pieces))


READERS = tuple(
    _reader(of, name)
    for of in (TestPodcastEpisodes, TestPlaylistArchive, TestTasteProfile, TestHetRec2011LastFm)
    for name in of.files
)
