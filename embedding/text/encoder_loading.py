"""The text encoder, imported only when it is loaded: its library takes six seconds to import."""

from embedding.protocols import TextEncoder
from embedding.text.encoder_folder import EncoderFolder


def load_encoder(found: EncoderFolder) -> TextEncoder:
    """The encoder that was found; EncoderMissingError when its files cannot be read as one."""
    # Commands whose texts are all cached never come here.
    from embedding.text.sentence_encoder import SentenceEncoder

    return SentenceEncoder.load(found)
