"""The dataset: a catalogue and its interactions, read once; rows spooled to disk, pairs in flat arrays."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.pairs import Pairs, PairsBuilder
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.column_map.row_parsers import PLAIN_ROWS, RowParsers
from embedding.rows.interactions import read_interactions
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item, Kind
from embedding.rows.spool import Spool
from embedding.text.text_vectors import TextVectors
from embedding.towers.encoded_items import EncodedItems
from embedding.towers.vocabulary import Vocabulary

KINDS: tuple[Kind, ...] = ("track", "episode")


class Dataset(Struct, frozen=True):
    """What was read of a catalogue and its interactions.

    `item_rows`, `user_rows`: row of each id; `kinds` (N,): place in KINDS of each item's kind; `pairs`: those of all
    `rows` that were read; `rejects`: number of rejects by the file that holds them.
    """

    spool: Spool
    item_rows: dict[str, int]
    kinds: NDArray[np.uint8]
    user_rows: dict[str, int]
    rows: PairsBuilder
    pairs: Pairs
    rejects: dict[str, int]

    def items(self, wanted: NDArray[np.bool_]) -> Iterator[list[Item]]:
        """The items whose catalogue row is `wanted` (N,), in batches, in the order of the catalogue."""
        row = 0
        for batch in self.spool.batches():
            kept = [item for item, keep in zip(batch, wanted[row : row + len(batch)].tolist(), strict=True) if keep]
            row += len(batch)
            if kept:
                yield kept

    def item_mask(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which catalogue rows (N,) are among `rows`."""
        mask = np.zeros(len(self.item_rows), np.bool_)
        mask[rows] = True
        return mask

    def crossing(self, pairs: Pairs) -> tuple[tuple[Kind, Kind], ...]:
        """Pairs of kinds of which some user liked both; (kind, kind) where some user liked two items of it."""
        liked = pairs.where(pairs.positive)
        users = [liked.users[self.kinds[liked.items] == place] for place in range(len(KINDS))]
        found = [(kind, kind) for kind, of_kind in zip(KINDS, users, strict=True) if _twice(of_kind)]
        return (*found, *([(KINDS[0], KINDS[1])] if np.intersect1d(*users).size else []))


def _twice(users: NDArray[np.int64]) -> bool:
    return len(np.unique(users)) < len(users)


@contextmanager
def open_dataset(
    catalogue: Path,
    interactions: Path,
    work_dir: Path,
    max_reject_share: float,
    reporter: Reporter,
    rows: RowParsers = PLAIN_ROWS,
) -> Iterator[Dataset]:
    """Read both inputs as `rows` say; the items can be read again until the context ends.

    Rejects go to `work_dir/rejects`. Raises RejectedInputError when an input cannot be taken or more than
    `max_reject_share` of its rows are bad.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="rows-", dir=work_dir) as folder,
        Spool(Path(folder) / "rows.spool") as spool,
        Rejects(work_dir / "rejects" / "catalogue.jsonl") as bad_items,
        Rejects(work_dir / "rejects" / "interactions.jsonl") as bad_rows,
    ):
        item_rows, kinds = _read_items(catalogue, spool, bad_items, reporter, rows)
        bad_items.enforce(max_reject_share)
        builder = read_pairs(interactions, item_rows, bad_rows, reporter, rows=rows)
        bad_rows.enforce(max_reject_share)
        with reporter.stage("sum pairs") as advance:
            pairs = builder.finish(advance=advance)
        rejects = {str(bad.path): bad.rejected for bad in (bad_items, bad_rows) if bad.rejected}
        yield Dataset(spool, item_rows, kinds, builder.user_rows, builder, pairs, rejects)


def read_pairs(
    interactions: Path,
    item_rows: dict[str, int],
    rejects: Rejects,
    reporter: Reporter,
    user_rows: dict[str, int] | None = None,
    rows: RowParsers = PLAIN_ROWS,
) -> PairsBuilder:
    """A builder with all good rows of `interactions`; users known before keep their row of `user_rows`."""
    builder = PairsBuilder(item_rows, user_rows)
    with reporter.stage("read interactions") as advance:
        for batch in read_interactions(interactions, rejects, item_rows.__contains__, rows.interactions):
            builder.add(batch)
            advance(len(batch))
    return builder


def encode_items(
    batches: Iterator[list[Item]], vocabulary: Vocabulary, texts: TextVectors, reporter: Reporter, total: int
) -> EncodedItems:
    """What the candidate tower reads of all items in `batches`, `total` of them."""
    with reporter.stage("encode items", total) as advance:
        return EncodedItems.join([vocabulary.encode(items, texts(items, advance)) for items in batches])


def _read_items(
    catalogue: Path, spool: Spool, rejects: Rejects, reporter: Reporter, rows: RowParsers
) -> tuple[dict[str, int], NDArray[np.uint8]]:
    item_rows: dict[str, int] = {}
    kinds = bytearray()
    with reporter.stage("read catalogue") as advance:
        for items in read_catalogue(catalogue, rejects, parser=rows.catalogue):
            for item in items:
                item_rows[item.id] = len(item_rows)
                kinds.append(KINDS.index(item.kind))
            spool.append(items)
            advance(len(items))
    return item_rows, np.frombuffer(bytes(kinds), np.uint8)
