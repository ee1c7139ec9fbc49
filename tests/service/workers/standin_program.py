"""`nearfield serve` over the stand-in application.

python -m tests.service.standin_program FOLDER PORT WORKERS PATIENCE_S {spawned|forked}
"""

import sys
from contextlib import closing, nullcontext
from pathlib import Path

from msgspec.structs import replace

from embedding.errors import NearfieldError
from service.workers.listeners import Listeners
from service.workers.live_watch import LiveWatch, Seen, Told
from service.workers.log_lines import configure_logging
from service.workers.pace import Pace
from service.workers.processes import WorkerProcesses
from service.workers.program import Program
from service.workers.supervisor import Supervisor
from tests.service.workers import standin_app


def main(folder: Path, port: int, num_workers: int, patience_s: float, *, forked: bool) -> None:
    """Serve until told to stop; a line `ready` on stdout when all workers answer."""
    configure_logging()

    def look(_told: Told) -> Seen:
        live = (folder / "live").read_text()
        return Seen(live, live)

    with (
        closing(Listeners("127.0.0.1", port, num_workers)) as listeners,
        closing(LiveWatch(lambda: nullcontext(look), 0.02)) as watch,
    ):
        Supervisor(
            listeners,
            Program(factory="tests.service.workers.standin_app:build_app", environ={standin_app.FOLDER: str(folder)}),
            watch,
            lambda release: print("ready", release, flush=True),
            replace(Pace(), patience_s=patience_s, retry_s=0.5, steady_s=0.2 if forked else 3_600),
            WorkerProcesses(["tests.service.workers.standin_app"]),
        ).run()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), forked=sys.argv[5] == "forked")
    except NearfieldError as error:
        sys.exit(str(error))
