"""What a config file may say, and that the docs have a line for every key."""

import json
from pathlib import Path

import msgspec
import pytest

from embedding.data.train_config import TrainConfig, load_config
from embedding.errors import NotFoundError, UsageError

ROOT = Path(__file__).parents[3]


def written(folder: Path, text: str) -> Path:
    path = folder / "train.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, 'epochs = 3\nfeatures = ["id", "tags"]\n'))

    assert config == TrainConfig(epochs=3, features=("id", "tags"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("epoch = 3", "unknown field `epoch`"),
        ("epochs = 0", "`int` >= 1.*epochs"),
        ("temperature = 'cold'", r"\$\.temperature"),
        ('features = ["id", "lyrics"]', "lyrics"),
        ("features = []", "length >= 1"),
        ("id_dropout = 1.0", "id_dropout"),
        ("dims = 32\nnested_dims = [32]", r"lengths below `dims` \(32\), each once, got \[32\] - at `\$\.nested_dims`"),
        ("nested_dims = [1]", "nested_dims"),
        ('features = ["id"]\ntext_query_weight = 0.1', "expected `text` among the features.*text_query_weight"),
        ("text_query_weight = -1", "text_query_weight"),
        ("epochs = ", "is not TOML"),
        (f"epochs = {'9' * 4301}", "is not TOML"),
        (f"epochs = {'[' * 2000}", "is not TOML"),
    ],
)
def test_a_bad_key_or_value_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        load_config(written(tmp_path, text))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.toml"):
        load_config(tmp_path / "absent.toml")


def test_every_key_has_its_line_and_its_default_in_the_docs() -> None:
    lines = (ROOT / "docs" / "training.md").read_text(encoding="utf-8").splitlines()
    defaults = msgspec.to_builtins(TrainConfig())

    for key in TrainConfig.__struct_fields__:
        rows = [line for line in lines if line.startswith(f"| `{key}` |")]
        assert len(rows) == 1, f"docs/training.md needs one line for {key}"
        shown = json.dumps(defaults[key]).strip('"')
        cell = rows[0].split("|")[2].strip().strip("`")
        assert cell == ("all" if key == "features" else shown), f"default of {key}"


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks" / "quality").glob("*.toml")), ids=lambda path: path.name)
def test_the_configs_of_the_benchmarks_are_valid(path: Path) -> None:
    load_config(path)
