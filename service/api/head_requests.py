"""HEAD: what GET is answered with, but for its body."""

from litestar.types import HTTPScope, Message, Send


def answer_as_get(scope: HTTPScope, send: Send) -> Send:
    """Let the router see GET where HEAD was asked; gives what sends the answer, without its body then.

    Where OPTIONS is asked, HEAD is told beside GET.
    """
    if scope["method"] == "OPTIONS":
        return _telling_head(send)
    if scope["method"] != "HEAD":
        return send
    scope["method"] = "GET"

    async def bodiless(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return bodiless


def with_head(allow: str) -> str:
    """The methods of a header `Allow`, HEAD among them where GET is."""
    methods = {method.strip() for method in allow.split(",")}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _telling_head(send: Send) -> Send:
    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, with_head(value.decode("latin-1")).encode("latin-1") if name == b"allow" else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return telling
