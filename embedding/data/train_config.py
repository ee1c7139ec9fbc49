"""The training config: what a researcher may set for one run, with limits and defaults."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from embedding.errors import NotFoundError, UsageError

Feature = Literal["id", "text", "creators", "album", "tags", "language", "kind", "duration_s", "published_at"]
ALL_FEATURES: tuple[Feature, ...] = (
    "id",
    "text",
    "creators",
    "album",
    "tags",
    "language",
    "kind",
    "duration_s",
    "published_at",
)
# An album gains where users keep to albums, and costs where they gather single tracks: see docs/training.md.
DEFAULT_FEATURES: tuple[Feature, ...] = tuple(name for name in ALL_FEATURES if name != "album")
Dims = Annotated[int, Meta(ge=2, le=1_024)]
Share = Annotated[float, Meta(ge=0, lt=1)]
# Where there are other features beside the id.
ID_DROPOUT = 0.3


class TrainConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One training run; docs/training.md has a line for each key."""

    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    # Length of the vectors that leave the towers.
    dims: Dims = 64
    # Shorter lengths to which the trained vectors may be cut.
    nested_dims: tuple[Dims, ...] = ()
    epochs: Annotated[int, Meta(ge=1, le=10_000)] = 8
    # Epochs without a gain in validation after which training stops; 0 for none, and no validation.
    patience: Annotated[int, Meta(ge=0, le=10_000)] = 0
    # The metric by which validation stops training, and by which `nearfield tune` compares configs.
    validate_by: Literal["recall@20", "ndcg@20"] = "recall@20"
    # Pairs in a step; each is a negative to all others.
    batch_size: Annotated[int, Meta(ge=2, le=65_536)] = 1_024
    # Highest rate of the one-cycle schedule.
    learning_rate: Annotated[float, Meta(gt=0, le=10)] = 0.007
    temperature: Annotated[float, Meta(gt=0, le=10)] = 0.1
    # Correct the in-batch softmax for popular items being negatives more often.
    logq: bool = True
    # Hard negatives of each pair: random items that the towers score highest; 0 for none.
    hard_negatives: Annotated[int, Meta(ge=0, le=64)] = 0
    # What a candidate's vector is made of.
    features: Annotated[tuple[Feature, ...], Meta(min_length=1)] = DEFAULT_FEATURES
    # Share of an item's appearances in which its id is hidden, so that the other features learn to stand alone.
    # None follows the features: there must be an id to hide, and others that are to stand alone.
    id_dropout: Share | None = None
    # A creator, album or tag on fewer training items than this has no embedding.
    min_creator_items: Annotated[int, Meta(ge=1)] = 2
    min_album_items: Annotated[int, Meta(ge=1)] = 2
    min_tag_items: Annotated[int, Meta(ge=1)] = 2
    # Newest items of a history that the query tower reads.
    history_length: Annotated[int, Meta(ge=1, le=10_000)] = 100
    # The same for the histories of training pairs, where long ones are expensive; 0 for the same number.
    train_history_length: Annotated[int, Meta(ge=0, le=10_000)] = 0
    # How much a row's weight counts in a history: only its sign, or its logarithm too.
    history_weights: Literal["sign", "log"] = "sign"
    # Weight of the loss of text queries beside that of histories; 0 for a query tower that reads no texts.
    text_query_weight: Annotated[float, Meta(ge=0, le=100)] = 0.0

    def __post_init__(self) -> None:
        """ValueError for values that do not go together; what follows from others gets its value here."""
        if self.id_dropout is None:
            msgspec.structs.force_setattr(self, "id_dropout", ID_DROPOUT if self.can_hide_ids else 0.0)
        if len(set(self.nested_dims)) < len(self.nested_dims) or max(self.nested_dims, default=0) >= self.dims:
            raise ValueError(
                f"expected lengths below `dims` ({self.dims}), each once, "
                f"got {list(self.nested_dims)} - at `$.nested_dims`"
            )
        if self.text_query_weight and "text" not in self.features:
            raise ValueError(
                "expected `text` among the features of a model that text queries search, got "
                f"{', '.join(self.features)} - at `$.text_query_weight`"
            )

    @property
    def can_hide_ids(self) -> bool:
        """Whether an item without its id is still known by something."""
        return "id" in self.features and len(set(self.features)) > 1


def load_config(path: Path) -> TrainConfig:
    """The config in a TOML file.

    Raises NotFoundError for a missing file, UsageError for bad TOML, an unknown key or a value out of bounds.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"No config at {path}; expected a TOML file with keys of docs/training.md.") from None
    # What is no UTF-8, no TOML, or TOML with numbers of thousands of digits or lists without end.
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}.") from None
    try:
        return msgspec.convert(table, TrainConfig)
    except msgspec.ValidationError as error:
        keys = ", ".join(TrainConfig.__struct_fields__)
        raise UsageError(f"{path}: {error}. The keys are: {keys}.") from None
