"""The encoder of many languages: converted from the packed file once, the same everywhere, and what is said if not."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from embedding.errors import EncoderMissingError
from embedding.settings import MINILM, MULTILINGUAL, EncoderPlace
from embedding.text.e5_folder import FOLDER_HASH
from embedding.text.encoder_folder import find_encoder, hash_folder
from embedding.text.encoder_hub import fetched_encoder, local_encoder
from embedding.text.mapped_words import MappedEmbedding
from embedding.text.packed_e5 import PackedE5, find_packed_e5
from embedding.text.sentence_encoder import SentenceEncoder

E5 = EncoderPlace(MULTILINGUAL)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def folder(cache: Path) -> Path:
    """The model, asked for by two at once."""
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: fetched_encoder(E5, cache), range(2)))
    assert found[0] is not None
    assert found[0] == found[1]
    return found[0]


def test_the_conversion_is_the_same_on_every_machine(folder: Path, cache: Path) -> None:
    assert find_encoder(folder).hash == FOLDER_HASH
    assert sorted(path.name for path in folder.parent.iterdir()) == [f".{MULTILINGUAL}.lock", MULTILINGUAL]
    before = folder.stat().st_mtime_ns
    assert local_encoder(E5, cache) == folder
    assert folder.stat().st_mtime_ns == before


def test_a_question_finds_its_answer_in_another_language(folder: Path) -> None:
    encoder = SentenceEncoder.load(find_encoder(folder))
    questions = encoder.encode(["interest rates and inflation", "easy recipes for dinner", "伝統的な日本の音楽"])
    answers = encoder.encode(
        [
            "I tassi di interesse, l'inflazione e le scelte della banca centrale",
            "Cosa cucinare stasera: ricette veloci per la cena",
            "Japanese folk songs and instruments through the centuries",
        ]
    )
    assert (questions @ answers.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_word_vectors_stay_in_their_file_and_are_within_a_thousandth_of_float32(folder: Path) -> None:
    encoder = SentenceEncoder.load(find_encoder(folder))
    network = encoder._model[0].auto_model
    mapped = network.get_input_embeddings()
    assert isinstance(mapped, MappedEmbedding)
    texts = ["A long way home", "Una lunga strada verso casa", "家までの長い道のり"]
    ours = encoder.encode(texts)

    packed = PackedE5(find_packed_e5())
    exact = torch.from_numpy(packed.tensor("emb.word").reshape(packed.sizes.vocab_size, -1).copy())
    network.set_input_embeddings(torch.nn.Embedding(exact.shape[0], exact.shape[1], _weight=exact))
    network.float()
    np.testing.assert_allclose(ours, encoder.encode(texts), atol=1e-3 if encoder.precision == torch.float32 else 2e-2)


def test_what_a_killed_conversion_left_is_removed_by_the_next(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from embedding.text.e5_folder import converted_e5; "
        "converted_e5(Path(sys.argv[1]))"
    )
    half_made: list[Path] = []
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], start_new_session=True)
    try:
        until = time.monotonic() + 50
        while not half_made and process.poll() is None and time.monotonic() < until:
            half_made = list((tmp_path / "encoders").glob(f".{MULTILINGUAL}-*"))
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert [path.is_dir() for path in half_made] == [True]
    assert not (tmp_path / "encoders" / MULTILINGUAL).exists()

    folder = local_encoder(E5, tmp_path)

    assert folder is not None
    assert hash_folder(folder) == FOLDER_HASH
    assert sorted(path.name for path in folder.parent.iterdir()) == [f".{MULTILINGUAL}.lock", MULTILINGUAL]


def test_texts_that_it_cannot_read_or_not_all_of_have_vectors(folder: Path) -> None:
    encoder = SentenceEncoder.load(find_encoder(folder))
    texts = [
        "\U00010380\U00010381\U00010382",
        "\u0300\u0301\u0302" * 9,
        "\u2026!?",
        "",
        "rain " * 400_000,
        "z" * 2_000_000,
    ]
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(texts), axis=1), 1, atol=1e-5)


def test_a_damaged_folder_is_converted_again(folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "encoders" / MULTILINGUAL
    shutil.copytree(folder, damaged)
    (damaged / "tokenizer.json").write_text("{}")
    assert local_encoder(E5, tmp_path) == damaged
    assert hash_folder(damaged) == FOLDER_HASH


def test_minilm_is_one_name_away(tmp_path: Path) -> None:
    place = EncoderPlace.named(MINILM, tmp_path)
    assert place == MINILM
    assert fetched_encoder(place, tmp_path) is None
    (tmp_path / MINILM).mkdir()
    assert EncoderPlace.named(MINILM, tmp_path) == str(tmp_path / MINILM)


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedding.text.packed_e5.PACKAGE", "no_such_package")
    with pytest.raises(EncoderMissingError, match=r"pip install no_such_package==0\.3\.0`"):
        local_encoder(E5, tmp_path)


def test_another_version_of_the_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "older_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("embedding.text.packed_e5.PACKAGE", "older_package")
    with pytest.raises(EncoderMissingError, match="there is no such file"):
        local_encoder(E5, tmp_path)
    (package / "e5-small-q4.bin").write_bytes(b"E5S1")
    with pytest.raises(EncoderMissingError, match=r"there is a file with SHA-256 [0-9a-f]{64}.*--force-reinstall"):
        local_encoder(E5, tmp_path)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(EncoderMissingError, match=r"cannot be written.*Set `cache_dir`"):
        local_encoder(E5, file)
