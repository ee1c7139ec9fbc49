"""Item ids in paths: percent-encoded, so that an id may hold any character, a slash too."""

from urllib.parse import unquote

from litestar.types import Scope

from service.schemas.problems import invalid
from service.schemas.validation import shown

_PREFIX = b"/v1/items/"


def keep_escapes(scope: Scope) -> None:
    """Let the router see `/v1/items/a%2Fb` as it was sent: decoded, the id would fall into two segments."""
    raw: bytes | None = scope.get("raw_path")
    if raw is not None and b"%" in raw and raw.startswith(_PREFIX):
        scope["path"] = raw.split(b"?", 1)[0].decode("latin-1")


def item_id(segment: str) -> str:
    """The id that a segment of an address stands for; a 400 problem where its escapes are not UTF-8."""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid("id", "percent-encoded UTF-8", shown(segment)) from error
