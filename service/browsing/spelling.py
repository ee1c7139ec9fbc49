"""How a creator is spelt who stands under several spellings: as most of the rows that may be shown have it."""

from collections import Counter

import numpy as np

from embedding.rows.names import name_key
from indexing.journal.current_rows import CurrentRows
from service.browsing.selected_rows import SelectedRows

# Rows that are looked at, evenly over all of a creator's: who has more is spelt by these.
_MOST_ROWS = 100


def spelling_of(key: str, selected: SelectedRows, rows: CurrentRows) -> str:
    """The most frequent spelling of the creator with this key among selected rows; of equals the first as a text."""
    columns, creators = rows.release.columns, rows.release.creators.whole
    spelt: Counter[str] = Counter()
    number = creators.number(key)
    if number >= 0:
        own = creators.rows_at(number)
        own = own[selected.own[own]]
        if len(own) > _MOST_ROWS:
            own = own[np.linspace(0, len(own) - 1, _MOST_ROWS).astype(np.int64)]
        for row in own.tolist():
            called = columns.names(row)
            spelt.update(name for name in {called.creator, *called.creators} if name_key(name) == key)
    passing = set(selected.slots.tolist())
    for slot in rows.new.named(key):
        if slot in passing:
            payload = rows.new.payloads[slot]
            spelt.update(name for name in {payload.creator, *payload.creators} if name_key(name) == key)
    return min(spelt, key=lambda name: (-spelt[name], name)) if spelt else key
