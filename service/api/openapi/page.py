"""The OpenAPI page `/schema`: Swagger UI from an installed package, so that it needs no network."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import Litestar, Response, Router, get
from litestar.connection import Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Server
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from service.schemas.problems import ProblemError
from service.schemas.validation import shown

_PATH = "/schema"
_ASSETS = f"{_PATH}/assets"
_FILES: Mapping[str, str] = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}

_DESCRIPTION = """
What is near this? Tracks and podcast episodes in one vector space, under the business's own rules.

Every query takes a `context` (market, time, explicit, languages, age, blocklists); every hit has passed the rules
for it. Failures are RFC 9457 problems: what was expected, what came, what to do.
"""


class _SchemaRouter(Router):
    """Litestar adds a page of its own for unknown addresses below `/schema`; here every failure is a problem."""

    def register(self, value: ControllerRouterHandler) -> list[object]:  # type: ignore[override]
        if isinstance(value, HTTPRouteHandler) and value.handler_name == "handle_schema_path_not_found":
            return []
        return list(super().register(value))


DocumentOf = Callable[[Litestar], dict[str, Any]]


class _Page(SwaggerRenderPlugin):
    """The page, with our own document in place of the framework's."""

    document_of: DocumentOf

    def render(self, request: Request[Any, Any, Any], _: dict[str, Any]) -> bytes:
        return super().render(request, self.document_of(request.app))


class _Json(JsonRenderPlugin):
    """The document itself."""

    document_of: DocumentOf

    def render(self, request: Request[Any, Any, Any], _: dict[str, Any]) -> bytes:
        return super().render(request, self.document_of(request.app))


def openapi_config(document_of: DocumentOf, root_path: str) -> OpenAPIConfig:
    """The description of the API, and its page: `document_of` gives the document of an application, which clients find
    below `root_path` (`""`: at the top)."""
    assets = root_path + _ASSETS
    page = _Page(
        path="/",
        js_url=f"{assets}/swagger-ui-bundle.js",
        css_url=f"{assets}/swagger-ui.css",
        standalone_preset_js_url=f"{assets}/swagger-ui-standalone-preset.js",
        favicon=f"<link rel='icon' type='image/png' href='{assets}/favicon-32x32.png'>",
    )
    json = _Json()
    page.document_of = json.document_of = document_of
    return OpenAPIConfig(
        title="Nearfield",
        version="1",
        description=_DESCRIPTION.strip(),
        servers=[Server(url=root_path or "/")],
        use_handler_docstrings=True,
        render_plugins=[page, json],
        # As a person would call it from a program.
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        openapi_router=_SchemaRouter(_PATH, route_handlers=[], include_in_schema=False, opt={"scope": "docs"}),
    )


@get(f"{_ASSETS}/{{name:str}}", include_in_schema=False, opt={"scope": "docs"})
async def page_asset(name: FromPath[str]) -> Response[bytes]:
    """One of the files that the page is made of."""
    if name not in _FILES:
        raise ProblemError("unknown-route", f"{_ASSETS} has {', '.join(_FILES)}; not {shown(name)}.")
    content = (_package_folder() / name).read_bytes()
    return Response(content, media_type=_FILES[name], headers={"Cache-Control": "public, max-age=86400"})


@get("/", include_in_schema=False, opt={"scope": "docs"}, status_code=307)
async def to_the_page(request: Request[Any, Any, Any]) -> Redirect:
    """Whoever opens the service in a browser comes to the page."""
    return Redirect(f"{request.scope['root_path']}{_PATH}", status_code=307)


def _package_folder() -> Path:
    """Where swagger-ui-py keeps the files; the package itself would load a template engine when imported."""
    spec = find_spec("swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("The page needs the package swagger-ui-py: `pip install swagger-ui-py`.")
    return Path(spec.submodule_search_locations[0]) / "static"
