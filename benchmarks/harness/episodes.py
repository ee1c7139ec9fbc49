"""Real episodes as releases that are asked over the product's own routes, by a client in the same process."""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from embedding.importers.import_set import import_set
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Item
from embedding.settings import EncoderPlace
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.settings import IndexingSettings
from service.app import create_app
from service.main import open_dependencies
from service.schemas.settings import Settings

MODES = ("semantic", "lexical", "hybrid")
_MARKET = "IT"


def episodes_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that every benchmark over real episodes has: `source`, `--cache` and `--encoder`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--cache", type=Path, help="cache of text vectors; without it all texts are encoded")
    parser.add_argument("--encoder", type=EncoderPlace, help="a text encoder; without it the packaged one")
    return parser


def read_episodes(source: Path, folder: Path) -> list[Item]:
    """All episodes of `source`, a folder with episodes.jsonl.gz and shows.jsonl.gz; `folder` holds what is imported."""
    with Rejects(folder / "rejects.jsonl") as rejects:
        import_set("podcast_episodes", source, folder, rejects, 0.01, Reporter("none"))
        return [item for items in read_catalogue(folder / "catalogue.jsonl", rejects) for item in items]


class EpisodesWorld:
    """A release of its own."""

    def __init__(self, folder: Path, items: Sequence[Item], cache: Path | None, encoder: EncoderPlace | None) -> None:
        with RowFiles(folder) as files:
            files.write_items("catalogue.jsonl", items)
        inputs = BuildInputs(catalogue=folder / "catalogue.jsonl")
        settings = IndexingSettings(data_dir=folder, cache_dir=cache, encoder=encoder)
        asyncio.run(build_from_settings(inputs, settings, Reporter("bar"), activate=True))
        self._settings = Settings(data_dir=folder, cache_dir=cache, default_market=_MARKET, encoder=encoder)

    @contextmanager
    def served(self) -> Iterator[TestClient[Litestar]]:
        """The application over it, its encoder loaded."""
        parts = open_dependencies(self._settings)
        parts.encoder.load_now()
        with TestClient(create_app(parts)) as client:
            yield client


def asked(client: TestClient[Litestar], text: str, mode: str, limit: int, languages: Sequence[str]) -> dict[str, float]:
    """Scores of the first `limit` hits by id, in their order; among all where no `languages` are named."""
    body: dict[str, Any] = {"text": text, "mode": mode, "limit": limit}
    if languages:
        body["context"] = {"languages": list(languages)}
    answer = client.post("/v1/search", json=body)
    answer.raise_for_status()
    return {hit["id"]: hit["score"] for hit in answer.json()["hits"]}
