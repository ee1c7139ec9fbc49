"""The vector cache: what was put comes back, from any process, and damage is told."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from embedding.errors import DamagedError, MismatchError
from embedding.protocols import Vectors
from embedding.text.cached_encoding import encode_cached
from embedding.text.item_text import text_hash
from embedding.text.vector_cache import VectorCache, cache_path

ENCODER = "ab" * 32
DIMS = 12


def vectors(count: int, seed: int = 0) -> Vectors:
    raw = np.random.default_rng(seed).standard_normal((count, DIMS)).astype(np.float32)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)


def keys(count: int, prefix: str = "") -> list[bytes]:
    return [text_hash(f"{prefix}{number}") for number in range(count)]


class Counting:
    """An encoder that remembers what it was asked: a text's vector depends on the text alone."""

    hash = ENCODER
    dims = DIMS

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked.extend(texts)
        return np.concatenate([vectors(1, seed=int.from_bytes(text_hash(text)[:4])) for text in texts])

    encode_queries = encode


def test_what_was_put_comes_back_bit_for_bit_after_reopening(tmp_path: Path) -> None:
    stored = vectors(10_000)
    with VectorCache(tmp_path, ENCODER, DIMS) as cache:
        cache.put(keys(10_000), stored)
    with VectorCache(tmp_path, ENCODER, DIMS) as cache:
        found_vectors, found = cache.get([text_hash("absent"), *keys(10_000)[::-1], keys(1)[0]])
        assert len(cache) == 10_000

    assert found.tolist() == [False] + [True] * 10_001
    assert (found_vectors[1:-1] == stored[::-1]).all()
    assert (found_vectors[-1] == stored[0]).all()
    assert not found_vectors[0].any()


def test_encoders_do_not_see_one_another(tmp_path: Path) -> None:
    with VectorCache(tmp_path, ENCODER, DIMS) as first, VectorCache(tmp_path, "cd" * 32, DIMS) as second:
        first.put(keys(1), vectors(1))

        assert second.get(keys(1))[1].tolist() == [False]


def test_each_text_is_encoded_once_and_in_its_place(tmp_path: Path) -> None:
    encoder, steps = Counting(), list[int]()
    texts = ["b", "a long text", "b", "a"]
    with VectorCache(tmp_path, ENCODER, DIMS) as cache:
        first = encode_cached(encoder.encode, text_hash, cache, texts, steps.append)
        second = encode_cached(encoder.encode, text_hash, cache, [*texts, "new"], steps.append)

    assert encoder.asked == ["a long text", *sorted("ab", key=text_hash), "new"]
    assert (first == Counting().encode(texts)).all()
    assert (second[:4] == first).all()
    assert sum(steps) == 4 + 5


def test_dims_are_known_without_loading_the_encoder(tmp_path: Path) -> None:
    class Unloadable(Counting):
        @property
        def dims(self) -> int:  # type: ignore[override]
            raise AssertionError("loaded")

    VectorCache(tmp_path, ENCODER, DIMS).close()

    with VectorCache.of(tmp_path, Unloadable()) as cache:
        assert cache.dims == DIMS
    with VectorCache.of(tmp_path / "new", Counting()) as cache:
        assert cache.dims == DIMS


def test_vectors_of_another_length_are_refused(tmp_path: Path) -> None:
    with VectorCache(tmp_path, ENCODER, DIMS) as cache:
        with pytest.raises(MismatchError, match=r"2 float32 vectors of 12 dims.*\(2, 5\)"):
            cache.put(keys(2), np.zeros((2, 5), np.float32))
        with pytest.raises(MismatchError, match="float64"):
            cache.put(keys(2), np.zeros((2, DIMS)))  # type: ignore[arg-type]
        assert len(cache) == 0
    with pytest.raises(MismatchError, match="vectors of 12 dims"):
        VectorCache(tmp_path, ENCODER, 24)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vectors SET vector = zeroblob(48)",
        "UPDATE vectors SET vector = substr(vector, 1, 44)",
        "UPDATE vectors SET crc = crc + 1",
    ],
)
def test_a_changed_vector_is_an_error_and_never_an_answer(tmp_path: Path, change: str) -> None:
    with VectorCache(tmp_path, ENCODER, DIMS) as cache:
        cache.put(keys(3), vectors(3))
    with sqlite3.connect(cache_path(tmp_path, ENCODER)) as file:
        file.execute(change)
    file.close()

    with VectorCache(tmp_path, ENCODER, DIMS) as cache, pytest.raises(DamagedError, match="Delete the file"):
        cache.get(keys(3))


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    cache_path(tmp_path, ENCODER).write_bytes(b"something else" * 1_000)

    with pytest.raises(DamagedError, match=str(tmp_path)):
        VectorCache(tmp_path, ENCODER, DIMS)
    with pytest.raises(DamagedError, match=str(tmp_path)):
        VectorCache.of(tmp_path, Counting())


def write_many(folder: Path, prefix: str, done: "multiprocessing.Queue[int]") -> None:
    with VectorCache(folder, ENCODER, DIMS) as cache:
        for start in range(0, 100_000, 50):
            cache.put(keys(50, f"{prefix}{start}-"), vectors(50))
            done.put(start)


def test_processes_share_it_and_a_killed_one_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queues = [context.Queue() for _ in range(2)]
    writers = [context.Process(target=write_many, args=(tmp_path, f"{n}:", queue)) for n, queue in enumerate(queues)]
    for writer in writers:
        writer.start()
    kept = [[queue.get(timeout=300) for _ in range(5)] for queue in queues]
    for writer in writers:
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()

    with VectorCache(tmp_path, ENCODER, DIMS) as cache:
        for number, starts in enumerate(kept):
            for start in starts:
                found_vectors, found = cache.get(keys(50, f"{number}:{start}-"))
                assert found.all()
                assert (found_vectors == vectors(50)).all()
