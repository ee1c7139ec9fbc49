"""An encoder by hub name: from the cache without a network, fetched once, and what is said where neither can be."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import BoW

from embedding.errors import EncoderMissingError
from embedding.settings import EncoderPlace
from embedding.text import encoder_hub
from embedding.text.encoder_folder import find_encoder, hash_folder
from embedding.text.encoder_hub import fetched_encoder, local_encoder
from embedding.text.sentence_encoder import SentenceEncoder
from tests.embedding.text.fake_hub import COMMIT, NAME, FakeHub, serving
from tests.free_ports import free_port

PLACE = EncoderPlace(NAME)
# A folder that no encoder of a hub is written to.
NO_CACHE = Path("/nonexistent")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    SentenceTransformer(modules=[BoW(vocab=["jazz", "piano"])], device="cpu").save(str(folder))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache, and a hub at whose address nothing answers."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(encoder_hub, "_NO_NETWORK", "0")
    return tmp_path / "hf" / "hub"


@pytest.fixture
def hub(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(tiny) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def put_in_cache(cache: Path, model: Path) -> Path:
    """The model as the library lays it out: blobs by hash, a snapshot of links to them, `main` naming the snapshot."""
    root = cache / f"models--{NAME.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    (root / "blobs").mkdir()
    snapshot = root / "snapshots" / COMMIT
    for number, file in enumerate(path for path in model.rglob("*") if path.is_file()):
        blob = root / "blobs" / f"{number:040x}"
        blob.write_bytes(file.read_bytes())
        link = snapshot / file.relative_to(model)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return snapshot


@pytest.mark.parametrize(
    ("text", "hub_name"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("models/there", None),
        ("minilm", None),
        ("./models/minilm", None),
        ("a/b/c", None),
        ("/models/minilm", None),
        ("a /b", None),
    ],
)
def test_what_is_a_hub_name_and_what_a_folder(tmp_path: Path, text: str, hub_name: str | None) -> None:
    (tmp_path / "models" / "there").mkdir(parents=True)
    place = EncoderPlace.named(text, tmp_path)
    assert place.hub_name == hub_name
    assert place == (hub_name or str(tmp_path / text))


def test_no_place_is_the_packaged_encoder_and_a_folder_is_itself(tmp_path: Path) -> None:
    for find in (local_encoder, fetched_encoder):
        assert find(None, NO_CACHE) is None
        assert find(EncoderPlace(tmp_path), NO_CACHE) == tmp_path


def test_a_model_in_the_cache_is_loaded_with_no_hub_in_reach(cache: Path, tiny: Path) -> None:
    snapshot = put_in_cache(cache, tiny)
    assert local_encoder(PLACE, NO_CACHE) == snapshot
    assert fetched_encoder(PLACE, NO_CACHE) == snapshot
    encoder = SentenceEncoder.load(find_encoder(local_encoder(PLACE, NO_CACHE)))
    assert encoder.hash == hash_folder(tiny)
    assert encoder.encode(["jazz"]).tolist() == [[1.0, 0.0]]


def test_a_model_is_fetched_once(hub: FakeHub, cache: Path, tiny: Path) -> None:
    with pytest.raises(EncoderMissingError, match="nearfield serve"):
        local_encoder(PLACE, NO_CACHE)
    assert hub.asked == []

    folder = fetched_encoder(PLACE, NO_CACHE)

    assert folder is not None
    assert folder.is_relative_to(cache.resolve())
    assert find_encoder(folder).hash == hash_folder(tiny)
    hub.asked.clear()
    assert fetched_encoder(PLACE, NO_CACHE) == local_encoder(PLACE, NO_CACHE) == folder
    assert hub.asked == []


def test_half_a_model_is_none_and_is_completed(hub: FakeHub, tiny: Path) -> None:
    hub.fails = "modules.json"
    with pytest.raises(EncoderMissingError, match="could not be fetched"):
        fetched_encoder(PLACE, NO_CACHE)
    with pytest.raises(EncoderMissingError, match=r"in the Hugging Face cache \(IncompleteSnapshotError"):
        local_encoder(PLACE, NO_CACHE)
    hub.fails = None
    assert find_encoder(fetched_encoder(PLACE, NO_CACHE)).hash == hash_folder(tiny)


def test_a_hub_that_is_not_in_reach_is_said_with_what_to_do() -> None:
    with pytest.raises(EncoderMissingError) as caught:
        fetched_encoder(PLACE, NO_CACHE)
    for words in (NAME, "no folder", "cache", "ConnectError", "set `encoder` to it"):
        assert words in str(caught.value)


def test_a_name_that_no_hub_has_is_said(hub: FakeHub) -> None:
    with pytest.raises(EncoderMissingError, match=r"nearfield-tests/none.*could not be fetched \(.*404"):
        fetched_encoder(EncoderPlace("nearfield-tests/none"), NO_CACHE)
    assert hub.asked


@pytest.mark.timeout(300)
def test_a_hub_that_takes_the_call_and_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(EncoderMissingError, match=r"could not be fetched \(.*Timeout"):
            fetched_encoder(PLACE, NO_CACHE, timeout_s=0.3)


def test_who_forbids_the_network_is_obeyed(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_hub, "_NO_NETWORK", "1")
    with pytest.raises(EncoderMissingError, match="could not be fetched"):
        fetched_encoder(PLACE, NO_CACHE)
    assert hub.asked == []
