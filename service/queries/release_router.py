"""The release router: which loaded release answers a query, under the rules that are in force.

It is answered under the rules that are in force when it comes.
"""

import logging
from collections.abc import Callable, Mapping

from embedding.errors import NearfieldError
from indexing.errors import ReleaseMissingError, RulesError
from indexing.releases.releases import Releases
from indexing.rules.declaration import RuleSet
from indexing.rules.payload_fields import check_payload_fields
from indexing.search.plans_file import measured_at
from service.loaded.loaded_release import LoadedRelease
from service.queries.cursors import Cursors, expired
from service.queries.pipeline import Pipeline
from service.schemas.problems import ProblemError
from service.schemas.requests import Paged, Selection

_log = logging.getLogger("nearfield.service")


class ReleaseRouter:
    """The pipelines of every release that this worker holds, under one rule set; a query loads nothing.

    A pipeline belongs to its rules: others in force mean other pipelines, so that a request in flight ends under those
    that it began with, with all that was worked out for them.
    """

    def __init__(
        self,
        live: LoadedRelease,
        held: Mapping[str, LoadedRelease],
        *,
        make_pipeline: Callable[[LoadedRelease], Pipeline],
        releases: Releases,
        cursors: Cursors,
    ) -> None:
        """`held`: the releases that this worker holds, by id, `live` among them; `make_pipeline` opens one of them."""
        self._make_pipeline = make_pipeline
        self._releases = releases
        self._cursors = cursors
        self._measured_at: dict[str, int | None] = {}
        self._live_id = live.release.id
        self._loaded = dict(held)
        self._held = {release_id: self._opened(loaded) for release_id, loaded in self._loaded.items()}
        # Releases that the rules in force cannot be asked of, and why.
        self._unfit: dict[str, str] = {}
        self.rules_version = live.rules.version
        """The rules in force."""
        self.rules_trouble: str | None = None
        """Why rules that were accepted are not in force here."""

    @property
    def live(self) -> Pipeline:
        """The pipeline of the live release."""
        return self._held[self._live_id]

    def of(self, query: Selection) -> Pipeline:
        """The pipeline of the release that `query` names, of the one that its cursor was given for, or the live one.

        A 404 problem where there is no such release, a 409 problem where this worker does not hold it, a 400 or 410
        problem for a cursor that is not one or no longer holds.
        """
        release_id = query.release
        if isinstance(query, Paged) and query.cursor is not None:
            begun_on = self._cursors.take(query.cursor).release
            if begun_on not in self._held:
                raise expired(f"release {begun_on}, which it was given for, is no longer held")
            release_id = release_id or begun_on
        if release_id is None:
            return self.live
        held = self._held.get(release_id)
        if held is not None:
            return held
        if release_id in self._unfit:
            raise ProblemError("release-without-field", self._unfit[release_id])
        try:
            self._releases.manifest(release_id)
        except ReleaseMissingError as error:
            raise ProblemError("unknown-release", str(error)) from error
        raise ProblemError(
            "release-not-loaded",
            f"Release {release_id} is there, but not held by the workers, which hold {', '.join(self.held)}. "
            "Add it to the setting pinned_releases and start the service again.",
        )

    @property
    def live_release(self) -> LoadedRelease:
        """The live release as it is loaded."""
        return self._loaded[self._live_id]

    @property
    def loaded(self) -> Mapping[str, LoadedRelease]:
        """All releases that are held, by id."""
        return self._loaded

    def replace(self, loaded: Mapping[str, LoadedRelease]) -> None:
        """Answer from these from now on: the same releases, with the log applied anew."""
        self._loaded = dict(loaded)
        self._held = {release_id: self._opened(one) for release_id, one in loaded.items() if release_id in self._held}

    def go_live(self, release: str) -> None:
        """Answer from this release where a request names none, if it is held; else the one before goes on."""
        if release in self._held:
            self._live_id = release

    def obey(self, fresh_rules: Callable[[], tuple[str, RuleSet] | None]) -> None:
        """Go by the rules that were accepted since the last call, where any were: they hold from the next request on.
        Where those cannot be read, the ones before stay, and `rules_trouble` says so."""
        try:
            fresh = fresh_rules()
            if fresh is not None:
                self._change(*fresh)
                self.rules_trouble = None
        except Exception as error:
            # Whatever it is, it is told once and comes up again with the next switch, not with each request.
            self.rules_trouble = f"{error} Rules {self.rules_version} stay in force here."
            _log.error("%s", self.rules_trouble, exc_info=not isinstance(error, NearfieldError))

    def _change(self, version: str, ruleset: RuleSet) -> None:
        if version == self.rules_version:
            return
        loaded = {release_id: loaded.under(ruleset, version) for release_id, loaded in self._loaded.items()}
        unfit: dict[str, str] = {}
        for release_id, one in loaded.items():
            try:
                check_payload_fields(ruleset, one.release.manifest)
            except RulesError as error:
                if release_id == self._live_id:
                    raise
                unfit[release_id] = str(error)
                _log.error("Release %s does not answer under rules %s: %s", release_id, version, error)
        held = {release_id: self._opened(one) for release_id, one in loaded.items() if release_id not in unfit}
        self._loaded, self._held, self._unfit = loaded, held, unfit
        _log.info("Rules %s are in force, in place of %s", version, self.rules_version)
        self.rules_version = version

    def take_up_plans(self) -> None:
        """Go by what the doctor measured since the last call."""
        for release_id in self._held:
            loaded = self._loaded[release_id]
            if self._plans_of(loaded) != self._measured_at[release_id]:
                self._held[release_id] = self._opened(loaded)

    def _opened(self, loaded: LoadedRelease) -> Pipeline:
        # Before they are read: what is written meanwhile differs at the next look.
        self._measured_at[loaded.release.id] = self._plans_of(loaded)
        return self._make_pipeline(loaded)

    def _plans_of(self, loaded: LoadedRelease) -> int | None:
        return measured_at(self._releases.data_dir, loaded.release.id, loaded.rules.version)

    def let_go(self, release_id: str) -> None:
        """Hold a release no longer; never the live one."""
        self._held.pop(release_id, None)
        del self._loaded[release_id]

    @property
    def held(self) -> tuple[str, ...]:
        """Releases that a query may name, oldest first."""
        return tuple(sorted(self._held))

    @property
    def leaks(self) -> int:
        """Hits that the re-check stopped, on all releases."""
        return sum(loaded.leaks.num for loaded in self._loaded.values())

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes of requests came that the doctor never measured under these rules, on all releases."""
        return sum(pipeline.tools.rankings.unmeasured_shapes for pipeline in self._held.values())
