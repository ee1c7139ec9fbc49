"""What a build reads: a made-up catalogue, a model trained on it, and every text's vector in the cache."""

import json
from collections.abc import Iterable
from pathlib import Path

from benchmarks.harness.world import PlantedEncoder, rows
from embedding.data.train_config import TrainConfig
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Interaction
from embedding.runs.train import TrainRequest, run_training
from embedding.settings import EmbeddingSettings
from embedding.text.text_vectors import CachedText
from embedding.text.vector_cache import VectorCache

TOWER_DIMS, TEXT_DIMS = 64, 384
LISTENS_PER_USER = 10


def make_world(folder: Path, num_items: int, *, text: bool) -> None:
    """Catalogue, model and warm cache, unless they are there already."""
    if (folder / "model").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    catalogue, interactions = folder / "catalogue.jsonl", folder / "interactions.jsonl"
    with catalogue.open("w") as file:
        for row in rows(num_items):
            file.write(json.dumps(row) + "\n")
    with RowFiles(folder) as files:
        # Every item is heard once, so that the tower knows each id.
        heard = (Interaction(f"user:{n // LISTENS_PER_USER}", f"item:{n}", float(n)) for n in range(num_items))
        files.write_interactions(interactions.name, heard)
    config = TrainConfig(dims=TOWER_DIMS, epochs=1, features=("id", "creators"))
    encoder = PlantedEncoder(TEXT_DIMS)
    request = TrainRequest(
        catalogue=catalogue, interactions=interactions, out=folder / "model", split="none", config=config
    )
    if text:
        fill_cache(folder, encoder, [catalogue])
    run_training(request, EmbeddingSettings(data_dir=folder), lambda _: encoder, Reporter("bar"))


def fill_cache(folder: Path, encoder: PlantedEncoder, catalogues: Iterable[Path]) -> None:
    """Encode the texts of the catalogues into the world's cache, under the encoder's hash."""
    with VectorCache(folder / "cache", encoder.hash, TEXT_DIMS) as cache, Rejects(folder / "rejects") as rejects:
        texts = CachedText(encoder, cache)
        for catalogue in catalogues:
            for items in read_catalogue(catalogue, rejects):
                texts(items, lambda _: None)
