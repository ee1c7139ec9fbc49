"""What is done with every request before it is routed: where the service stands, HEAD, CORS and gzip of answers."""

from collections.abc import Collection

from litestar.types import HTTPScope, Send

from service.api.compressed_answers import compressing
from service.api.cors import Cors
from service.api.head_requests import answer_as_get
from service.api.item_paths import keep_escapes


class Entrance:
    """Of one application; clients find it below `root_path`, which a proxy takes off (`""`: at the top)."""

    def __init__(self, root_path: str, cors_origins: Collection[str]) -> None:
        self._root_path = root_path
        self._cors = Cors(cors_origins) if cors_origins else None

    async def enter(self, scope: HTTPScope, send: Send) -> Send | None:
        """What the router is to send its answer by, in `scope` as it is to see it; None where all is answered."""
        keep_escapes(scope)
        scope["root_path"] = self._root_path
        if self._root_path:
            # An ASGI path has the root in it, and the router takes it off again.
            scope["path"] = self._root_path + scope["path"]
        if self._cors is not None:
            preflight = self._cors.preflight(scope)
            if preflight is not None:
                await send({"type": "http.response.start", "status": 204, "headers": preflight})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return None
            send = self._cors.allowing(scope, send)
        return compressing(scope, answer_as_get(scope, send))
