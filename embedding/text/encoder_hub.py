"""Which folder the setting `encoder` means: a packaged one, one that it names, or a hub's snapshot, fetched once."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from embedding.errors import EncoderMissingError
from embedding.settings import MINILM, MULTILINGUAL, EncoderPlace
from embedding.text.e5_folder import converted_e5

# What the user has set, read before embedding.text.sentence_encoder sets it for this process.
_NO_NETWORK = os.environ.get("HF_HUB_OFFLINE", "0")
_PROGRAM = Path(__file__).with_name("hub_snapshot.py")
# A hub that can be reached answers within a second.
_TIMEOUT_S = 10.0
_LONGEST_REASON = 300


def local_encoder(place: EncoderPlace | None, cache_dir: Path) -> Path | None:
    """The folder that `place` means on this machine, None for all-MiniLM-L6-v2; no network is asked.

    multilingual-e5-small is converted once, to a folder below `cache_dir`.

    EncoderMissingError for a hub name that is not in the Hugging Face cache, or not all of it, and for a packaged
    encoder whose package is not installed.
    """
    if place is None or place == MINILM:
        return None
    if place == MULTILINGUAL:
        return converted_e5(cache_dir)
    if place.hub_name is None:
        return Path(place)
    folder, reason = _snapshot(place.hub_name, "1", _TIMEOUT_S)
    if folder is None:
        raise EncoderMissingError(
            f"No text encoder {place.hub_name!r}: expected a folder of that name, or that model in the Hugging Face "
            f"cache ({reason}). `nearfield train`, `nearfield index build` and the start of `nearfield serve` fetch it "
            "where its hub can be reached; elsewhere copy the model's folder to this machine and set `encoder` to it."
        )
    return folder


def fetched_encoder(place: EncoderPlace | None, cache_dir: Path, timeout_s: float = _TIMEOUT_S) -> Path | None:
    """As `local_encoder`; a model that is not in the cache is fetched first, all of it, and stays there.

    EncoderMissingError also where the hub does not answer within `timeout_s`, or refuses.
    """
    try:
        return local_encoder(place, cache_dir)
    except EncoderMissingError:
        if place is None or place.hub_name is None:
            raise
    folder, reason = _snapshot(place.hub_name, _NO_NETWORK, timeout_s)
    if folder is None:
        raise EncoderMissingError(
            f"No text encoder {place.hub_name!r}: no folder has that name, the Hugging Face cache does not hold that "
            f"model, and it could not be fetched ({reason}). Run this where the hub can be reached, or copy the "
            "model's folder to this machine and set `encoder` to it."
        )
    return folder


def _snapshot(name: str, offline: str, timeout_s: float) -> tuple[Path | None, str]:
    """The folder of a hub's model, or None and why."""
    environ = os.environ | {"HF_HUB_OFFLINE": offline}
    if not sys.stderr.isatty():
        environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    # Without -P the program's folder would come first on the import path, and our modules shadow others.
    command = [sys.executable, "-P", str(_PROGRAM), name, str(timeout_s)]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    try:
        answer = msgspec.json.decode(done.stdout.strip().rpartition("\n")[2], type=dict[str, str])
    except msgspec.DecodeError:
        return None, f"looking for it ended with {done.returncode}"
    folder = answer.get("folder")
    return (None if folder is None else Path(folder)), answer.get("error", "")[:_LONGEST_REASON]
