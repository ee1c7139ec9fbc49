"""Texts by which an item may be searched, from its own row: the query tower learns text queries from them."""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.names import name_key
from embedding.rows.schema import Item
from embedding.text.passages import opening
from embedding.text.text_vectors import TextVectors
from embedding.towers.encoded_items import Bag


class QueryTexts(Struct, frozen=True):
    """Query texts of N items: `vectors` (T, E), each text once, and `texts`: for each item, its rows of `vectors`."""

    vectors: Vectors
    texts: Bag


def texts_of(item: Item) -> tuple[str, ...]:
    """The query texts of an item, each once: title, artists or show, and the beginning of the description."""
    found = (item.title, *item.all_creators, *([] if item.text is None else [opening(item.text)]))
    return tuple(dict.fromkeys(text for text in found if text))


def encode_query_texts(batches: Iterable[list[Item]], texts: TextVectors, reporter: Reporter) -> QueryTexts:
    """The texts of all items in `batches`, in order; those that differ only in case and white space count as one."""
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
        return QueryTexts(texts.of_queries(spelt, advance), Bag(flat, offsets))
