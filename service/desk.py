"""Which release a query is answered from: the one it names, if this worker holds it, or else the live one."""

from indexing.errors import ReleaseMissingError
from service.parts import Parts
from service.problems import ProblemError
from service.queries import Queries


class Desk:
    """The queries of every release that this worker holds; a query loads nothing."""

    def __init__(self, parts: Parts) -> None:
        self._releases = parts.releases
        self._held = {release_id: Queries(parts, served) for release_id, served in parts.held.items()}
        self.live = self._held[parts.live.release.id]

    def of(self, release_id: str | None) -> Queries:
        """The queries of a release, None for the live one.

        A 404 problem where there is no such release, a 409 problem where this worker does not hold it.
        """
        if release_id is None:
            return self.live
        held = self._held.get(release_id)
        if held is not None:
            return held
        try:
            self._releases.manifest(release_id)
        except ReleaseMissingError as error:
            raise ProblemError("unknown-release", str(error)) from error
        raise ProblemError(
            "release-not-loaded",
            f"Release {release_id} is there, but not held by the workers, which hold {', '.join(self.held)}. "
            "Add it to the setting pinned_releases and start the service again.",
        )

    def let_go(self, release_id: str) -> None:
        """Hold a release no longer; never the live one."""
        del self._held[release_id]

    @property
    def held(self) -> tuple[str, ...]:
        """Releases that a query may name, oldest first."""
        return tuple(sorted(self._held))

    @property
    def leaks(self) -> int:
        """Hits that the re-check stopped, on all releases."""
        return sum(queries.retriever.leaks for queries in self._held.values())

    @property
    def unmeasured_shapes(self) -> int:
        """How many shapes of requests came that the doctor never measured, on all releases."""
        return sum(queries.retriever.unmeasured_shapes for queries in self._held.values())
