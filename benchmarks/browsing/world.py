"""Rows with titles, creators, tags and popularity as catalogues have them: some of each in most rows, most in few."""

import random
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from benchmarks.harness.world import NUM_CENTRES, PlantedEncoder, build_world, rows
from embedding.protocols import Vectors

# Vectors play no part.
DIMS = 4
_NUM_WORDS, _NUM_TAGS = 60_000, 2_000
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


class TitleEncoder(PlantedEncoder):
    """Puts a title beside a centre that it chooses."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), dims)."""
        chosen = [zlib.crc32(text.encode()) for text in texts]
        return super().encode([f"centre-{number % NUM_CENTRES} item-{number}" for number in chosen])


def build_titled_world(folder: Path, num_items: int) -> None:
    """The release of titled items in `folder`, built if it is not there."""
    build_world(folder, num_items, TitleEncoder(DIMS), titled_rows)


def titled_rows(num_items: int) -> Iterator[dict[str, object]]:
    """Catalogue rows with titles of one to six words, creators of two, up to four tags."""
    dice = random.Random(13)
    words = sorted({_word(dice) for _ in range(_NUM_WORDS)})
    dice.shuffle(words)
    # By Zipf's law.
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    tag_weights = weights[:_NUM_TAGS]
    names = [" ".join(dice.choices(words, k=2)).title() for _ in range(num_items // 20 + 1)]
    for row in rows(num_items):
        title = dice.choices(words, cum_weights=weights, k=dice.randrange(1, 7))
        tags = dice.choices(words[:_NUM_TAGS], cum_weights=tag_weights, k=dice.randrange(5))
        yield row | {
            "title": " ".join(title).capitalize(),
            "creator": names[int(len(names) * dice.random() ** 2)],
            "tags": sorted(set(tags)),
            "popularity": round(dice.random() ** 4, 6),
        }


def _word(dice: random.Random) -> str:
    return "".join(dice.choice(_CONSONANTS) + dice.choice(_VOWELS) for _ in range(dice.randrange(1, 5)))
