"""What somebody may type to find an item, taken from its own row: text queries are learnt from these."""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.schema import Item, name_key
from embedding.text.passages import opening
from embedding.text.text_vectors import TextVectors
from embedding.towers.encoded_items import Bag


class QueryTexts(Struct, frozen=True):
    """The texts of N items, each text once: `vectors` (T, E), and `texts`, the rows in them of each item's."""

    vectors: Vectors
    texts: Bag


def texts_of(item: Item) -> tuple[str, ...]:
    """Title, artists or show, and the beginning of the description, where there is one; each once."""
    found = (item.title, *item.all_creators, *([] if item.text is None else [opening(item.text)]))
    return tuple(dict.fromkeys(text for text in found if text))


def encode_query_texts(batches: Iterable[list[Item]], texts: TextVectors, reporter: Reporter) -> QueryTexts:
    """The texts of all items in `batches`, in their order; those that differ in case and white space alone are one."""
    rows_of: dict[str, int] = {}
    spelt: list[str] = []

    def row_of(text: str) -> int:
        row = rows_of.setdefault(name_key(text), len(spelt))
        if row == len(spelt):
            spelt.append(text)
        return row

    lists = [[*dict.fromkeys(map(row_of, texts_of(item)))] for items in batches for item in items]
    flat = np.fromiter((row for rows in lists for row in rows), np.int64)
    offsets = np.concatenate(([0], np.cumsum([len(rows) for rows in lists], dtype=np.int64)))
    with reporter.stage("encode query texts", len(spelt)) as advance:
        return QueryTexts(texts.of_texts(spelt, advance), Bag(flat, offsets))
