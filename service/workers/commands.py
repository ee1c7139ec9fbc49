"""The command `nearfield serve`."""

import click
from msgspec.structs import replace

from service.schemas.settings import Settings

_pass_settings = click.make_pass_decorator(Settings)


@click.command()
@click.option("--host", help="Address to listen on. Off loopback it needs the setting open_queries = true.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer, over one release folder.")
@_pass_settings
def serve(settings: Settings, host: str | None, port: int | None, workers: int | None) -> None:
    """Answer over HTTP, and take up each release that is activated without failing a request.

    Ctrl-C or SIGTERM ends it: requests in flight are answered first.

    \b
    Example:
      nearfield serve --workers 2
    """
    # The server and the engine are not loaded for `nearfield --help`.
    from service.workers.serve_command import serve as run_service

    flags = {"host": host, "port": port, "workers": workers}
    run_service(replace(settings, **{name: value for name, value in flags.items() if value is not None}))
