"""What the application is made of; the composition root builds it, tests build their own."""

from collections.abc import Mapping

from msgspec import Struct

from indexing.journal.log import JournalLog
from indexing.releases import Releases
from indexing.rules.accepted import AcceptedRules
from indexing.stores.contract import VectorStore
from service.changes import MakePuts
from service.compactor import Compact
from service.cursors import Cursors
from service.encoder_gate import EncoderGate
from service.routes_releases import Activate
from service.served import ServedRelease
from service.settings import Settings


class Parts(Struct, frozen=True, kw_only=True):
    """Everything that `create_app` is handed; the application closes the store when it ends."""

    settings: Settings
    store: VectorStore
    live: ServedRelease
    # By id: the live one, the one before it where there is one, and the pinned ones.
    held: Mapping[str, ServedRelease]
    releases: Releases
    # Those in force when the held releases were opened, and every later switch.
    rules: AcceptedRules
    encoder: EncoderGate
    cursors: Cursors
    journal: JournalLog
    make_puts: MakePuts
    activate: Activate
    compact: Compact
