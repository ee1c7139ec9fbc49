"""Whose the collections of a prefix are: each bears the id of the state that it was made under.

A collection without the mark was made by an older version, and counts as this state's own.
"""

from collections.abc import Collection

from qdrant_client import AsyncQdrantClient

from indexing.errors import CollectionMissingError, EngineAwayError, StoreError
from indexing.stores.server_errors import ask

_STATE, _ATTEMPT = "state", "attempt"


class PrefixOwner:
    """The collections of `prefix` and their marks, for the state `state_id`; None makes and reads no marks."""

    def __init__(self, client: AsyncQdrantClient, prefix: str, state_id: str | None) -> None:
        self._client, self._prefix, self._state_id = client, prefix, state_id
        # A mark is set when a collection is made, and never again.
        self._states: dict[str, str | None] = {}

    def mark(self, attempt: str) -> dict[str, str]:
        """The metadata of a collection that is made now, by this attempt."""
        state = {} if self._state_id is None else {_STATE: self._state_id}
        return state | {_ATTEMPT: attempt}

    async def made_by(self, name: str, attempt: str) -> bool:
        """Whether the collection is there, and was made by this attempt."""
        try:
            return (await self._metadata(name)).get(_ATTEMPT) == attempt
        except CollectionMissingError:
            return False

    async def names(self) -> list[str]:
        """Full names of the prefix's collections, sorted; StoreError when one of them is another state's."""
        answer = await ask(self._client.get_collections(), "list collections")
        names = sorted(found.name for found in answer.collections if found.name.startswith(f"{self._prefix}."))
        self._states = {name: state for name, state in self._states.items() if name in names}
        if self._state_id is None:
            return names
        for name in names:
            other = await self._state(name)
            if other not in (None, self._state_id):
                raise StoreError(
                    f"a prefix belongs to one state: collection {name} was made under state {other}, this is state "
                    f"{self._state_id}. Give each state a qdrant_prefix of its own, or, where state {other} is no "
                    "longer in use, delete its collections on the server"
                )
        return names

    def own(self, names: Collection[str]) -> list[str]:
        """Those of `names`, as `names` gave them, that bear this state's mark."""
        return [name for name in names if self._state_id is not None and self._states.get(name) == self._state_id]

    async def _state(self, name: str) -> str | None:
        if name not in self._states:
            try:
                self._states[name] = (await self._metadata(name)).get(_STATE)
            except CollectionMissingError:
                # It was dropped since it was listed.
                return None
            except StoreError as error:
                # Its nodes are away: no reason to refuse the others, whose marks say the same.
                if not isinstance(error, EngineAwayError):
                    raise
                return None
        return self._states[name]

    async def _metadata(self, name: str) -> dict[str, str]:
        info = await ask(self._client.get_collection(name), f"look at collection {name}")
        return info.config.metadata or {}
