"""Messages between the supervisor and a worker, over their pipe.

main ── Answer ──▶ worker      replay these queries, then begin to answer
main ── Recall ──▶ worker      say which queries came lately
main ── Refused ─▶ worker      why a newer release could not be taken up, or None when that is over
main ── Leave ───▶ worker      finish what is in flight and end; a closed pipe means the same
main ◀── Loaded ── worker      the application stands and waits for Answer
main ◀── Answering worker      connections are accepted
main ◀── Recent ── worker      queries that came lately
main ◀── Failed ── worker      the application could not start; the process ends
"""

from msgspec import Struct

from service.workers.asgi_call import PastRequest


class Answer(Struct, frozen=True):
    """Begin to accept connections, once `queries` were replayed."""

    queries: tuple[PastRequest, ...] = ()


class Recall(Struct, frozen=True):
    """Say which queries came lately."""


class Refused(Struct, frozen=True):
    """Why fresh workers could not take over; None when they have since, or need not."""

    reason: str | None


class Leave(Struct, frozen=True):
    """Take no new connection, give clients `patience_s` to go by themselves, finish every request, end.

    `for_good`: nobody accepts after this worker, so new connections are to be refused instead of left waiting.
    """

    patience_s: float
    for_good: bool


class Loaded(Struct, frozen=True):
    """The application has started."""


class Answering(Struct, frozen=True):
    """The server accepts connections."""


class Recent(Struct, frozen=True):
    """Queries that came lately, oldest first."""

    queries: tuple[PastRequest, ...]


class Failed(Struct, frozen=True):
    """The application could not start; `reason` is for a person."""

    reason: str


Order = Answer | Recall | Refused | Leave
Report = Loaded | Answering | Recent | Failed
