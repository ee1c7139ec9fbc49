"""The dependencies of the application: the composition root makes them, tests make their own."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from indexing.releases.releases import Releases
from indexing.state.contract import StateStore
from indexing.stores.contract import VectorStore
from service.api.routes_releases import Activate
from service.changes.changes import MakePuts
from service.changes.compactor import Compact
from service.changes.following import Following, Held
from service.loaded.loaded_release import LoadedRelease
from service.queries.cursors import Cursors
from service.ranking.encoder_gate import EncoderGate
from service.schemas.settings import Settings


class Dependencies(Struct, frozen=True, kw_only=True):
    """Everything that `create_app` is handed; the application closes store and state when it ends."""

    settings: Settings
    store: VectorStore
    live: LoadedRelease
    # By id: the live one, the one before it where there is one, and the pinned ones.
    held: Mapping[str, LoadedRelease]
    releases: Releases
    encoder: EncoderGate
    # Of held releases whose text vectors are another encoder's, by its hash; loaded when one is first asked.
    other_encoders: Mapping[str, EncoderGate] = {}
    cursors: Cursors
    # Seconds since 1970, the same for all hosts.
    now: Callable[[], float]
    state: StateStore
    # How this worker keeps up with the state.
    follow: Callable[[Held], Following]
    make_puts: MakePuts
    activate: Activate
    compact: Compact
