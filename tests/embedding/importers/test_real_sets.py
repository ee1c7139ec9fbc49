"""The real data sets, where they lie beside the checkout: their counts are those of their publishers."""

from pathlib import Path

import pytest

from embedding.importers.import_set import import_set
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects

DATA = Path(__file__).parents[4] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data sets in {DATA}")


def run(name: str, folder: Path) -> tuple[int, int | None, tuple[str, ...]]:
    with Rejects(folder / "rejects.out") as rejects:
        done = import_set(name, DATA / name, folder, rejects, 0.0, Reporter("none"))
    assert rejects.rejected == 0
    return done.items, done.interactions, done.notes


def test_playlist_archive(tmp_path: Path) -> None:
    items, interactions, notes = run("playlist_archive", tmp_path)
    assert (items, interactions) == (63_228, 93_940)
    assert notes == ("10 tracks name no artist: creator 'unknown'",)


def test_podcast_episodes(tmp_path: Path) -> None:
    assert run("podcast_episodes", tmp_path) == (53_936, None, ())
    rejects = Rejects(tmp_path / "none.out")
    items = [item for batch in read_catalogue(tmp_path / "catalogue.jsonl", rejects) for item in batch]
    assert (rejects.accepted, rejects.rejected) == (53_936, 0)
    assert sum(item.explicit is None for item in items) == 39_972
    assert sum(item.language == "it-IT" for item in items) == 33_746
    assert len({item.extra["show_id"] for item in items}) == 3_536


def test_hetrec2011_lastfm(tmp_path: Path) -> None:
    items, interactions, _ = run("hetrec2011_lastfm", tmp_path)
    assert (items, interactions) == (17_632, 92_834)


def test_taste_profile(tmp_path: Path) -> None:
    items, interactions, notes = run("taste_profile", tmp_path)
    assert (items, interactions) == (53_867 + 1_839, 34_244)
    assert notes[0].startswith("1,839 songs were played but have no row")
