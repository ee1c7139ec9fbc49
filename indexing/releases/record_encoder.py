"""How a changed row becomes a journal record: with the vectors that every kept release needs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from embedding.progress import Advance
from embedding.protocols import Vectors
from embedding.rows.schema import Item
from embedding.text.passages import passage_text, passages_of
from embedding.text.text_vectors import TextVectors
from embedding.towers.tower_loading import load_towers
from indexing.columns.columns import HASH_BYTES, row_hashes
from indexing.journal.current_rows import CurrentRows
from indexing.release.passages import RowPassages
from indexing.releases.releases import Releases
from indexing.state.records import Encoded, Put
from indexing.words.bm25 import as_bytes, words_hash, words_of

if TYPE_CHECKING:
    from embedding.towers.model import Towers


class RecordEncoder:
    """Makes journal records of rows; it reads the kept releases' models, each loaded once."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._towers: dict[str, Towers] = {}

    def puts(
        self,
        items: Sequence[Item],
        live: CurrentRows | None,
        texts: TextVectors,
        *,
        passages: bool = True,
        advance: Advance = lambda _: None,
    ) -> list[Put]:
        """One record for each row, encoded by `texts` and the towers of all kept releases.

        A row whose input fields are as they are in `live` keeps its vectors there, to the last bit. Without `passages`
        the records are of use for a look alone. `advance` is called with the number of rows that are done. Raises
        EncoderMissingError or DamagedError.
        """
        kept = self._unmoved(items, live)
        moved = [item for item in items if item.id not in kept]
        advance(len(items) - len(moved))
        encoded = self._encoded(moved, texts, (lambda _: None) if passages else advance)
        made = dict(zip([item.id for item in moved], encoded, strict=True))
        others = self._other_models(live)
        if kept and others:
            again = [item for item in items if item.id in kept]
            for item, (_, tower) in zip(again, self._encoded(again, texts), strict=True):
                text, own = kept[item.id]
                kept[item.id] = text, {model: vector for model, vector in tower.items() if model in others} | own
        cut = {}
        for item in moved if passages else ():
            cut[item.id] = _passages(item, texts)
            advance(1)
        cut |= {item.id: _kept_passages(item, live) for item in items if live is not None and item.id in kept}
        return [
            Put(
                item,
                *(kept.get(item.id) or made[item.id]),
                {words_hash(): as_bytes(words_of(item))},
                cut.get(item.id, {}),
            )
            for item in items
        ]

    def missing(self, rows: CurrentRows, texts: TextVectors) -> list[Encoded]:
        """Records that encode what the journal put for other models, for the release of `rows`."""
        items = list(rows.unencoded.values())
        encoded = self._encode(items, [rows.release.manifest.model_hash], texts)
        return [
            Encoded(item.id, text, tower, _passages(item, texts))
            for item, (text, tower) in zip(items, encoded, strict=True)
        ]

    def _unmoved(self, items: Sequence[Item], live: CurrentRows | None) -> dict[str, "_VectorBytes"]:
        if live is None:
            return {}
        manifest = live.release.manifest
        found: dict[str, _VectorBytes] = {}
        for item in items:
            row = live.row_of(item.id)
            if row < 0 or item.id in live.unencoded:
                continue
            inputs = row_hashes(item, manifest.input_fields)[:HASH_BYTES]
            if inputs == live.hashes(row)[:HASH_BYTES]:
                by_space = {space: _bytes(live.vectors(space, [row])[0]) for space in manifest.dims}
                tower = {manifest.model_hash: by_space["tower"]} if manifest.model_hash else {}
                text = {manifest.encoder_hash: by_space["text"]} if manifest.encoder_hash else {}
                found[item.id] = text, tower
        return found

    def _other_models(self, live: CurrentRows | None) -> set[str]:
        models = {manifest.model_hash for manifest in self._releases.manifests() if manifest.model_hash}
        return models - {live.release.manifest.model_hash if live else None}

    def _encoded(
        self, items: Sequence[Item], texts: TextVectors, advance: Advance = lambda _: None
    ) -> list["_VectorBytes"]:
        return self._encode(items, [manifest.model_hash for manifest in self._releases.manifests()], texts, advance)

    def _encode(
        self, items: Sequence[Item], models: Sequence[str | None], texts: TextVectors, advance: Advance = lambda _: None
    ) -> list["_VectorBytes"]:
        if not items:
            return []
        text = texts(items, advance)
        towers: dict[str, Vectors] = {}
        for model in {model for model in models if model}:
            tower = self._tower(model)
            # Another encoder's vectors are of no use to it: that release waits until its own encoder is set.
            if tower.encoder_hash in (None, texts.encoder_hash):
                towers[model] = tower.encode_items(items, text)
        encoder = texts.encoder_hash
        made: list[_VectorBytes] = []
        for place in range(len(items)):
            of_text = {encoder: _bytes(text[place])} if encoder else {}
            made.append((of_text, {model: _bytes(vectors[place]) for model, vectors in towers.items()}))
        return made

    def _tower(self, model: str) -> "Towers":
        if model not in self._towers:
            manifest = next(m for m in self._releases.manifests() if m.model_hash == model)
            self._towers[model] = load_towers(self._releases.folder / manifest.id / "model")
        return self._towers[model]


_VectorBytes = tuple[dict[str, bytes], dict[str, bytes]]


def _passages(item: Item, texts: TextVectors) -> dict[str, RowPassages]:
    """The passages of a row by the encoder's hash."""
    encoder, found = texts.encoder_hash, passages_of(item)
    if encoder is None or not found:
        return {}
    return {encoder: RowPassages.of(found, texts.of_texts([passage_text(item, one) for one in found]))}


def _kept_passages(item: Item, live: CurrentRows) -> dict[str, RowPassages]:
    """Those that a row has in what is live."""
    encoder, found = live.release.manifest.encoder_hash, live.passages(live.row_of(item.id))
    return {encoder: found} if encoder and found.offsets else {}


def _bytes(vector: Vectors) -> bytes:
    return np.ascontiguousarray(vector, "<f4").tobytes()
