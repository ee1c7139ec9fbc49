"""Documents encoded a second, beside plain `SentenceTransformer.encode` in float32 with its defaults.

    python -m benchmarks.encoding PATH/TO/podcast_episodes

Real episode texts, drawn at random. Each way encodes all of them, the ways in turn, `--rounds` times; shown are
documents a second (median), the median of the rounds' ratios, and the smallest cosine of any document to plain float32.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer

from embedding.importers.import_set import import_set
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.text.encoder_folder import find_encoder
from embedding.text.item_text import item_text
from embedding.text.sentence_encoder import SentenceEncoder


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with episodes.jsonl.gz and shows.jsonl.gz")
    parser.add_argument("--documents", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = _texts(arguments.source, arguments.documents)
    folder = find_encoder(None)
    plain = SentenceTransformer(str(folder.path), device="cpu", local_files_only=True)
    ways: dict[str, Callable[[], Vectors]] = {
        "plain float32": lambda: plain.encode(texts, normalize_embeddings=True, show_progress_bar=False),
        "nearfield, float32": lambda: SentenceEncoder(folder, plain).encode(texts),
    }
    product = SentenceEncoder.load(folder)
    if product.precision != torch.float32:
        ways[f"nearfield, {str(product.precision).removeprefix('torch.')}"] = lambda: product.encode(texts)
    for way in ways.values():
        way()
    rounds = [{name: _timed(way) for name, way in ways.items()} for _ in range(arguments.rounds)]
    expected = ways["plain float32"]()
    table = Table(title=f"{len(texts)} episode texts, {torch.get_num_threads()} threads, {arguments.rounds} rounds")
    for column in ("way", "documents/s", "ratio", "smallest cosine"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name, way in ways.items():
        rate = median(len(texts) / taken[name] for taken in rounds)
        ratio = median(taken["plain float32"] / taken[name] for taken in rounds)
        cosine = float(np.min((way() * expected).sum(axis=1)))
        table.add_row(name, f"{rate:.1f}", f"{ratio:.2f}", f"{cosine:.5f}")
    Console().print(table)


def _timed(way: Callable[[], Vectors]) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


def _texts(source: Path, num: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder, Rejects(Path(folder) / "rejects.jsonl") as rejects:
        import_set("podcast_episodes", source, Path(folder), rejects, 0.01, Reporter("none"))
        texts = [
            item_text(item) for items in read_catalogue(Path(folder) / "catalogue.jsonl", rejects) for item in items
        ]
    return random.Random(0).sample(texts, num)


if __name__ == "__main__":
    main()
