"""Prompts of an encoder's folder: each side behind its own, and other vectors under another hash."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedding.errors import EncoderMissingError
from embedding.settings import EncoderPlace
from embedding.text.encoder_folder import find_encoder, hash_folder
from embedding.text.encoder_of_hash import encoder_of_hash
from embedding.text.prompts import Prompts
from embedding.text.sentence_encoder import SentenceEncoder
from embedding.text.text_vectors import cached_texts

# More than a batch, so that lanes are taken where there are cores for them.
TEXTS = [f"a tune of the sea, number {number}" for number in range(20)]
ASKS_TO_SAY = {"query": "ask: ", "passage": "say: "}
Folders = Callable[[dict[str, Any]], Path]


@pytest.fixture(scope="module")
def packaged() -> SentenceEncoder:
    return SentenceEncoder.load(find_encoder(None))


@pytest.fixture
def copy(tmp_path: Path) -> Folders:
    """Makes the packaged model a folder of its own, with such a config of prompts."""

    def make(config: dict[str, Any]) -> Path:
        original, folder = find_encoder(None).path, tmp_path / "model"
        for path in original.rglob("*"):
            if path.is_file():
                target = folder / path.relative_to(original)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(path)
        (folder / "config_sentence_transformers.json").unlink()
        (folder / "config_sentence_transformers.json").write_text(json.dumps(config))
        return folder

    return make


def assert_near(found: Any, expected: Any) -> None:
    """Within what batches of other lengths change in bfloat16."""
    assert (found * expected).sum(axis=1).min() > 0.9995


@pytest.mark.parametrize(
    ("config", "query", "document"),
    [
        ({"prompts": {"query": "ask: ", "document": "say: "}}, "ask: ", "say: "),
        ({"prompts": {"query": "ask: ", "document": "say: "}, "default_prompt_name": "document"}, "ask: ", "say: "),
        ({"prompts": ASKS_TO_SAY}, "ask: ", "say: "),
        # As the library saves it, once it has been loaded: `document` is made up.
        ({"prompts": ASKS_TO_SAY | {"document": ""}}, "ask: ", "say: "),
        ({"prompts": {"query": "ask: "}, "default_prompt_name": "query"}, "ask: ", ""),
    ],
)
def test_queries_and_documents_stand_behind_their_own_prompt(
    copy: Folders, packaged: SentenceEncoder, config: dict[str, Any], query: str, document: str
) -> None:
    folder = copy(config)
    found = find_encoder(folder)
    assert found.prompts == Prompts(query, document)
    # What an earlier version kept under the hash of the files alone was encoded otherwise.
    assert found.hash != hash_folder(folder)

    encoder = SentenceEncoder.load(found)

    assert_near(encoder.encode_queries(TEXTS), packaged.encode([query + text for text in TEXTS]))
    assert_near(encoder.encode(TEXTS), packaged.encode([document + text for text in TEXTS]))
    assert not np.allclose(encoder.encode_queries(TEXTS), encoder.encode(TEXTS), atol=0.01)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"prompts": {}},
        {"prompts": {"query": "", "document": ""}, "default_prompt_name": None},
        {"prompts": {"clustering": "group: "}},
    ],
)
def test_without_prompts_vectors_and_hash_are_as_they_were(
    copy: Folders, packaged: SentenceEncoder, config: dict[str, Any]
) -> None:
    folder = copy(config)
    found = find_encoder(folder)
    assert (found.hash, found.prompts) == (hash_folder(folder), Prompts())

    encoder = SentenceEncoder.load(found)

    expected = packaged._model.encode(TEXTS[:5], batch_size=16, show_progress_bar=False)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.array_equal(encoder.encode(TEXTS[:5]), expected)
    assert np.array_equal(encoder.encode_queries(TEXTS[:5]), expected)


def test_a_default_prompt_alone_stays_before_every_text(copy: Folders, packaged: SentenceEncoder) -> None:
    folder = copy({"prompts": {"music": "music: "}, "default_prompt_name": "music"})
    found = find_encoder(folder)
    assert found.hash == hash_folder(folder)
    encoder = SentenceEncoder.load(found)
    expected = packaged.encode([f"music: {text}" for text in TEXTS])
    assert_near(encoder.encode(TEXTS), expected)
    assert_near(encoder.encode_queries(TEXTS), expected)


def test_what_an_earlier_version_encoded_is_asked_as_it_was(
    copy: Folders, packaged: SentenceEncoder, tmp_path: Path
) -> None:
    folder = copy({"prompts": ASKS_TO_SAY, "default_prompt_name": "passage"})
    places = [EncoderPlace(folder)]

    now = encoder_of_hash(find_encoder(folder).hash, places, tmp_path)
    then = encoder_of_hash(hash_folder(folder), places, tmp_path)

    assert now == find_encoder(folder)
    assert then.hash == hash_folder(folder)
    encoder = SentenceEncoder.load(then)
    expected = packaged.encode([f"say: {text}" for text in TEXTS])
    assert_near(encoder.encode_queries(TEXTS), expected)
    assert_near(encoder.encode(TEXTS), expected)


def test_the_cache_keeps_the_sides_apart(copy: Folders, tmp_path: Path) -> None:
    found = find_encoder(copy({"prompts": ASKS_TO_SAY}))
    for _ in range(2):
        with cached_texts(found, tmp_path, SentenceEncoder.load) as texts:
            documents, queries = texts.of_texts(TEXTS[:3]), texts.of_queries(TEXTS[:3])
            assert_near(documents, texts.encoder.encode(TEXTS[:3]))
            assert_near(queries, texts.encoder.encode_queries(TEXTS[:3]))
            assert not np.allclose(documents, queries, atol=0.01)


@pytest.mark.parametrize("text", ["{", '{"prompts": ["query: "]}', '{"prompts": null}', '{"prompts": {"query": 3}}'])
def test_prompts_that_cannot_be_read_are_an_error_that_names_the_file(copy: Folders, text: str) -> None:
    folder = copy({})
    (folder / "config_sentence_transformers.json").write_text(text)
    with pytest.raises(EncoderMissingError, match=r"config_sentence_transformers\.json.*expected .*\"query\""):
        find_encoder(folder)
