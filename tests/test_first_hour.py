"""The first hour of a researcher: recipes as typed, missing extras, settings that fight, help and README.

Nothing is imported of the product but its commands, nor of the other tests: older builds can be asked, too.
"""

import json
import random
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from service.cli import nearfield

ROOT = Path(__file__).parent.parent
DATA = ("--catalogue", "data/catalogue.jsonl", "--interactions", "data/interactions.jsonl")
# The module that an extra brings, and a command that needs it. None of the files is there to be read but the workbook.
NEEDED = {
    "als": ("implicit", ("evaluate", "no-model", *DATA, "--baselines", "popularity,als")),
    "tune": ("optuna", ("tune", *DATA, "--out", "best.toml")),
    "adapt": ("datasets", ("adapt", "data/catalogue.jsonl", "--out", "ours")),
    "xlsx": ("openpyxl", ("train", *DATA[:3], "listens.xlsx", "--out", "m")),
    "postgres": ("psycopg", ("index", "build", "data/catalogue.jsonl")),
    "s3": ("s3fs", ("index", "build", "data/catalogue.jsonl")),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(*words: str) -> Result:
    return CliRunner().invoke(nearfield, list(words))


def told(result: Result) -> str:
    return f"{result.output}\n{result.exception}"


def write_data(num_items: int = 60, num_users: int = 20) -> None:
    """A catalogue of six bands, of which each user hears two."""
    rng = random.Random(5)
    Path("data").mkdir()
    bands = ["Röda Ankare", "Les Marées", "Kaamos", "Ventos do Sul", "Grindstone", "Halcyon Days"]
    items = [
        {"id": f"t-{number:02}", "kind": "track", "title": f"Harbour {number}", "creator": bands[number % len(bands)]}
        | {"language": "en", "tags": ["live"] if number % 2 else [], "published_at": f"20{10 + number % 9}-05-01"}
        | {"text": f"{'A long evening by the water, ' * 4}song {number} of {bands[number % len(bands)]}."}
        for number in range(num_items)
    ]
    listens = [
        {"user_id": f"u-{user:02}", "item_id": f"t-{number:02}", "at": 1_700_000_000 + 60 * user + number}
        for user in range(num_users)
        for number in rng.sample([n for n in range(num_items) if n % 3 == user % 3], 12)
    ]
    write_rows("data/catalogue.jsonl", items)
    write_rows("data/interactions.jsonl", listens)


def write_rows(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_encoder() -> None:
    """A text encoder that is made in no time, for commands whose encoder is not what is asked about."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = {word: number for number, word in enumerate(["[UNK]", "harbour", "evening", "water", "song"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.random.default_rng(0).standard_normal((len(words), 16)).astype(np.float32)
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save("encoder")
    Path("nearfield.toml").write_text('encoder = "encoder"\n')


def commands_of(page: str) -> list[str]:
    """The `nearfield` commands of a page that stand behind a prompt, in their order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"^\$ (nearfield .*?)(?:\s+#.*)?$", text, flags=re.MULTILINE)


def test_the_recipe_runs_as_typed() -> None:
    """With less data than `nearfield sample` makes, of the same names, and less patience of `tune`."""
    write_data()
    write_encoder()
    commands = [words for words in map(shlex.split, commands_of("recipe.md")) if words[1] != "sample"]
    assert len(commands) > 10
    for words in commands:
        shorter = ["2" if before == "--trials" else word for before, word in zip(["", *words], words, strict=False)]
        done = typed(*shorter[1:])
        assert done.exit_code == 0, f"{' '.join(words)}\n{told(done)}"


def test_the_recipe_begins_by_making_its_environment_with_the_extras_that_it_uses() -> None:
    page = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")
    found = re.search(r"^\$ (make install EXTRAS=\S+)$", page, flags=re.MULTILINE)
    assert found is not None
    done = subprocess.run(
        ["make", "--dry-run", *found[1].split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert ".[als,tune,adapt]" in done.stdout


@pytest.mark.parametrize("extra", NEEDED)
def test_a_missing_extra_is_told_before_anything_is_read(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, words = NEEDED[extra]
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    if extra == "postgres":
        Path("nearfield.toml").write_text('state_url = "postgresql://ops@localhost/nearfield"\n')
    if extra == "s3":
        Path("nearfield.toml").write_text('release_store = "s3://bucket/nearfield"\n')
        monkeypatch.delitem(pytest.importorskip("fsspec.registry")._registry, "s3", raising=False)
    Path("data").mkdir()
    for name in ("data/catalogue.jsonl", "data/interactions.jsonl", "listens.xlsx"):
        Path(name).write_text("this is no row\n")
    done = typed(*words)
    assert done.exit_code != 0
    assert f"pip install 'nearfield[{extra}]'" in told(done)
    # No row was looked at: nothing was written, rejects least of all.
    assert not list(Path().rglob("*.rejects.jsonl"))


def test_the_command_that_installs_an_extra_is_of_the_environment_that_lacks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    Path("data").mkdir()
    for name in ("catalogue", "interactions"):
        Path(f"data/{name}.jsonl").write_text("")
    assert f"{sys.executable} -m pip install 'nearfield[tune]'" in told(typed(*NEEDED["tune"][1]))


def trained(config: str, *more: str) -> Result:
    Path("train.toml").write_text(config)
    done = typed("train", *DATA, "--config", "train.toml", "--out", "model", *more)
    assert done.exit_code == 0, told(done)
    return done


@pytest.mark.parametrize(
    ("features", "hidden"), [('["id"]', 0.0), ('["creators", "tags"]', 0.0), ('["id", "creators"]', 0.3)]
)
def test_how_often_an_id_is_hidden_follows_the_features(features: str, hidden: float) -> None:
    write_data()
    done = trained(f"features = {features}\nepochs = 1\nbatch_size = 64\n")
    assert json.loads(Path("model/manifest.json").read_text())["config"]["id_dropout"] == hidden
    assert "Warning" not in done.stderr


@pytest.mark.parametrize(
    ("config", "about"),
    [
        ('features = ["id"]\nid_dropout = 0.3', "`id_dropout` (0.3) hides all that is known"),
        ('features = ["creators"]\nid_dropout = 0.3', "`id_dropout` (0.3) changes nothing"),
        ('features = ["kind", "language"]', "`features` (kind, language) give many items the same vector"),
        ('features = ["id", "id"]', "`id` more than once"),
        ('features = ["id", "album"]', "`album` is among the features, and no item trained on has one"),
        ('features = ["id", "tags"]\nmin_tag_items = 50', "(`min_tag_items`)"),
        ('features = ["id"]\nmin_creator_items = 5', "`min_creator_items` (5) changes nothing"),
        ('features = ["id"]\nbatch_size = 4096', "`batch_size` (4,096) takes all"),
        ('features = ["id"]\nhard_negatives = 40', "`hard_negatives` (40) are chosen among few"),
        ('features = ["id"]\nhistory_length = 5\ntrain_history_length = 9', "`train_history_length` (9) is more"),
        ('features = ["id"]\npatience = 1', "`patience` (1) is not below `epochs` (1)"),
    ],
)
def test_settings_that_fight_one_another_are_told(config: str, about: str) -> None:
    write_data()
    done = trained(f"{config}\nepochs = 1\n{'' if 'batch_size' in config else 'batch_size = 64'}\n")
    warnings = [line for line in done.stderr.splitlines() if line.startswith("Warning: ")]
    assert len(warnings) == 1
    assert about in warnings[0]


def test_data_with_nothing_to_hold_out_or_to_remember_are_told() -> None:
    write_data()
    rows = [{"user_id": f"u-{number}", "item_id": f"t-{number % 60:02}"} for number in range(200)]
    write_rows("data/interactions.jsonl", rows)
    done = trained('features = ["id"]\nepochs = 1\nbatch_size = 64\n')
    assert "`--split common` holds nothing out" in done.stderr
    assert "every history is empty" in done.stderr
    assert "Warning" not in trained(
        'features = ["id"]\nepochs = 1\nbatch_size = 64\n', "--split", "none"
    ).stderr.replace("Warning: Nobody", "")


def test_a_search_draws_no_share_of_ids_to_hide_where_there_is_nothing_else() -> None:
    write_data()
    Path("train.toml").write_text('features = ["id"]\nepochs = 1\nbatch_size = 64\npatience = 1\n')
    done = typed("tune", *DATA, "--config", "train.toml", "--out", "best.toml", "--trials", "2")
    assert done.exit_code == 0, told(done)
    assert "\nid_dropout = 0.0\n" in Path("best.toml").read_text()
    assert "`patience` (1) is not used while searching" in done.stderr


def test_help_lists_every_format_that_can_be_imported() -> None:
    shown = typed("import", "--help").stdout
    named = set(re.findall(r"[a-z][a-z0-9_]{2,}", told(typed("import", "no_such", "a", "b"))))
    formats = {name for name in named if typed("import", name, "--help").exit_code == 0}
    assert {"rss", "table", "spotify_history", "lastfm", "listenbrainz", "taste_profile"} <= formats
    assert [name for name in formats if not re.search(rf"^ +{name}\b", shown, flags=re.MULTILINE)] == []
