"""Which encoder on this machine has a hash that a release names."""

from collections.abc import Sequence
from pathlib import Path

from embedding.errors import EncoderMissingError
from embedding.settings import MINILM, MULTILINGUAL, EncoderPlace
from embedding.text.e5_folder import FOLDER_HASH
from embedding.text.encoder_folder import EncoderFolder, readings
from embedding.text.encoder_hub import local_encoder


def encoder_of_hash(wanted: str, places: Sequence[EncoderPlace], cache_dir: Path) -> EncoderFolder:
    """The encoder whose folder has the hash `wanted`: the first of `places`, then the packaged ones; no network.

    Raises EncoderMissingError, with what was looked at, where there is none.
    """
    looked_at = []
    for place in dict.fromkeys([*places, EncoderPlace(MINILM), EncoderPlace(MULTILINGUAL)]):
        # Its hash is known before it is converted, which takes two seconds.
        if place == MULTILINGUAL and wanted != FOLDER_HASH:
            looked_at.append(f"{place} ({FOLDER_HASH})")
            continue
        try:
            found = readings(local_encoder(place, cache_dir))
        except EncoderMissingError as error:
            looked_at.append(f"{place} ({error})")
            continue
        for reading in found:
            if reading.hash == wanted:
                return reading
        looked_at.append(f"{place} ({', '.join(reading.hash for reading in found)})")
    raise EncoderMissingError(
        f"No text encoder with hash {wanted}, which this release was built with. Looked at: {'; '.join(looked_at)}. "
        "Set `encoder` to its folder, or build again."
    )
