"""An open loop: requests leave when they are due, whether those before them were answered or not.

A closed loop asks less of a service that is slow, and so hides its tail; here a request's time counts from the moment
at which it was due (Tene's "coordinated omission").
"""

import asyncio
import random
import time

_MOST_CONNECTIONS = 64
_HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"


def latencies_ms(port: int, path: str, bodies: list[bytes], *, per_second: float, seconds: float) -> list[float]:
    """Milliseconds from when each request was due to the end of its answer; requests are due at random, as many in a
    second as given on average (a Poisson process). Raises RuntimeError for an answer that is no 200."""
    requests = [_HEAD.format(path=path, length=len(body)).encode() + body for body in bodies]
    return asyncio.run(_Loop(port, requests).run(per_second, seconds))


class _Loop:
    def __init__(self, port: int, requests: list[bytes]) -> None:
        self._port, self._requests = port, requests
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._free = asyncio.Semaphore(_MOST_CONNECTIONS)
        self._taken: list[float] = []

    async def run(self, per_second: float, seconds: float) -> list[float]:
        dice = random.Random(0)
        due = start = time.perf_counter()
        async with asyncio.TaskGroup() as asked:
            number = 0
            while due < start + seconds:
                due += dice.expovariate(per_second)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                asked.create_task(self._ask(self._requests[number % len(self._requests)], due))
                number += 1
        for _, writer in self._idle:
            writer.close()
        return self._taken

    async def _ask(self, request: bytes, due: float) -> None:
        async with self._free:
            reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            if b" 200 " not in head[:20]:
                raise RuntimeError(f"expected 200, came {head[:60]!r}")
            self._taken.append((time.perf_counter() - due) * 1000)
            self._idle.append((reader, writer))
