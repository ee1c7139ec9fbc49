"""What must hold before a release is finished: every row is in the store, and requests find what is there."""

from pathlib import Path

from embedding.progress import Reporter
from indexing.columns.columns import Columns
from indexing.doctor.plans_at_build import canaries, plans_at_build
from indexing.doctor.sampled_queries import K
from indexing.errors import GateError
from indexing.release.manifest import GateReport
from indexing.release.passages import Passages, passages_collection
from indexing.rules.declaration import RuleSet
from indexing.search.measured import MIN_RECALL
from indexing.stores.contract import VectorStore
from indexing.stores.words_check import rows_of_other_words

_CANARIES = 50


async def judge(
    folder: Path, dims: dict[str, int], store: VectorStore, rules: tuple[str, RuleSet], reporter: Reporter
) -> GateReport:
    """Count the points, choose the plans under `rules` (version, rules), and ask for the neighbours of some points by
    them, under every shape.

    Before that, for the same points by their words.

    GateError says which number failed, and by how much.
    """
    columns = Columns(folder / "columns")
    count = await _counted(folder.name, len(columns), "rows were accepted", store)
    passages = Passages.of(folder, columns)
    if passages is not None:
        await _counted(passages_collection(folder.name), len(passages), "passages were cut", store)
    rows = canaries(count, _CANARIES)
    wrong = await rows_of_other_words(store, folder.name, columns.words, rows.tolist())
    if wrong:
        raise GateError(
            f"{len(wrong)} of {len(rows)} canary rows, {wrong[:5]} first, were not found by their own words, or with "
            "another score than their words give. The live release stays as it is."
        )
    plans = await plans_at_build(folder, dims, _CANARIES, store, rules, reporter)
    recall = min(report.chosen.recall for report in plans.shapes)
    if recall < MIN_RECALL:
        raise GateError(
            f"Recall@{K} of {len(rows)} canary queries is {recall:.3f}, at least {MIN_RECALL} is needed, "
            f"{MIN_RECALL - recall:.3f} more. The live release stays as it is."
        )
    return GateReport(points_in_store=count, canaries=len(rows), canary_recall=recall)


async def _counted(collection: str, expected: int, told: str, store: VectorStore) -> int:
    count = await store.count(collection)
    if count != expected:
        raise GateError(f"{expected} {told}, but the store holds {count} points. Build again.")
    return count
