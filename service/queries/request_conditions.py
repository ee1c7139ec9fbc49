"""The request's own `filter` and `switches`, read against the rules and the fields of the release."""

from msgspec.structs import replace

from indexing.errors import PostedFilterError
from indexing.filters.algebra import Filter, fields_of
from indexing.filters.posted import Posted
from indexing.payload.payload import extra_of
from indexing.rules.context import RequestContext
from indexing.rules.payload_fields import needs_build
from service.loaded.loaded_release import LoadedRelease
from service.schemas.problems import ProblemError, invalid, invalid_fields
from service.schemas.requests import Selection
from service.schemas.validation import shown, unknown_name


class RequestConditions:
    """Reads the conditions of requests to one release under one set of rules."""

    def __init__(self, loaded: LoadedRelease) -> None:
        self._ruleset = loaded.rules.ruleset
        self._manifest = loaded.release.manifest
        self._posted = Posted({name: extra.type for name, extra in self._ruleset.extra.items()})

    def added(self, query: Selection, context: RequestContext) -> RequestContext:
        """The context with what the request asks besides.

        A 400 problem for a filter or a switch that makes no sense, a 409 problem for a field that the release lacks.
        """
        if query.filter is None and not query.switches:
            return context
        for name in query.switches:
            if name not in self._ruleset.switches:
                declared = sorted(self._ruleset.switches)
                if not declared:
                    raise invalid("switches", "none: the rules declare no switch", shown(name))
                raise invalid_fields((unknown_name(name, declared, f"switches.{name}"),))
        where = None if query.filter is None else self._filter(query)
        return replace(context, filter=where, switches=self._ruleset.hard_switches(query.switches))

    def _filter(self, query: Selection) -> Filter:
        try:
            where = self._posted.read(query.filter)
        except PostedFilterError as error:
            raise invalid(error.field, error.expected, shown(error.came)) from error
        for field in sorted(fields_of(where)):
            if extra_of(field) is not None and field not in self._manifest.extra_fields:
                raise ProblemError("release-without-field", f"{needs_build(field, self._manifest)}.")
        return where
