"""What must hold before a release is finished, once the store holds every row: requests find what is there."""

from pathlib import Path

from embedding.progress import Reporter
from indexing.columns.columns import Columns
from indexing.doctor.plans_at_build import canaries, plans_at_build
from indexing.doctor.sampled_queries import K
from indexing.errors import GateError
from indexing.release.manifest import GateReport
from indexing.rules.declaration import RuleSet
from indexing.search.measured import MIN_RECALL
from indexing.stores.contract import VectorStore
from indexing.stores.words_check import rows_of_other_words

_CANARIES = 50


async def judge(
    folder: Path, dims: dict[str, int], store: VectorStore, rules: tuple[str, RuleSet], reporter: Reporter
) -> GateReport:
    """Ask for some points by their words, choose the plans under `rules` (version, rules), and ask for neighbours by
    them, under every shape.

    GateError says which number failed, and by how much.
    """
    columns = Columns(folder / "columns")
    rows = canaries(len(columns), _CANARIES)
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
    return GateReport(points_in_store=len(columns), canaries=len(rows), canary_recall=recall)
