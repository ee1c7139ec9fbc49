"""A process that speaks a Qdrant server's gRPC for a few calls, so that it can be stopped, killed and started again.

    python -m tests.indexing.stores.standin_qdrant PORT [SLEEP_S]

Each search finds one row: the port. It takes SLEEP_S. In a collection with a name of `REFUSED` it is refused so.
It says `ready` when it listens.
"""

import asyncio
import sys
from typing import Any

import grpc.aio  # type: ignore[import-untyped]
from qdrant_client import grpc as qdrant

REFUSED = {
    "missing": grpc.StatusCode.NOT_FOUND,
    "forbidden": grpc.StatusCode.PERMISSION_DENIED,
    "broken": grpc.StatusCode.INTERNAL,
    "wrong": grpc.StatusCode.INVALID_ARGUMENT,
}


def answers(port: int, sleep_s: float) -> Any:
    """The calls that it knows, by service and method."""

    async def search(request: Any, context: Any) -> Any:
        await asyncio.sleep(sleep_s)
        code = REFUSED.get(request.collection_name.rpartition(".")[2])
        if code is not None:
            await context.abort(code, "as its name says")
        return qdrant.QueryResponse(result=[qdrant.ScoredPoint(id=qdrant.PointId(num=port), score=1.0)])

    async def listed(_: Any, __: Any) -> Any:
        return qdrant.ListCollectionsResponse()

    async def health(_: Any, __: Any) -> Any:
        return qdrant.HealthCheckReply(title="stand-in", version="1.19.0")

    def handler(call: Any, request: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=request.FromString, response_serializer=lambda answer: answer.SerializeToString()
        )

    return [
        grpc.method_handlers_generic_handler("qdrant.Points", {"Query": handler(search, qdrant.QueryPoints)}),
        grpc.method_handlers_generic_handler(
            "qdrant.Collections", {"List": handler(listed, qdrant.ListCollectionsRequest)}
        ),
        grpc.method_handlers_generic_handler(
            "qdrant.Qdrant", {"HealthCheck": handler(health, qdrant.HealthCheckRequest)}
        ),
    ]


async def serve(port: int, sleep_s: float) -> None:
    """Answer until killed; gRPC is on the port after `port`, as with the real one."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(answers(port, sleep_s))
    if not server.add_insecure_port(f"127.0.0.1:{port + 1}"):
        raise SystemExit(f"port {port + 1} is taken")
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
