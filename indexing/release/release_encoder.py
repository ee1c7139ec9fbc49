"""The text encoder of a release: the one that made its vectors, whatever the settings name for new builds."""

from embedding.settings import EncoderPlace
from embedding.text.encoder_folder import EncoderFolder
from embedding.text.encoder_of_hash import encoder_of_hash
from indexing.release.release import Release
from indexing.settings import IndexingSettings


def release_encoder(release: Release, settings: IndexingSettings) -> EncoderFolder | None:
    """Its folder on this machine, None for a release without text vectors; nothing is fetched.

    Raises EncoderMissingError where neither the settings, nor what the release was built with, nor a package has it.
    """
    manifest = release.manifest
    if manifest.encoder_hash is None:
        return None
    named = (settings.encoder, None if manifest.encoder is None else EncoderPlace(manifest.encoder))
    return encoder_of_hash(
        manifest.encoder_hash, [place for place in named if place is not None], settings.vector_cache_dir
    )
