"""The made-up catalogue: the same bytes for a seed, and the structure that was planted."""

import hashlib
import math
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from embedding.errors import UsageError
from embedding.rows.catalogue import read_catalogue
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects
from embedding.rows.schema import EVERYWHERE, Item
from embedding.rows.times import epoch_us
from embedding.sample.availability import MARKETS
from embedding.sample.sample import Sample, write_sample
from embedding.sample.settings_file import set_default_market

# The first moment at which the sample is whole, one now, and one shortly before its windows close.
MOMENTS = [epoch_us(day) // 1_000_000 for day in ("2024-06-01", "2027-01-01", "2084-12-31")]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sample]:
    """The folder of a sample, and what is true of it."""
    folder = tmp_path_factory.mktemp("sample")
    return folder, write_sample(folder, 7)


@pytest.fixture(scope="module")
def made(written: tuple[Path, Sample]) -> Sample:
    return written[1]


def is_open(item: Item, market: str, at_s: int) -> bool:
    return any(
        window.market in ("*", market)
        and (window.from_s is None or window.from_s <= at_s)
        and (window.until_s is None or at_s < window.until_s)
        for window in item.availability
    )


def test_one_seed_gives_one_sample_byte_for_byte(written: tuple[Path, Sample]) -> None:
    names = ("catalogue.jsonl", "interactions.jsonl")
    # The same on every machine, Python and day; these change only with what is planted.
    assert [hashlib.sha256((written[0] / name).read_bytes()).hexdigest()[:16] for name in names] == [
        "f7d12c74e905c04f",
        "d3558e94080f425e",
    ]


def test_another_seed_gives_another_sample_in_place_of_the_first(tmp_path: Path, written: tuple[Path, Sample]) -> None:
    folder, made = written
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    other = write_sample(tmp_path, 8)
    assert other.items != made.items
    assert other.interactions != made.interactions
    assert sorted(file.name for file in tmp_path.iterdir()) == ["README.txt", "catalogue.jsonl", "interactions.jsonl"]
    assert (tmp_path / "catalogue.jsonl").read_bytes() != (folder / "catalogue.jsonl").read_bytes()


def test_what_is_written_reads_back_without_a_reject(tmp_path: Path, written: tuple[Path, Sample]) -> None:
    folder, made = written
    rejects = Rejects(tmp_path / "rejects.out")
    items = [item for batch in read_catalogue(folder / "catalogue.jsonl", rejects) for item in batch]
    known = {item.id for item in items}.__contains__
    rows = [row for batch in read_interactions(folder / "interactions.jsonl", rejects, known) for row in batch]
    assert rejects.rejected == 0
    assert tuple(items) == made.items
    assert tuple(rows) == made.interactions
    assert "Made up" in (folder / "README.txt").read_text()


def test_sizes(made: Sample) -> None:
    assert len(made.items) == 2000
    assert Counter(item.kind for item in made.items) == {"track": 1200, "episode": 800}
    assert Counter(made.taste_of.values()) == dict.fromkeys(set(made.taste_of.values()), 100)
    assert len(set(made.taste_of.values())) == 20
    assert len({name for item in made.items for name in item.all_creators}) >= 200
    assert sum(len((item.text or "").split()) >= 2000 for item in made.items) == 10
    assert len({row.user_id for row in made.interactions}) == 1200
    assert all(item.extra["made_up"] is True for item in made.items)


def test_some_are_open_everywhere_some_no_more_some_not_yet_some_on_and_off(made: Sample) -> None:
    assert sum(item.availability == EVERYWHERE for item in made.items) >= 500
    now = MOMENTS[1]
    closed = [item for item in made.items if not any(is_open(item, market, now) for market in MARKETS)]
    upcoming = [item for item in closed if any((window.from_s or 0) > now for window in item.availability)]
    assert len(upcoming) >= 20
    assert len(closed) - len(upcoming) >= 100
    several = [item for item in made.items if len({w.market for w in item.availability}) < len(item.availability)]
    assert len(several) >= 100


@pytest.mark.parametrize("at_s", MOMENTS)
def test_any_item_has_150_allowed_neighbours_in_each_market(made: Sample, at_s: int) -> None:
    for market in MARKETS:
        # Under the narrowest context: nothing explicit, nothing with an age limit.
        allowed = [
            item
            for item in made.items
            if is_open(item, market, at_s) and item.explicit is not True and not item.min_age
        ]
        assert len(allowed) > 1000
        assert min(Counter(made.taste_of[item.id] for item in allowed).values()) >= 40


def test_flags_and_languages_are_of_every_sort(made: Sample) -> None:
    explicit = Counter(item.explicit for item in made.items)
    assert min(explicit[True], explicit[False], explicit[None]) >= 100
    assert {item.language for item in made.items} == {"en", "en-GB", "en-US", "sv", "de", "pt-BR", "ja", None}
    assert 10 <= sum(item.min_age > 0 for item in made.items) <= 100


def test_users_listen_to_both_kinds_mostly_within_few_tastes(made: Sample) -> None:
    kinds: dict[str, set[str]] = defaultdict(set)
    tastes: dict[str, Counter[str]] = defaultdict(Counter)
    kind_of = {item.id: item.kind for item in made.items}
    for row in made.interactions:
        kinds[row.user_id].add(kind_of[row.item_id])
        tastes[row.user_id][made.taste_of[row.item_id]] += 1
    assert all(len(heard) == 2 for heard in kinds.values())
    shares = [sum(count for _, count in heard.most_common(3)) / heard.total() for heard in tastes.values()]
    assert sum(shares) / len(shares) > 0.85
    skips = [row for row in made.interactions if row.weight < 0]
    assert 0.01 < len(skips) / len(made.interactions) < 0.1


def test_cold_items_have_no_interactions_but_the_words_of_their_taste(made: Sample) -> None:
    assert len(made.cold) == 60
    heard = {row.item_id for row in made.interactions}
    assert heard == {item.id for item in made.items} - made.cold
    assert Counter(made.taste_of[item_id] for item_id in made.cold) == dict.fromkeys(set(made.taste_of.values()), 3)


def test_the_charts_say_little_and_the_taste_says_much(made: Sample) -> None:
    """recall@20 on the common split, counted by hand: popularity against the user's tastes and creators."""
    pairs = {(row.user_id, row.item_id) for row in made.interactions}
    train: dict[str, set[str]] = defaultdict(set)
    test: dict[str, set[str]] = defaultdict(set)
    for user, item_id in pairs:
        is_test = int(hashlib.sha256(f"{user}\t{item_id}".encode()).hexdigest(), 16) % 5 == 0
        (test if is_test else train)[user].add(item_id)
    # Three hundred listeners, of all tastes, are enough.
    test = {user: held_out for user, held_out in test.items() if user <= "user-0300"}
    heard = Counter(item_id for items in train.values() for item_id in items)
    creator_of = {item.id: item.creator for item in made.items}

    def recall(score: dict[str, dict[str, float]]) -> float:
        total = 0.0
        for user, held_out in test.items():
            scores = score[user]
            left = sorted(
                (item_id for item_id in heard if item_id not in train[user]), key=lambda i: -scores.get(i, 0.0)
            )
            total += len(held_out & set(left[:20])) / len(held_out)
        return total / len(test)

    popularity = {item_id: float(count) for item_id, count in heard.items()}
    planted: dict[str, dict[str, float]] = {}
    for user in test:
        creators = Counter(creator_of[item_id] for item_id in train[user])
        planted[user] = {item_id: creators[creator_of[item_id]] * math.sqrt(count) for item_id, count in heard.items()}
    by_popularity = recall(dict.fromkeys(test, popularity))
    assert by_popularity < 0.05
    assert recall(planted) > 6 * by_popularity


def test_a_catalogue_of_ones_own_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "catalogue.jsonl").write_text("mine")
    with pytest.raises(UsageError, match="did not write"):
        write_sample(tmp_path)
    assert (tmp_path / "catalogue.jsonl").read_text() == "mine"


def test_the_market_is_set_only_where_there_are_no_settings(tmp_path: Path) -> None:
    assert set_default_market(tmp_path, "SE")
    assert (tmp_path / "nearfield.toml").read_text().splitlines()[-1] == 'default_market = "SE"'
    assert not set_default_market(tmp_path, "GB")
    assert "SE" in (tmp_path / "nearfield.toml").read_text()
