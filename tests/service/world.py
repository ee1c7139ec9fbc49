"""A small world whose right answers are known: four tastes, told apart by text and by who listens, under licences."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from embedding.data.train_config import TrainConfig
from embedding.progress import Reporter
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Interaction, Item, Kind, Window
from embedding.rows.times import epoch_us
from embedding.runs.train import TrainRequest, run_training
from embedding.settings import EmbeddingSettings
from embedding.text.sentence_encoder import SentenceEncoder
from indexing.building.build import BuildInputs
from indexing.building.run import build_from_settings
from indexing.settings import IndexingSettings

TASTES = {
    "jazz": "a calm jazz trio with piano, double bass and brushes, recorded late at night in a small club",
    "metal": "loud heavy metal with distorted guitars, screaming and double kick drums",
    "crime": "a true crime story: detectives, a murder, the trial of the killer and what the witnesses saw",
    "cooking": "cooking at home: recipes for bread, soup, pasta and dessert, with tips from a chef",
}
KIND: dict[str, Kind] = {"jazz": "track", "metal": "track", "crime": "episode", "cooking": "episode"}
PER_TASTE = 20
MOODS = ("calm", "grim", "bright")
ODD_ID = "a/b c?%é"
OPENS = "2030-01-01T00:00:00Z"
OPENS_S = epoch_us(OPENS) // 1_000_000

US_ONLY = "jazz-1"
NOT_YET_OPEN = "jazz-2"
EXPLICIT = "jazz-3"
ADULT = "jazz-4"
ITALIAN = "jazz-5"
NO_LANGUAGE = "jazz-6"
UNHEARD = "jazz-7"


def taste_of(item_id: str) -> str:
    """The taste an item was planted in."""
    return "jazz" if item_id == ODD_ID else item_id.partition("-")[0]


def ids_of(taste: str) -> list[str]:
    """Ids of a taste; the first jazz track has an id that no address holds as it is."""
    return [ODD_ID if taste == "jazz" and number == 0 else f"{taste}-{number}" for number in range(PER_TASTE)]


def make_items() -> list[Item]:
    """All items; what is special about one is said by the constants above."""
    special: dict[str, dict[str, Any]] = {
        US_ONLY: {"availability": (Window("US"),)},
        NOT_YET_OPEN: {"availability": (Window("*", from_s=OPENS_S),)},
        EXPLICIT: {"explicit": True},
        ADULT: {"min_age": 18},
        ITALIAN: {"language": "it"},
        NO_LANGUAGE: {"language": None, "explicit": None},
    }
    return [
        msgspec.structs.replace(
            Item(
                id=item_id,
                kind=KIND[taste],
                title=f"{taste.title()} number {number}",
                creator=f"{taste.title()} Makers {number % 5}",
                text=text,
                language="en-GB",
                explicit=False,
                duration_s=180.0 + number,
                published_at=1_600_000_000 + number,
                tags=(taste, f"n{number}"),
                extra={"bpm": 60 + number, **({"mood": MOODS[number % 3]} if number % 4 else {})},
            ),
            **special.get(item_id, {}),
        )
        for taste, text in TASTES.items()
        for number, item_id in enumerate(ids_of(taste))
    ]


def make_interactions() -> list[Interaction]:
    """Sixty listeners of one kind of taste each: jazz with crime, metal with cooking, so that kinds are crossed."""
    rows = []
    for user in range(60):
        tastes = ("jazz", "crime") if user % 2 == 0 else ("metal", "cooking")
        for step in range(12):
            item_id = ids_of(tastes[step % 2])[(user // 2 * 7 + step * 3) % PER_TASTE]
            if item_id != UNHEARD:
                rows.append(Interaction(f"user-{user}", item_id, 1_700_000_000.0 + user * 100 + step))
    return rows


CONFIG = TrainConfig(dims=16, epochs=12, batch_size=128, features=("id", "creators", "kind"))


def build_world(data_dir: Path, *, with_model: bool, config: TrainConfig = CONFIG) -> str:
    """Train (if asked, by `config`), build and activate the world's release below `data_dir`; its id."""
    source = data_dir / "source"
    with RowFiles(source) as files:
        files.write_items("catalogue.jsonl", make_items())
        files.write_interactions("interactions.jsonl", make_interactions())
    catalogue, interactions = source / "catalogue.jsonl", source / "interactions.jsonl"
    reporter = Reporter("none")
    model = None
    if with_model:
        model = source / "model"
        run_training(
            TrainRequest(
                catalogue=catalogue,
                interactions=interactions,
                out=model,
                split="none",
                config=config,
            ),
            EmbeddingSettings(data_dir=data_dir),
            SentenceEncoder.load,
            reporter,
        )
    inputs = BuildInputs(catalogue=catalogue, model=model, interactions=interactions)
    # The text vectors of one world serve the other.
    settings = IndexingSettings(data_dir=data_dir, cache_dir=data_dir.parent / "vectors")
    return asyncio.run(build_from_settings(inputs, settings, reporter, activate=True)).id
