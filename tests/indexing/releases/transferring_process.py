"""A program that pushes or pulls a release and is killed on the way: DATA_DIR STORE push|pull RELEASE STAGE BYTES.

It dies in the stage named, once so many bytes were told of; it lives to its end when the stage never comes.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedding.progress import Advance, Reporter
from indexing.releases.pull import pull_release
from indexing.releases.push import push_release
from indexing.releases.workspace import Workspace
from tests.indexing.releases.stored_worlds import Host


class Deadly(Reporter):
    """Reports nothing; ends the process in the middle of the stage named."""

    def __init__(self, stage: str, num_bytes: int) -> None:
        super().__init__("none")
        self._deadly_stage, self._left = stage, num_bytes

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """Die inside the stage, when enough of it is done."""

        def count(steps: int) -> None:
            self._left -= steps
            if self._left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        with super().stage(name, total) as advance:
            yield count if name == self._deadly_stage else advance


def main(data_dir: Path, store: str, what: str, release_id: str, stage: str, num_bytes: int) -> None:
    """Push or pull until so many bytes of the stage are done."""
    reporter = Deadly(stage, num_bytes)

    async def work(workspace: Workspace) -> None:
        if what == "push":
            await push_release(workspace, release_id, reporter)
        else:
            await pull_release(workspace, release_id, reporter)

    Host(data_dir, store).work(work)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5], int(sys.argv[6]))
