"""The text encoder, imported only when it is loaded: its library takes six seconds to import."""

from pathlib import Path

from embedding.protocols import TextEncoder


def load_encoder(folder: Path) -> TextEncoder:
    """The encoder in `folder`; EncoderMissingError when its files cannot be read as one."""
    # Commands whose texts are all cached never come here.
    from embedding.text.sentence_encoder import SentenceEncoder

    return SentenceEncoder.load(folder)
