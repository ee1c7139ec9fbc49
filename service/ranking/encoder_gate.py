"""The text encoder in a worker: loaded beside the service, waited for, its vectors of queries cached."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from embedding.errors import EncoderMissingError, NearfieldError
from embedding.protocols import TextEncoder
from indexing.stores.answer_budget import open_budget
from service.schemas.problems import ProblemError

_log = logging.getLogger("nearfield.service")

T = TypeVar("T")
EncoderState = Literal["loading", "ready", "absent"]
# 16,384 vectors of 384 float32 are 25 MB.
_CACHED_TEXTS = 16_384
_RETRY_S = 5


class NoEncoderNeededError(EncoderMissingError):
    """The release has no text vectors, so that no encoder is missed."""


class EncoderGate:
    """Loads the encoder in a thread of its own and encodes in another, so that neither holds the event loop."""

    def __init__(self, load: Callable[[], TextEncoder], wait_s: float) -> None:
        self._load = load
        self._wait_s = wait_s
        self._encoder: TextEncoder | None = None
        self._reason: str | None = None
        # Done when loading has ended, well or not.
        self._settled: Future[None] = Future()
        self._started = False
        self._encoding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode")
        self._cache: LRUCache[str, NDArray[np.float32]] = LRUCache(_CACHED_TEXTS)

    @property
    def state(self) -> EncoderState:
        """What `/health/ready` shows."""
        if self._encoder is not None:
            return "ready"
        return "absent" if self._settled.done() else "loading"

    @property
    def reason(self) -> str | None:
        """Why there is no encoder, None unless the state is `absent`."""
        return self._reason

    def start(self) -> None:
        """Begin to load, as the first question does otherwise; a second call does nothing."""
        if not self._started:
            self._started = True
            # A daemon, so that a worker that is asked to stop does not wait for an import.
            threading.Thread(target=self._run, name="load-encoder", daemon=True).start()

    def load_now(self) -> None:
        """Load and return when that is done, whether an encoder came of it or not."""
        self.start()
        self._settled.result()

    def close(self) -> None:
        """Take no more texts."""
        self._encoding.shutdown(wait=False, cancel_futures=True)

    def known(self, text: str) -> NDArray[np.float32] | None:
        """Unit vector (dims,) of a text that was encoded lately."""
        return self._cache.get(text)

    async def vector(self, text: str) -> NDArray[np.float32]:
        """Unit vector (dims,) of a text; a 503 problem when no encoder comes within `encoder_wait_s`."""
        known = self.known(text)
        if known is not None:
            return known
        vector: NDArray[np.float32] = (await self.run(lambda encoder: encoder.encode_queries([text])))[0]
        self._cache[text] = vector
        return vector

    async def run(self, work: Callable[[TextEncoder], T]) -> T:
        """What `work` makes with the encoder, in its thread; a 503 problem when none comes within `encoder_wait_s`."""
        encoder = await self._wait()
        return await asyncio.get_running_loop().run_in_executor(self._encoding, work, encoder)

    async def _wait(self) -> TextEncoder:
        self.start()
        if not self._settled.done():
            await asyncio.wait([asyncio.wrap_future(self._settled)], timeout=self._wait_s)
            if (budget := open_budget()) is not None:
                # This wait has a limit of its own; what is to come has its full time.
                budget.restart()
        if self._encoder is not None:
            return self._encoder
        if self._settled.done():
            raise ProblemError(
                "encoder-absent", "Text search needs a text encoder, and none could be loaded; /health/ready tells why."
            )
        raise ProblemError(
            "encoder-loading",
            f"The text encoder was not ready within {self._wait_s:g} s. Try again; "
            "/health/ready shows `encoder: ready` when it is.",
            headers={"Retry-After": str(_RETRY_S)},
        )

    def _run(self) -> None:
        try:
            self._encoder = self._load()
        except NoEncoderNeededError as error:
            self._reason = str(error)
            _log.info("no text encoder is loaded: %s", error)
        except NearfieldError as error:
            self._reason = str(error)
            _log.error("there is no text encoder: %s", error)
        except BaseException as error:
            self._reason = f"{type(error).__name__} while loading; the log tells more"
            _log.error("the text encoder could not be loaded", exc_info=error)
        finally:
            self._settled.set_result(None)
