"""The judge of one input: nothing but the product's own errors, within a bound of time, and no row lost."""

import shutil
import time
import traceback
from pathlib import Path

from msgspec import Struct

from tests.fuzz.reader import FuzzReader

# Of the processor: what else the machine does is no fault of the reader.
MAX_S = 2.0
_ROOT = str(Path(__file__).parents[2])


class Finding(Struct):
    """A fault: `kind` and `place` tell it from others, `data` is the smallest input that shows it."""

    reader: str
    kind: str
    place: str
    message: str
    data: bytes

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same fault as another."""
        return self.reader, self.kind, self.place


def judged(reader: FuzzReader, data: bytes, folder: Path) -> tuple[Finding | None, bool]:
    """What is wrong with how `reader` takes `data`, and whether it took it without an error; `folder` is emptied."""
    started_s = time.process_time()
    taken = True
    try:
        reader.read(data, folder)
    except reader.errors as error:
        taken = False
        if not str(error).strip():
            return Finding(reader.name, "an error without words", _place(error), type(error).__name__, data), False
    # A panic of an engine is no Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        message = "".join(traceback.format_exception(error))
        return Finding(reader.name, type(error).__name__, _place(error), message, data), False
    finally:
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    taken_s = time.process_time() - started_s
    if taken_s > MAX_S:
        return Finding(reader.name, "slow", "", f"{taken_s:.1f} s of the processor, {len(data):,} bytes", data), taken
    return None, taken


def _place(error: BaseException) -> str:
    """The innermost line of this repository in the traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_ROOT)]
    frame = (ours or list(frames))[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
