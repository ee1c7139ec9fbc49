"""The text of an item that the text encoder reads: which fields, in which order, up to which length."""

import hashlib

from embedding.rows.schema import Item

# Item fields that change what the text encoder reads of an item or of its passages; `chapters` say where these are cut.
TEXT_FIELDS = ("title", "creator", "creators", "album", "tags", "text", "chapters")

# Encoders of today read a few hundred tokens and cut the rest; a bound here spares tokenising a whole transcript.
MAX_TEXT_CHARS = 20_000


def item_text(item: Item) -> str:
    """The text of an item, most telling field first, one field a line; never empty, since a title is required."""
    lines = (item.title, ", ".join(item.all_creators), item.album, ", ".join(item.tags), item.text)
    return "\n".join(line for line in lines if line)[:MAX_TEXT_CHARS]


def text_hash(text: str) -> bytes:
    """SHA-256 over the UTF-8 bytes of a text: the key of a document in the vector cache."""
    return hashlib.sha256(text.encode()).digest()


def query_hash(text: str) -> bytes:
    """The key of a text as a query: that of no document, since no UTF-8 begins with such a byte."""
    return hashlib.sha256(b"\xff" + text.encode()).digest()
