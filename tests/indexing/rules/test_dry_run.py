"""`rules check --catalogue` and `rules explain`: numbers worked out by hand on a small catalogue."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from embedding.errors import UsageError
from embedding.rows.times import epoch_us
from indexing.commands.rules import rules
from indexing.rules.dry_run import dry_run
from indexing.rules.parsing import parse_rules
from indexing.settings import IndexingSettings

RULES = """
[blocked]
items = ["i0", "nobody"]
creators = ["Cy"]
[tags]
denied = ["ad", "adds"]
[published]
after = 2020-01-01
[duration]
max_s = 600
[extra.mood]
type = "keyword"
allowed = ["calm"]
"""
AT_S = epoch_us("2024-06-01") // 1_000_000


def rows() -> list[dict[str, Any]]:
    """Ten items: i0 to i4 in Sweden alone, i5 to i9 everywhere."""
    made: list[dict[str, Any]] = [
        {
            "id": f"i{number}",
            "kind": "track",
            "title": f"T{number}",
            "creator": "Ana",
            "extra": {"mood": "calm"},
            "availability": [{"market": "SE" if number < 5 else "*"}],
        }
        for number in range(10)
    ]
    made[1] |= {"creators": ["Ana", "cy"]}
    made[2] |= {"tags": ["ad", "x"]}
    made[6] |= {"tags": ["ad"], "published_at": "2019-12-31", "duration_s": 601}
    made[7] |= {"duration_s": 600, "published_at": "2020-01-01", "min_age": 18}
    made[8] |= {"extra": {"mood": 3}}
    return made


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, [*rows(), {"id": "bad"}])))
    return path


def test_a_dry_run_counts_what_each_rule_keeps_out(catalogue: Path) -> None:
    run = dry_run(parse_rules(RULES, "x"), catalogue, AT_S)
    assert (run.items, run.rejected) == (10, 1)
    assert run.extra == {"extra.mood": 9}
    assert run.unmatched == ("tags: 'adds'", "blocked.items: 1 of 2 ids")
    by_rule = {"blocked": 2, "tags": 2, "published": 1, "duration": 1, "extra.mood": 1, "age": 1}
    assert [(one.market, one.removed, one.left) for one in run.markets] == [
        # i3, i4, i5, i9.
        ("SE", by_rule, 4),
        # i5 and i9; the five of Sweden are closed.
        ("others", by_rule | {"windows": 5}, 2),
    ]
    assert [one.market for one in dry_run(parse_rules(RULES, "x"), catalogue, AT_S, ["JP"]).markets] == ["JP"]


def run(*words: str) -> Result:
    return CliRunner().invoke(rules, words)


def test_check_prints_a_dry_run(catalogue: Path, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    said = run("check", str(path), "--catalogue", str(catalogue), "--least", "3")
    assert said.exit_code == 0, said.output
    assert "10 items, 1 rows rejected. What each rule keeps out by itself:" in said.stdout
    assert [line.split()[-1] for line in said.stdout.splitlines() if line.startswith(("SE", "others"))] == ["4", "2"]
    assert "extra.mood: 9 of 10 items have it" in said.stdout
    assert "tags: 'adds': no item has it" in said.stderr
    assert "Left with fewer than 3 items: others" in said.stderr
    found = json.loads(run("check", str(path), "--catalogue", str(catalogue), "--market", "SE", "--json").stdout)
    assert found["dry_run"]["markets"][0]["left"] == 4
    assert found["short_markets"] == ["SE"]
    wrong = run("check", str(path), "--catalogue", str(catalogue), "--market", "UK")
    assert isinstance(wrong.exception, UsageError)
    assert "did you mean GB?" in str(wrong.exception)
    wrong = run("check", str(path), "--at", "soon")
    assert isinstance(wrong.exception, UsageError)


def test_what_keeps_everything_out_is_seen_beforehand(catalogue: Path) -> None:
    found = dry_run(parse_rules("[tags]\nallowed = ['polka']", "x"), catalogue, AT_S, ["SE"])
    assert found.markets[0].left == 0
    assert found.markets[0].removed["tags"] == 10
    assert found.unmatched == ("tags: 'polka'",)


def test_explain_before_anything_is_live(tmp_path: Path) -> None:
    settings = IndexingSettings(data_dir=tmp_path)
    said = CliRunner().invoke(rules, ["explain", "i1", "--market", "SE"], obj=settings)
    assert "nearfield index build" in str(said.exception)
