"""Which importers there are: each by name, each put through the contract suite; a new one takes a few lines."""

from collections.abc import Sequence

import pytest
from msgspec import Struct

from embedding.errors import UsageError
from embedding.importers.import_job import ImportJob, ItemIds
from embedding.importers.importer import Importer
from embedding.importers.registry import IMPORTERS
from embedding.registry import Registry
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.readers_csv import read_csv
from embedding.rows.row_parser import RowParser
from embedding.rows.schema import Item
from tests.embedding.contracts import untested
from tests.embedding.importers.contract import ImporterContract


class Tune(Struct):
    number: str | None = None
    tune: str | None = None


def item_of(tune: Tune) -> Item:
    return CATALOGUE_PARSER.from_fields({"id": tune.number, "kind": "track", "title": tune.tune, "creator": "trad."})


TUNES: RowParser[Tune, Item] = RowParser("a tune", Tune, item_of, ("number", "tune"), {}, {})


class TuneBook(Importer):
    """Traditional tunes by number."""

    name = "tune_book"
    about = "Traditional tunes."
    has_interactions = False

    def run(self, job: ImportJob) -> Sequence[str]:
        for item in job.rows("tunes.csv", TUNES, read_csv, ItemIds("number").check):
            job.write_item(item)
        return []


class Forgotten(TuneBook):
    """An importer that no test names."""

    name = "forgotten"


class TestTuneBook(ImporterContract):
    registry = Registry[Importer]("data set", (TuneBook(),))
    name = "tune_book"
    files = {"tunes.csv": "number,tune\n1,The Silver Spear\n2,Banish Misfortune\n"}  # noqa: RUF012
    item_file = "tunes.csv"
    items = (
        Item(id="1", kind="track", title="The Silver Spear", creator="trad."),
        Item(id="2", kind="track", title="Banish Misfortune", creator="trad."),
    )
    interactions = ()
    bad_lines = {"tunes.csv": ("3,\n", [(4, "title")])}  # noqa: RUF012


def test_every_importer_is_put_through_the_contract() -> None:
    assert untested(IMPORTERS, ImporterContract) == []
    assert untested((TuneBook(), Forgotten()), ImporterContract) == ["forgotten"]


def test_names_are_those_that_people_type() -> None:
    assert IMPORTERS.names == ("playlist_archive", "podcast_episodes", "hetrec2011_lastfm", "taste_profile")
    with pytest.raises(UsageError, match=r"data set: expected one of playlist_archive, .*\(did you mean taste_profile"):
        IMPORTERS["taste-profile"]
