"""The spool gives back its batches, twice if asked, and leaves nothing behind."""

from pathlib import Path

from embedding.rows.schema import Item, Window
from embedding.rows.spool import Spool


def test_batches_come_back_and_the_file_goes(tmp_path: Path) -> None:
    first = [Item(id="1", kind="track", title="t", creator="c", availability=(Window("SE", 1, 2),))]
    second = [Item(id="2", kind="episode", title="t", creator="c", extra={"a": 1.5}), *first]
    with Spool(tmp_path / "rows") as spool:
        spool.append(first)
        spool.append(second)
        assert list(spool.batches()) == [first, second]
        assert list(spool.batches()) == [first, second]
    assert list(tmp_path.iterdir()) == []


def test_an_empty_spool_has_no_batches(tmp_path: Path) -> None:
    with Spool(tmp_path / "rows") as spool:
        assert list(spool.batches()) == []
