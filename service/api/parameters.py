"""Query parameters of a route: a name that it does not declare, or one given twice, is refused."""

from collections import Counter
from typing import Annotated, Any
from urllib.parse import parse_qsl

from litestar.connection import Request
from litestar.enums import ParamType
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg, QueryParameter

from service.schemas.problems import FieldError, invalid_fields
from service.schemas.validation import shorten, unknown_name

Why = Annotated[str, QueryParameter(max_length=1_000, description="Kept with the change, beside who made it.")]


async def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Runs before each handler; a 400 problem that names every parameter at fault."""
    query = request.scope["query_string"]
    if not query:
        return
    given = Counter(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    known = _declared(request.route_handler)
    errors = [unknown_name(name, known, name) for name in given if name not in known]
    errors += [
        FieldError(shorten(name), "the parameter once; lists are written with commas", f"{times} times")
        for name, times in given.items()
        if name in known and times > 1
    ]
    if errors:
        raise invalid_fields(tuple(errors))


def _declared(handler: BaseRouteHandler) -> list[str]:
    return [
        field.kwarg_definition.name or name
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, ParameterKwarg) and field.kwarg_definition.param_type is ParamType.QUERY
    ]
