"""A small catalogue with a planted truth, items of one group being heard by the same users; trained in a second."""

import random
from pathlib import Path

from embedding.data.train_config import TrainConfig
from embedding.progress import Reporter
from embedding.protocols import TextEncoder
from embedding.runs.train import TrainReport, TrainRequest, run_training
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_folder import EncoderFolder
from tests.embedding.rows.row_cases import write_jsonl

GROUPS = 4
ITEMS_PER_GROUP = 12
USERS_PER_GROUP = 25
HEARD = 8
QUIET = Reporter("none")
NO_TEXT = TrainConfig(
    features=("id", "creators", "tags", "language", "kind", "duration_s", "published_at"),
    dims=16,
    epochs=20,
    batch_size=128,
    history_length=20,
)


def item_id(group: int, place: int) -> str:
    return f"item-{group}-{place:02d}"


def write_planted(folder: Path) -> tuple[Path, Path]:
    """Catalogue and interactions; a user of a group hears eight of its twelve items, and skips one of another."""
    draw = random.Random(3)
    items = [
        {
            "id": item_id(group, place),
            "kind": "track" if group % 2 else "episode",
            "title": f"Title {group} {place}",
            "creator": f"Band {group}.{place % 3}",
            "tags": [f"tag {group}"],
            "language": "en-GB" if place % 2 else "sv",
            "duration_s": 60.0 + place,
            "published_at": f"20{10 + place}-01-01",
        }
        for group in range(GROUPS)
        for place in range(ITEMS_PER_GROUP)
    ]
    rows = []
    for group in range(GROUPS):
        for user in range(USERS_PER_GROUP):
            user_id = f"user-{group}-{user}"
            start = 1_700_000_000 + 86_400 * user
            for order, place in enumerate(draw.sample(range(ITEMS_PER_GROUP), HEARD)):
                rows.append({"user_id": user_id, "item_id": item_id(group, place), "at": start + 7_000 * order})
            skipped = item_id((group + 1) % GROUPS, draw.randrange(ITEMS_PER_GROUP))
            rows.append({"user_id": user_id, "item_id": skipped, "at": start + 60_000, "weight": -1.0})
    folder.mkdir(parents=True, exist_ok=True)
    return write_jsonl(folder / "catalogue.jsonl", items), write_jsonl(folder / "interactions.jsonl", rows)


def refuse_to_load(found: EncoderFolder) -> TextEncoder:
    """Stands where an encoder would be loaded, in runs that must not load one."""
    raise AssertionError(f"the text encoder in {found.path} was loaded")


def train_planted(folder: Path, config: TrainConfig = NO_TEXT, **request: object) -> TrainReport:
    """Train on the planted catalogue in `folder`; the model goes to `folder/model` unless told."""
    catalogue, interactions = write_planted(folder / "data")
    fields = {"catalogue": catalogue, "interactions": interactions, "out": folder / "model", "config": config}
    settings = EmbeddingSettings(data_dir=folder / "work")
    return run_training(TrainRequest(**{**fields, "device": "cpu", **request}), settings, refuse_to_load, QUIET)  # type: ignore[arg-type]
