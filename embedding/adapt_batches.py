"""Which pairs of texts are learnt from together: those that are hard to tell apart."""

import random
from collections import defaultdict
from collections.abc import Sequence

from embedding.adapt_pairs import TextPair

# So many pairs of one creator stand side by side: a title has to find its text among those of its own show.
_NEIGHBOURS = 4


def hard_batches(pairs: Sequence[TextPair], size: int, seed: int) -> list[list[int]]:
    """Places of `pairs` in batches of `size`, each of one language as far as there are enough of it.

    In a batch no item comes twice and no text: it would be its own partner's negative. A pair for which that leaves no
    room gets into a later batch, so that some are smaller; one that is left alone has nothing to be told from, and is
    in none. Those of one creator come in fours: negatives that are near teach most, and drawn batches hardly ever hold
    one (Xiong et al., "Approximate nearest neighbor negative contrastive learning", ICLR 2021, section 3).
    """
    draw = random.Random(seed)
    by_language: dict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        by_language[pair.language].append(place)
    rest = [place for places in by_language.values() if len(places) < size for place in places]
    groups = [places for places in by_language.values() if len(places) >= size]
    batches = [
        batch for places in (*groups, rest) for batch in _without_repeats(_in_runs(places, pairs, draw), pairs, size)
    ]
    draw.shuffle(batches)
    return batches


def _in_runs(places: Sequence[int], pairs: Sequence[TextPair], draw: random.Random) -> list[int]:
    by_creator: dict[str, list[int]] = defaultdict(list)
    for place in places:
        by_creator[pairs[place].creator].append(place)
    runs = [
        own[start : start + _NEIGHBOURS] for own in by_creator.values() for start in range(0, len(own), _NEIGHBOURS)
    ]
    draw.shuffle(runs)
    return [place for run in runs for place in run]


def _without_repeats(places: Sequence[int], pairs: Sequence[TextPair], size: int) -> list[list[int]]:
    batches: list[list[int]] = []
    waiting = list(places)
    while waiting:
        batch: list[int] = []
        seen: set[tuple[str, str]] = set()
        later: list[int] = []
        for number, place in enumerate(waiting):
            pair = pairs[place]
            own = {("item", pair.item), ("text", pair.asks), ("text", pair.answers)}
            if seen & own:
                later.append(place)
                continue
            seen |= own
            batch.append(place)
            if len(batch) == size:
                later += waiting[number + 1 :]
                break
        if len(batch) > 1:
            batches.append(batch)
        waiting = later
    return batches
