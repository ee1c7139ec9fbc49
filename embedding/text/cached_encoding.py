"""Text vectors through the cache: what it lacks is encoded, each text once, and kept."""

import os
from collections.abc import Callable, Sequence

import numpy as np

from embedding.protocols import Vectors
from embedding.text.vector_cache import VectorCache

# Texts encoded between two commits: what a killed process loses, about ten seconds of work.
_ENCODE_ROWS = 512
# And between two reports of progress: a batch of the encoder for each core, half a second.
_PART_ROWS = 16 * max(2, os.cpu_count() or 1)


def encode_cached(
    encode: Callable[[Sequence[str]], Vectors],
    key_of: Callable[[str], bytes],
    cache: VectorCache,
    texts: Sequence[str],
    advance: Callable[[int], None],
) -> Vectors:
    """Vectors (len(texts), dims) of `texts`, in their order; what the cache lacks is encoded once and kept.

    `encode` and `key_of`: those of documents or those of queries. `advance` is called with the number of texts that
    have been finished, a few at a time. Long texts are encoded first, so that the time left is never underestimated.
    """
    hashes = [key_of(text) for text in texts]
    vectors, found = cache.get(hashes)
    advance(int(found.sum()))
    places: dict[bytes, list[int]] = {}
    for place in np.flatnonzero(~found):
        places.setdefault(hashes[place], []).append(int(place))
    missing = sorted(places, key=lambda key: (-len(texts[places[key][0]]), key))
    for start in range(0, len(missing), _ENCODE_ROWS):
        keys = missing[start : start + _ENCODE_ROWS]
        fresh = []
        for part in (keys[at : at + _PART_ROWS] for at in range(0, len(keys), _PART_ROWS)):
            fresh.append(encode([texts[places[key][0]] for key in part]))
            for key, vector in zip(part, fresh[-1], strict=True):
                vectors[places[key]] = vector
            advance(sum(len(places[key]) for key in part))
        cache.put(keys, np.concatenate(fresh))
    return vectors
