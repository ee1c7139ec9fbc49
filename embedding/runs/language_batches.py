"""Batches of text pairs for fine-tuning: of one language each, so that negatives are of the same language."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

from embedding.runs.text_pairs import TextPair


class LanguageBatches:
    """A batch sampler for the trainer: places in `pairs`, drawn anew in each epoch, the same for the same seed.

    A batch is of one language where that has enough pairs; languages with fewer share batches. No item and no text
    comes twice in a batch: it would be a negative of its own pair. The rest of an epoch, less than half a batch, is
    dropped. A batch is sorted by length of text, so that little of what is computed together is padding.
    """

    def __init__(self, pairs: Sequence[TextPair], size: int, seed: int) -> None:
        self._pairs, self._size, self._seed = pairs, size, seed
        by_language: dict[str, list[int]] = defaultdict(list)
        for place, pair in enumerate(pairs):
            by_language[pair.language].append(place)
        rest = [place for places in by_language.values() if len(places) < size for place in places]
        self._groups = [*(places for places in by_language.values() if len(places) >= size), rest]
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the batches of an epoch, counted from 0; the trainer calls it at the start of each."""
        draw = random.Random(f"{self._seed} {epoch}")
        self._batches = [batch for places in self._groups for batch in self._drawn(places, draw)]
        draw.shuffle(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)

    def _drawn(self, places: Sequence[int], draw: random.Random) -> Iterator[list[int]]:
        waiting, least = draw.sample(places, len(places)), 2.0
        while waiting:
            batch: list[int] = []
            seen: set[tuple[str, str]] = set()
            later: list[int] = []
            for number, place in enumerate(waiting):
                pair = self._pairs[place]
                own = {("item", pair.item), ("text", pair.query), ("text", pair.document)}
                if seen & own:
                    later.append(place)
                    continue
                seen |= own
                batch.append(place)
                if len(batch) == self._size:
                    later += waiting[number + 1 :]
                    break
            if len(batch) < least:
                return
            least = self._size / 2
            yield sorted(batch, key=lambda place: len(self._pairs[place].document))
            waiting = later
