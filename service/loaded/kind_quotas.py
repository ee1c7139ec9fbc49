"""Kind quotas: which kinds a request ranks apart, and how many of each, by its mix or by what the tower learnt."""

from collections.abc import Set
from typing import Any, get_args

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from embedding.rows.schema import Kind
from indexing.filters.algebra import Equals
from indexing.journal.current_rows import CurrentRows
from indexing.rules.context import RequestContext
from service.schemas.problems import invalid
from service.schemas.requests import Mix
from service.schemas.validation import shown

KINDS: tuple[Kind, ...] = get_args(Kind)


class KindQuota(Struct, frozen=True):
    """What is ranked by itself: a context, the only `kind` in it (None: not told apart), its quota among the parts."""

    context: RequestContext
    kind: Kind | None = None
    quota: int = 1


def are_of_kind(current: CurrentRows, rows: NDArray[np.int64], kind: Kind) -> NDArray[np.bool_]:
    """(R,) which of `rows` (R,) are of a kind."""
    combinations = current.release.rule_combinations
    own = rows < current.num_own
    told = np.empty(len(rows), np.bool_)
    told[own] = combinations.among(rows[own], combinations.mask(Equals("kind", kind)))
    told[~own] = [current.payload(row).kind == kind for row in rows[~own].tolist()]
    return told


def liked_kinds(
    current: CurrentRows, rows: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]]
) -> dict[Kind, float]:
    """The kinds of those of `rows` (R,) that have a weight above 0 in `weights` (R,), or of all where none has, each
    with how much its rows weigh."""
    liked = weights > 0
    if liked.any():
        rows, weights = rows[liked], weights[liked]
    weights = np.abs(weights)
    if not current.new.payloads:
        return current.release.rule_combinations.sums_by_kind(rows, weights)
    own = rows < current.num_own
    found = current.release.rule_combinations.sums_by_kind(rows[own], weights[own])
    for row, weight in zip(rows[~own].tolist(), weights[~own].tolist(), strict=True):
        kind = current.payload(row).kind
        found[kind] = found.get(kind, 0.0) + weight
    return found


def kind_of(current: CurrentRows, row: int) -> Kind:
    """The kind of a row."""
    if row < current.num_own:
        return current.release.rule_combinations.of_row(row).kind
    return current.payload(row).kind


class KindQuotas:
    """The kinds of one release, and whether one query can rank them together."""

    def __init__(self, rows: CurrentRows) -> None:
        release, manifest = rows.release, rows.release.manifest
        self._rows = rows
        counts = {"track": manifest.counts.tracks, "episode": manifest.counts.episodes}
        self._there = {kind for kind in KINDS if counts[kind]}
        self._num_looked_at = 0
        self.joined = any(set(pair) == set(KINDS) for pair in manifest.crossing)
        """Whether the model saw likes of both kinds together."""
        noted = {kind for pair in manifest.crossing for kind in pair}
        self.learnt = frozenset(kind for kind in KINDS if kind in noted or not noted)
        """Kinds of which the tower has seen likes; all, where the model is from before that was noted."""
        self.crosses = release.space == "text" or self.joined or not release.has_text
        """Whether one vector answers for both kinds: that of a text, or of a tower that has seen users of both."""

    def narrowed_to(self, context: RequestContext, kinds: Set[Kind]) -> RequestContext:
        """The context for these kinds alone; as it is where there are no others."""
        return context if self._present() <= kinds else replace(context, kinds=frozenset(kinds))

    @property
    def all_learnt(self) -> bool:
        """Whether the tower has seen likes of every kind that there is."""
        return self.crosses or self._present() <= self.learnt

    def in_tower(self, kind: Kind | None) -> bool:
        """Whether the tower can find items of a kind (None: of all that a part has)."""
        return kind is None or self.crosses or kind in self.learnt

    def of(self, context: RequestContext, mix: Mix | None, *, together: bool = False) -> list[KindQuota]:
        """The quotas of a request, one where a single ranking will do, as it will where kinds rank `together`."""
        if together:
            return [KindQuota(context)]
        if mix is not None:
            quotas = {kind: getattr(mix, kind) for kind in KINDS if getattr(mix, kind)}
            return [self._quota(context, kind, quota) for kind, quota in quotas.items()]
        if self.crosses:
            return [KindQuota(context)]
        there = self._present()
        if len(there) < len(KINDS):
            # Of a kind that the tower knows nothing of, the texts tell.
            return [KindQuota(context, None if there <= self.learnt else next(iter(there)))]
        return [self._quota(context, kind, 1) for kind in KINDS if context.kinds is None or kind in context.kinds]

    def _quota(self, context: RequestContext, kind: Kind, quota: int) -> KindQuota:
        return KindQuota(replace(context, kinds=frozenset({kind})), kind, quota)

    def _present(self) -> set[Kind]:
        """The kinds that there are; the journal may bring another."""
        payloads = self._rows.new.payloads
        while len(self._there) < len(KINDS) and self._num_looked_at < len(payloads):
            self._there.add(payloads[self._num_looked_at].kind)
            self._num_looked_at += 1
        return self._there


def narrowed(context: RequestContext, mix: Mix | None) -> RequestContext:
    """The context with the kinds of the mix alone; a 400 problem for a mix of none, or of kinds that it leaves out."""
    if mix is None:
        return context
    kinds = {kind for kind in KINDS if getattr(mix, kind)}
    if not kinds:
        raise invalid("mix", "a number above 0 for track or for episode", shown(mix))
    if context.kinds is not None and not kinds <= context.kinds:
        raise invalid("mix", f"no other kinds than those of `kinds`: {', '.join(sorted(context.kinds))}", shown(mix))
    return replace(context, kinds=frozenset(kinds))
