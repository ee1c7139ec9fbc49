"""Vectors of items, listeners and texts, by two ways that must agree; neighbours by brute force; evaluation."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import nearfield
from embedding.errors import NotFoundError, RejectedInputError, UsageError
from embedding.text.encoder_folder import find_encoder
from embedding.text.sentence_encoder import SentenceEncoder
from nearfield.notebook.id_vectors import IdVectors
from nearfield.notebook.release import Release
from service.cli import nearfield as command
from tests.nearfield.notebook.notebook_world import World, build
from tests.service.world import ODD_ID, ids_of


def test_a_release_and_its_model_give_items_the_same_vectors(world: World) -> None:
    of_release = world.release().vectors(space="tower")
    of_model = world.model().vectors(world.catalogue)
    assert of_model.ids == of_release.ids
    assert ODD_ID in of_release.ids
    assert of_release.vectors.dtype == np.float32
    assert of_release.vectors.shape == (80, 16)
    np.testing.assert_allclose(of_model.vectors, of_release.vectors, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(of_release.vectors, axis=1), 1.0, atol=1e-5)


def test_a_release_and_its_model_give_listeners_the_same_vectors(world: World) -> None:
    of_release = world.release().user_vectors()
    of_model = world.model().user_vectors(world.catalogue, world.interactions)
    assert sorted(of_model.ids) == sorted(of_release.ids)
    np.testing.assert_allclose(of_model.of(of_release.ids).vectors, of_release.vectors, atol=1e-5)
    some = ["user-7", "user-0"]
    assert world.release().user_vectors(some).ids == some
    np.testing.assert_array_equal(world.release().user_vectors(some).vectors, of_release.of(some).vectors)
    alone = world.model().user_vectors(world.catalogue, world.interactions, some)
    np.testing.assert_allclose(alone.vectors, of_release.of(some).vectors, atol=1e-5)


def test_the_hour_of_a_request_counts(world: World) -> None:
    release = world.release()
    # All that it was trained on was heard at this hour.
    at_that_hour = release.user_vectors(["user-1"], at_s=1_700_000_000.0).vectors
    assert not np.array_equal(release.user_vectors(["user-1"]).vectors, at_that_hour)


def test_texts_are_encoded_as_queries_are(world: World) -> None:
    texts = ["late night jazz piano", "the trial of a killer"]
    release, model = world.release(), world.model()
    by_encoder = SentenceEncoder.load(find_encoder(None)).encode(texts)
    np.testing.assert_allclose(release.encode(texts), by_encoder, atol=1e-5)
    in_tower = release.encode(texts, space="tower")
    assert in_tower.shape == (2, 16)
    np.testing.assert_allclose(model.encode(texts), in_tower, atol=1e-5)
    near = release.neighbours(release.encode(texts), k=5, space="text")
    assert [{text.split("-")[0] for text in one.ids if text != ODD_ID} for one in near] == [{"jazz"}, {"crime"}]


def test_some_ids_come_in_their_order(world: World) -> None:
    release = world.release()
    wanted = ["metal-3", ODD_ID, "jazz-4"]
    ids, vectors = release.vectors(wanted, space="text")
    assert ids == wanted
    np.testing.assert_array_equal(vectors, release.vectors(space="text").of(wanted).vectors)
    assert [payload.title for payload in release.payloads(wanted)] == [
        "Metal number 3",
        "Jazz number 0",
        "Jazz number 4",
    ]


@given(seed=st.integers(0, 10_000), num=st.integers(1, 60), k=st.integers(1, 70), alike=st.booleans())
def test_neighbours_are_those_of_a_full_sort(seed: int, num: int, k: int, alike: bool) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((num, 5)).astype(np.float32)
    if alike:
        vectors[rng.integers(0, num, num // 2)] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = IdVectors([f"i{place}" for place in range(num)], vectors)
    queries = vectors[rng.integers(0, num, 20)]
    for query, near in zip(queries, table.nearest(queries, k), strict=True):
        scores = np.einsum("rd,d->r", vectors, query)
        order = np.lexsort((np.arange(num), -scores))[:k]
        assert near.ids == [table.ids[place] for place in order]
        np.testing.assert_array_equal(near.scores, scores[order])


def test_an_item_is_not_its_own_neighbour(world: World) -> None:
    release = world.release()
    ids = ids_of("jazz")[:5]
    for space in ("tower", "text"):
        near = release.neighbours(ids, k=79, space=space)
        assert [len(one.ids) for one in near] == [79] * 5
        assert all(own not in one.ids for own, one in zip(ids, near, strict=True))
    (one,) = release.neighbours(ids[0], k=3)
    assert one.ids == release.neighbours(ids, k=3)[0].ids


def test_what_is_not_there_is_told_with_what_is(world: World) -> None:
    release, model = world.release(), world.model()
    for asking in (release.vectors, release.payloads, release.neighbours):
        with pytest.raises(NotFoundError, match=r"2 ids are not known: 'x', 'y'\. There are 80, such as"):
            asking(["jazz-4", "x", "y"])
    with pytest.raises(NotFoundError, match="There are 60, such as 'user-"):
        release.user_vectors(["nobody"])
    with pytest.raises(NotFoundError, match="There are 60, such as 'user-"):
        model.user_vectors(world.catalogue, world.interactions, ["nobody"])
    with pytest.raises(UsageError, match="no vectors called 'bm25': expected one of text, tower"):
        release.vectors(space="bm25")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"expected vectors of 16 dims.* came an array of shape \(3,\)"):
        release.neighbours(np.zeros(3, np.float32))
    with pytest.raises(UsageError, match="finite"):
        release.neighbours(np.full(16, np.nan, np.float32))
    with pytest.raises(UsageError, match="k: expected 1 or more, came 0"):
        release.neighbours("jazz-4", k=0)
    with pytest.raises(UsageError, match="expected a list of texts"):
        release.encode("a text")
    with pytest.raises(UsageError, match="expected a list of texts"):
        model.encode("a text")
    with pytest.raises(NotFoundError):
        model.vectors("no-such-file.jsonl")


def test_a_catalogue_of_bad_rows_is_refused(world: World, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps({"id": "a", "kind": "song", "title": "A", "creator": "B"}) + "\n")
    with pytest.raises(RejectedInputError, match="not one good row"):
        world.model().vectors(bad)


def test_a_release_is_asked_with_its_own_encoder(world: World, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    opened = nearfield.open("live", data_dir=world.data_dir, encoder=tmp_path)
    assert isinstance(opened, Release)
    np.testing.assert_array_equal(opened.encode(["a text"]), world.release().encode(["a text"]))


def test_a_release_of_text_says_what_it_lacks(world: World) -> None:
    # Beside the other one its texts are in the cache.
    text_only = build(world.data_dir.parent / "text-only", with_model=False)
    release = text_only.release()
    assert release.vectors().vectors.shape == (80, 384)
    with pytest.raises(UsageError, match="has no model, and so no vectors of listeners"):
        release.user_vectors()
    with pytest.raises(UsageError, match="expected one of text"):
        release.encode(["a text"], space="tower")
    with pytest.raises(UsageError, match="has no model to evaluate"):
        release.evaluate(text_only.catalogue, text_only.interactions)


def test_evaluation_is_that_of_the_command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARFIELD_DATA_DIR", str(world.data_dir))
    rows = world.interactions.read_text().splitlines(keepends=True)
    test, history = tmp_path / "test.jsonl", tmp_path / "history.jsonl"
    test.write_text("".join(rows[::5]))
    history.write_text("".join(row for place, row in enumerate(rows) if place % 5))
    files = ("--catalogue", str(world.catalogue), "--interactions", str(history), "--test", str(test))
    typed = CliRunner().invoke(command, ["evaluate", str(world.source / "model"), *files, "--json"])
    assert typed.exit_code == 0, typed.output
    expected = json.loads(typed.stdout)
    for opened in (world.model(), world.release()):
        with pytest.warns(UserWarning, match="tells nothing of what it finds") as told:
            report = opened.evaluate(world.catalogue, history, test=test)
        assert f"Warning: {told[0].message}".partition("was trained")[2] in typed.stderr
        assert report.metrics == expected["metrics"]
        assert report.baselines == expected["baselines"]
    with pytest.raises(UsageError, match="baseline: expected one of popularity"):
        world.model().evaluate(world.catalogue, history, test=test, baselines=["luck"])
    with pytest.raises(UsageError, match="nothing is held out"):
        world.model().evaluate(world.catalogue, world.interactions)
