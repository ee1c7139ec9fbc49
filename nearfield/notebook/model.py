"""A model in a notebook: vectors of the rows and listeners of files, of texts, and the evaluation."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedding.errors import UsageError
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_loading import load_encoder
from embedding.text.text_vectors import open_text_vectors
from embedding.towers.model_folder import ModelManifest, read_manifest
from embedding.towers.tower_loading import load_towers
from nearfield.notebook.evaluation import evaluate
from nearfield.notebook.id_vectors import IdVectors, unknown_ids

if TYPE_CHECKING:
    from embedding.runs.evaluate import EvaluateReport
    from embedding.towers.model import Towers


class Model:
    """A model folder that `nearfield train` wrote. torch is loaded when a vector is first asked for.

    Rows of files that are not taken go to `rejects/` of the data folder, texts that are encoded to its cache.
    """

    def __init__(self, folder: Path, settings: EmbeddingSettings) -> None:
        """Use `nearfield.open`."""
        self.folder = folder
        self.manifest: ModelManifest = read_manifest(folder)
        self._settings = settings

    def __repr__(self) -> str:
        features = ", ".join(self.manifest.config.features)
        return f"<Model {self.folder}: {self.manifest.dims}-d of {features}; split {self.manifest.split.name}>"

    def vectors(self, catalogue: Path | str) -> IdVectors:
        """Ids and unit vectors (N, D) of the rows of a catalogue, by the candidate tower; of rows that it was not
        trained with, too.

        Raises NotFoundError, RejectedInputError for a file that cannot be taken, EncoderMissingError, MismatchError
        for another text encoder than the model's.
        """
        from embedding.evaluation.tower_ranking import check_encoder

        ids: list[str] = []
        parts = [np.zeros((0, self.manifest.dims), np.float32)]
        with (
            open_text_vectors(self._settings, load_encoder, self._towers.reads_text) as texts,
            Rejects(self._settings.data_dir / "rejects" / "catalogue.jsonl") as rejects,
        ):
            check_encoder(self._towers, texts)
            for items in read_catalogue(Path(catalogue), rejects):
                ids += [item.id for item in items]
                parts.append(self._towers.encode_items(items, texts(items, lambda _: None)))
                rejects.accept(len(items))
            rejects.enforce(self._settings.max_reject_share)
        return IdVectors(ids, np.concatenate(parts))

    def user_vectors(
        self, catalogue: Path | str, interactions: Path | str, ids: Sequence[str] | None = None
    ) -> IdVectors:
        """Ids and unit vectors (U, D) of the listeners of interactions, or of `ids` among them: their newest items, as
        evaluation reads them, through the query tower.

        Raises what `vectors` raises, and NotFoundError for listeners who are not in the file.
        """
        from embedding.evaluation.tower_ranking import check_encoder
        from embedding.evaluation.tower_scorer import query_vectors
        from embedding.training.dataset import open_dataset

        settings, towers = self._settings, self._towers
        with (
            open_text_vectors(settings, load_encoder, towers.reads_text) as texts,
            open_dataset(
                Path(catalogue), Path(interactions), settings.data_dir, settings.max_reject_share, Reporter("none")
            ) as data,
        ):
            check_encoder(towers, texts)
            wanted = list(data.user_rows) if ids is None else list(ids)
            missing = [text for text in wanted if text not in data.user_rows]
            if missing:
                raise unknown_ids(missing, list(data.user_rows))
            users = np.array([data.user_rows[text] for text in wanted], np.int64)
            pairs = data.pairs.where(np.isin(data.pairs.users, users))
            mask = data.item_mask(pairs.items)
            heard = [towers.encode_items(items, texts(items, lambda _: None)) for items in data.items(mask)]
            vectors = np.concatenate([np.zeros((0, towers.dims), np.float32), *heard])
            rows = np.flatnonzero(mask)
        return IdVectors(wanted, query_vectors(towers.query, towers.manifest.config, pairs, users, rows, vectors))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), D) of texts as queries, in the space of `vectors`; UsageError for a model that was
        trained without text queries."""
        from embedding.evaluation.tower_ranking import check_encoder

        if isinstance(texts, str):
            raise UsageError(f"texts: expected a list of texts, came one text; put it in a list: [{texts[:40]!r}]")
        if not self._towers.reads_queries:
            raise UsageError(
                f"The model {self.folder} has learnt no text queries: train with text_query_weight above 0."
            )
        with open_text_vectors(self._settings, load_encoder, True) as encoder:
            check_encoder(self._towers, encoder)
            return np.stack([self._towers.encode_text(vector) for vector in encoder.of_queries(list(texts))])

    def evaluate(
        self,
        catalogue: Path | str,
        interactions: Path | str,
        *,
        test: Path | str | None = None,
        baselines: Sequence[str] = ("popularity",),
        against: Path | str | None = None,
    ) -> "EvaluateReport":
        """What `nearfield evaluate` prints, as an object: `metrics`, `baselines`, `slices`, `bias`, `p_values`.

        `test`: held-out interactions of your own, in place of those of the model's split; `baselines`: names of
        baselines for the same run, none for (); `against`: another model's folder to compare with, user by user.
        Warns of rows that were not taken, and of a model that may have been trained on `test`. Raises UsageError for a
        model that held nothing out when there is no `test`, or for another name of a baseline (it lists them);
        MismatchError for other data than the model's.
        """
        return evaluate(self.folder, self._settings, catalogue, interactions, test, baselines, against)

    @cached_property
    def _towers(self) -> "Towers":
        return load_towers(self.folder)
