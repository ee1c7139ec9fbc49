"""Whether a model may have been trained on the pairs that it is tested on: told by fingerprints of interactions."""

import numpy as np
from msgspec import Struct

from embedding.data.pairs import Pairs
from embedding.data.split import SplitName, seen_in_training
from embedding.towers.model_folder import ModelManifest


class TrainedOn(Struct, frozen=True, kw_only=True):
    """A model that was trained on other interactions than it is evaluated with.

    Fingerprints of what it was trained on (those held out by its `split` included), of the interactions that came, and
    of the test file. `share` of the test file's positive pairs that it was trained on; None where it was trained on
    neither the test file nor the interactions with the test file: then nobody can tell.
    """

    trained: str
    split: SplitName
    interactions: str
    test: str
    share: float | None


def trained_on(manifest: ModelManifest, interactions: Pairs, test: Pairs) -> TrainedOn | None:
    """What to know of a model that is tested on `test`, with `interactions` as history; None where it was trained on
    these interactions: what is among them is no test pair then."""
    trained = manifest.fingerprint
    if trained == interactions.fingerprint():
        return None
    new = test.where(~np.isin(test.hashes, interactions.hashes))
    data = next((pairs for pairs in (test, interactions.joined(new)) if pairs.fingerprint() == trained), None)
    share = None
    if data is not None:
        seen = data.hashes[seen_in_training(data, manifest.split)]
        share = float(np.isin(test.hashes[test.positive], seen).mean())
    return TrainedOn(
        trained=trained,
        split=manifest.split.name,
        interactions=interactions.fingerprint(),
        test=test.fingerprint(),
        share=share,
    )
