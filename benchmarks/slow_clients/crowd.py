"""A crowd of slow clients: a third sends half a body and stays, a third a byte a second, a third says nothing.

    python -m benchmarks.slow_clients.crowd PORT CLIENTS

Whoever is closed comes again. They go when their stdin ends.
"""

import asyncio
import resource
import sys
from contextlib import suppress

# Other addresses than those that honest clients come from.
_ADDRESSES = [f"127.0.1.{number}" for number in range(1, 251)]
_HEAD = b"POST /v1/similar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
_HALF = b'{"seeds": [' + b" " * 50_000
# A client that is turned away does not come again at once.
_PAUSE_S = 1.0


async def _client(port: int, number: int) -> None:
    while True:
        with suppress(OSError):
            await _stay(port, number)
        await asyncio.sleep(_PAUSE_S)


async def _stay(port: int, number: int) -> None:
    """From connecting until the service has closed the connection."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(_ADDRESSES[number % len(_ADDRESSES)], 0)
    )
    dripping = None
    try:
        kind = number % 3
        if kind < 2:
            writer.write(_HEAD + (_HALF if kind == 0 else b""))
        if kind == 1:
            dripping = asyncio.create_task(_drip(writer))
        await reader.read()
    finally:
        if dripping is not None:
            dripping.cancel()
        writer.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b" ")
        await asyncio.sleep(1)


async def main(port: int, num: int) -> None:
    """Be `num` clients until stdin ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    clients = [asyncio.create_task(_client(port, number)) for number in range(num)]
    await asyncio.to_thread(sys.stdin.read)
    for client in clients:
        client.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
