"""What clients were told holds: the takedowns that were acknowledged, and what the log must still say of them."""

import time
from collections.abc import Collection, Iterable
from typing import Literal

from msgspec import Struct

from tests.postgres_server import PostgresServer

Kind = Literal["takedown", "lift"]


class Acknowledged:
    """The takedowns that hold by what clients were told, over time."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        # When the last lift of an item was sent: from then on it may be shown.
        self._lift_sent: dict[str, float] = {}
        self._last: dict[str, tuple[Kind, int]] = {}
        self._unsure: set[str] = set()
        self.num_changes = 0

    @property
    def taken_down(self) -> frozenset[str]:
        """What no answer that is asked for from now on may show, unless it is lifted meanwhile."""
        return frozenset(self._taken)

    @property
    def unsure(self) -> frozenset[str]:
        """Items of which a change was sent that nobody acknowledged: it may hold or not."""
        return frozenset(self._unsure)

    def sent(self, kind: Kind, item_id: str) -> None:
        """A change is about to be sent."""
        if kind == "lift":
            self._taken.discard(item_id)
            self._lift_sent[item_id] = time.monotonic()
        self._unsure.add(item_id)

    def acknowledge(self, kind: Kind, item_id: str, number: int) -> None:
        """A change was acknowledged under this number."""
        self.num_changes += 1
        self._unsure.discard(item_id)
        self._last[item_id] = kind, number
        if kind == "takedown":
            self._taken.add(item_id)

    def wrongly_shown(self, shown: Iterable[str], taken_down: Collection[str], asked_at: float) -> list[str]:
        """Items of an answer that were taken down when it was asked for (`taken_down`, at `asked_at`), and not lifted
        since."""
        return [one for one in shown if one in taken_down and self._lift_sent.get(one, asked_at) <= asked_at]

    def lost(self, records: Collection["LoggedTakedown"]) -> list[str]:
        """Acknowledged changes that the log does not have, in words."""
        logged = {record.item_id: record for record in records}
        lost = []
        for item_id, (kind, number) in self._last.items():
            if item_id in self._unsure:
                continue
            record = logged.get(item_id)
            came = "lift" if record is None else record.kind
            if came != kind or (kind == "takedown" and record is not None and record.number < number):
                lost.append(f"{kind} of {item_id}, number {number}: the log has {record}")
        return lost


class LoggedTakedown(Struct, frozen=True):
    """The last that the log says of an item."""

    item_id: str
    kind: str
    number: int


def logged_takedowns(server: PostgresServer) -> list[LoggedTakedown]:
    """Read from the database itself, past the product."""
    rows = server.execute("SELECT key, kind, number FROM nearfield.records WHERE key LIKE 'takedown:%'")
    return [LoggedTakedown(key.removeprefix("takedown:"), kind, number) for key, kind, number in rows]
