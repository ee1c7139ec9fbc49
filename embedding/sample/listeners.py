"""Who listens to what in the made-up catalogue: one to three tastes each, tracks and episodes, favourite creators."""

from collections.abc import Mapping, Sequence

from embedding.rows.schema import Interaction, Item
from embedding.rows.times import epoch_us
from embedding.sample.seeded_choices import SeededChoices, WeightedChoice

NUM_USERS = 1200
_START_S = epoch_us("2025-01-06") // 1_000_000
_DAYS = 180
# Popularity within a taste falls with the root of the rank, so that the charts alone say little.
_RANK_POWER = -0.5
_FAVOURITE_CREATORS = 4
_FAVOURITE_WEIGHT = 8.0
_OFF_TASTE = 0.08
_REPEATED = 0.05
# How a user's listening is shared among one, two or three tastes, and how many users have that many.
_TASTE_SHARES = ((0.5, (1.0,)), (0.85, (0.65, 0.35)), (1.0, (0.5, 0.3, 0.2)))


def interactions(choices: SeededChoices, heard: Mapping[str, Sequence[Item]]) -> list[Interaction]:
    """Listens of 1,200 users to the items `heard` by taste, in the order of time."""
    ranks = {taste: [(rank + 1) ** _RANK_POWER for rank in range(len(items))] for taste, items in heard.items()}
    rows: list[Interaction] = []
    for user in range(NUM_USERS):
        rows.extend(_listener(choices, f"user-{user + 1:04d}", user, heard, ranks))
    return sorted(rows, key=lambda row: (row.at or 0.0, row.user_id, row.item_id))


def _listener(
    choices: SeededChoices,
    user_id: str,
    number: int,
    heard: Mapping[str, Sequence[Item]],
    ranks: Mapping[str, Sequence[float]],
) -> list[Interaction]:
    names = list(heard)
    drawn = choices.between(0, 999) / 1000
    shares = next(shares for limit, shares in _TASTE_SHARES if drawn < limit)
    # Each taste is the first one of as many users.
    first = names[number % len(names)]
    tastes = [first, *choices.some([name for name in names if name != first], len(shares) - 1)]
    pick_taste = WeightedChoice(shares)
    within = {taste: WeightedChoice(_leaning(choices, heard[taste], ranks[taste])) for taste in tastes}
    seen: set[str] = set()
    rows: list[Interaction] = []
    wanted = choices.between(30, 40)
    while len(rows) < wanted:
        taste = tastes[pick_taste.draw(choices)]
        at_s = _START_S + choices.between(0, _DAYS * 86_400)
        # A session stays with one taste.
        for _ in range(min(choices.between(3, 6), wanted - len(rows))):
            at_s += choices.between(120, 1800)
            if choices.chance(_OFF_TASTE):
                item = choices.one(heard[choices.one(names)])
                weight = -1.0 if choices.chance(0.5) else 1.0
            else:
                item = heard[taste][within[taste].draw(choices)]
                weight = 2.0 if choices.chance(0.15) else 1.0
            if item.id in seen and not choices.chance(_REPEATED):
                continue
            seen.add(item.id)
            rows.append(Interaction(user_id, item.id, float(at_s), weight))
    return rows


def _leaning(choices: SeededChoices, items: Sequence[Item], ranks: Sequence[float]) -> list[float]:
    """How often a user hears each of `items`: by popularity, and far more often from a few favourite creators."""
    creators = list(dict.fromkeys(item.creator for item in items))
    favourites = set(choices.some(creators, _FAVOURITE_CREATORS))
    return [
        rank * (_FAVOURITE_WEIGHT if item.creator in favourites else 1.0)
        for rank, item in zip(ranks, items, strict=True)
    ]
