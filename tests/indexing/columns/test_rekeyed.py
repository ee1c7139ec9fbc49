"""Columns that were written by the first keys of names say what columns of today's keys say."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from embedding.rows.first_name_key import first_name_key
from embedding.rows.names import name_key
from embedding.rows.schema import Item
from indexing.columns.arrangement_features import ArrangementFeatures, ArrangementFeaturesWriter
from indexing.columns.columns import Columns, ColumnsWriter
from indexing.columns.field_columns import FieldColumns, FieldColumnsWriter
from indexing.columns.rekeyed import RekeyedColumns, RekeyedCreators, RekeyedFeatures
from indexing.filters.algebra import All, Equals, Filter, NoneOf, OneOf
from indexing.payload.payload import payload_of
from indexing.release.engine_keys import NOT_IN_ENGINE, prepared_for_stored_keys
from tests.indexing.stores.made_words import no_words

NAMES = ("Don’t", "Don't", "Işın Karaca", "IŞIN KARACA", "Ana", "El‐P", "El-P", "Radio\u200bhead", "ΐ", "Ωmega", "Bo")
ROWS = [
    *(Item(id=f"plain-{name}", kind="track", title=f"A song of {name}", creator=name) for name in NAMES),
    *(Item(id=f"same-{name}", kind="track", title=name, creator="Ana", tags=(name,)) for name in NAMES),
    *(Item(id=f"with-{name}", kind="episode", title="A talk", creator=name, creators=("Ana", "Bo")) for name in NAMES),
    Item(id="guest", kind="track", title="A song of Bo", creator="Bo feat. Ana", creators=("Bo",)),
]


@contextmanager
def first_keys() -> Iterator[None]:
    """Names are compared as the first releases did, and by `creators` alone."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("payload.payload", "columns.columns", "columns.arrangement_features"):
            patched.setattr(f"indexing.{module}.name_key", first_name_key)
        patched.setattr(Item, "credited", Item.all_creators)
        yield


def write(folder: Path) -> None:
    fields, features = FieldColumnsWriter(), ArrangementFeaturesWriter()
    payloads = [payload_of(item, 7, 0.5) for item in ROWS]
    with ColumnsWriter(folder, {"text": 2}) as writer:
        writer.append(
            payloads, [bytes(32)] * len(ROWS), {"text": np.ones((len(ROWS), 2), np.float32)}, no_words(len(ROWS))
        )
    fields.add(payloads)
    features.add(payloads)
    fields.save(folder)
    features.save(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    old, new = tmp_path_factory.mktemp("old") / "columns", tmp_path_factory.mktemp("new") / "columns"
    with first_keys():
        write(old)
    write(new)
    return old, new


def test_they_differ_as_they_stand(folders: tuple[Path, Path]) -> None:
    old, new = map(Columns, folders)
    assert any(old.payload(row) != new.payload(row) for row in range(len(ROWS)))
    assert len(old.titled("Don’t")) == 1
    assert len(new.titled("Don’t")) == 2


def test_payloads_titles_creators_and_features_are_those_of_today(folders: tuple[Path, Path]) -> None:
    old, new = RekeyedColumns(folders[0]), Columns(folders[1])
    assert [old.payload(row) for row in range(len(ROWS))] == [new.payload(row) for row in range(len(ROWS))]
    old_fields, new_fields = FieldColumns(folders[0], RekeyedCreators(old)), FieldColumns(folders[1])
    for name in (*NAMES, "Bo feat. Ana", "nobody"):
        np.testing.assert_array_equal(old.titled(name), new.titled(name))
        key = name_key(name)
        np.testing.assert_array_equal(old_fields.creators.rows([key]), new_fields.creators.rows([key]))
        for where in (Equals("creator_keys", key), NoneOf((OneOf("creator_keys", frozenset({key, "ana"})),))):
            np.testing.assert_array_equal(old_fields.mask(where), new_fields.mask(where))
            assert old_fields.share(where) == new_fields.share(where)
    rekeyed, today = RekeyedFeatures(folders[0], old), ArrangementFeatures(folders[1])
    rows = list(range(len(ROWS)))
    assert rekeyed.recordings_of(rows) == today.recordings_of(rows)
    for row in rows:
        assert rekeyed.creators(row) == today.creators(row)
        assert rekeyed.tags(row) == today.tags(row)


def test_only_rows_of_names_that_changed_are_told_apart(folders: tuple[Path, Path]) -> None:
    differ = RekeyedColumns(folders[0]).differences.rows
    told = {ROWS[row].id for row in np.flatnonzero(differ)}
    assert {"plain-Ana", "plain-El-P", "same-Bo", "plain-Ωmega", "with-Ana", "with-Bo"}.isdisjoint(told)
    assert {"plain-Don’t", "same-Işın Karaca", "with-Radio\u200bhead", "guest"} <= told


def test_the_engine_is_asked_for_the_keys_that_it_holds(folders: tuple[Path, Path]) -> None:
    old = RekeyedColumns(folders[0])

    def asked(where: Filter) -> object:
        return prepared_for_stored_keys(old, lambda where: where, where)

    other = Equals("kind", "track")
    for where in (other, OneOf("creator_keys", frozenset({"ana"})), NoneOf((Equals("creator_keys", "nobody"), other))):
        assert asked(where) is not NOT_IN_ENGINE
    # Rows whose `creator` is not among `creators` are no rows of theirs to the engine.
    for key in map(name_key, ("Don't", "Işın Karaca", "Bo feat. Ana")):
        assert asked(All((other, NoneOf((Equals("creator_keys", key),))))) is NOT_IN_ENGINE


def test_of_names_that_only_changed_the_engine_is_asked_for_all_spellings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.indexing.columns.test_rekeyed.ROWS", ROWS[: len(NAMES)])
    with first_keys():
        write(tmp_path / "columns")
    old = RekeyedColumns(tmp_path / "columns")
    found = prepared_for_stored_keys(old, lambda where: where, NoneOf((Equals("creator_keys", "don't"),)))
    assert found == NoneOf((OneOf("creator_keys", frozenset({"don’t", "don't"})),))
