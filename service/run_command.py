"""The command `nearfield run`: the whole way once, on made-up data, by the commands that a person would type."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from embedding.commands import sample, train
from embedding.errors import NearfieldError, UsageError
from embedding.interruption import goes_on
from embedding.progress import ProgressMode, progress_option
from indexing.commands import index as index_commands
from service.schemas.settings import Settings

SAMPLE = Path("sample")
CATALOGUE, INTERACTIONS = SAMPLE / "catalogue.jsonl", SAMPLE / "interactions.jsonl"
# One model to be measured, with a fifth of the pairs held out; one for going live, trained on everything.
MEASURED, LIVE = Path("models/common"), Path("models/live")

_pass_settings = click.make_pass_decorator(Settings)


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer.")
@progress_option
@_pass_settings
@click.pass_context
@goes_on("`nearfield run` begins again; the commands above can be typed by themselves, too.")
def run(
    context: click.Context,
    settings: Settings,
    host: str | None,
    port: int | None,
    workers: int | None,
    progress: ProgressMode,
) -> None:
    """Make sample data, train, build a release, serve it, and measure: everything once, in the working folder.

    Writes sample/, models/ and .nearfield/ there, and does all of it again when typed again.

    \b
    Example:
      nearfield run --port 9000
    """
    from embedding.sample.sample import DEFAULT_MARKET
    from service.workers.serve_command import listen, serve, worker_processes

    flags = {"host": host, "port": port, "workers": workers}
    settings = replace(settings, **{name: value for name, value in flags.items() if value is not None})
    # What would stop the last step is said before the first.
    listen(settings).close()
    _refuse_another_catalogue(settings)

    steps = _Steps(context, progress)
    data: dict[str, Any] = {"catalogue": CATALOGUE, "interactions": INTERACTIONS}
    options = f"--catalogue {CATALOGUE} --interactions {INTERACTIONS}"
    steps.take(f"sample {SAMPLE}", sample.sample, folder=SAMPLE)
    steps.take(f"train {options} --out {LIVE} --split none", train.train, out=LIVE, split="none", **data)
    # Their imports take longer than all else before a first answer: they are made beside the build. Not before: what
    # bounds the threads of workers holds for this process, too, unless it has loaded torch.
    processes = worker_processes(settings)
    processes.prepare()
    steps.take(
        f"index build {CATALOGUE} --model {LIVE} --interactions {INTERACTIONS} --activate",
        index_commands.build,
        model=LIVE,
        activate=True,
        **data,
    )
    steps.say("serve")
    market = settings.default_market or DEFAULT_MARKET
    measuring = _Beside(steps, (f"train {options} --out {MEASURED}", f"evaluate {MEASURED} {options}"))

    def answer(address: str) -> None:
        _say_curl(address, market)
        measuring.start()

    try:
        serve(replace(settings, default_market=market), answer, processes)
    finally:
        measuring.stop()
    if measuring.failed is not None:
        raise NearfieldError(f"The service answered, but `nearfield {measuring.failed}` failed; it said so above.")


class _Steps:
    """Says each command as a person would type it, then takes the same way as the command line does."""

    NUM = 6

    def __init__(self, context: click.Context, progress: ProgressMode) -> None:
        self._context = context
        self._progress = progress
        self._done = 0

    def say(self, line: str) -> None:
        self._done += 1
        click.echo(click.style(f"\n[{self._done}/{self.NUM}] nearfield {line}", bold=True))

    def take(self, line: str, command: click.Command, **arguments: Any) -> None:
        self.say(line)
        if any(parameter.name == "progress" for parameter in command.params):
            arguments["progress"] = self._progress
        self._context.invoke(command, **arguments)


class _Beside:
    """Commands that run one after the other in processes of their own, beside the service, and say what they found.

    They give way to it: nicer, and in as few threads as its workers. The terminal's Ctrl-C is not for them; `stop` is.
    """

    _PROGRAM = "from service.cli import main; main()"
    _NICE = ("nice", "-n", "10")

    def __init__(self, steps: "_Steps", lines: Sequence[str]) -> None:
        self._steps, self._lines = steps, lines
        self._thread = threading.Thread(target=self._run, name="measure", daemon=True)
        self._starting = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        self.failed: str | None = None
        """The command that did not end well by itself."""

    def start(self) -> None:
        """Begin with the first."""
        self._thread.start()

    def stop(self) -> None:
        """End what runs, and begin nothing more."""
        with self._starting:
            self._stopped = True
            if self._process is not None:
                self._process.terminate()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        for line in self._lines:
            with self._starting:
                if self._stopped:
                    return
                # -P: a folder of the same name where the command is typed is not the program's.
                words = (*self._NICE, sys.executable, "-P", "-c", self._PROGRAM, *line.split())
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    start_new_session=True,
                )
            said, _ = self._process.communicate()
            if self._stopped:
                return
            self._steps.say(line)
            click.echo(said, nl=False)
            if self._process.returncode:
                self.failed = line
                return


def _refuse_another_catalogue(settings: Settings) -> None:
    """UsageError where something is live that is not the sample, which the sample would replace."""
    if CATALOGUE.exists():
        return
    live = asyncio.run(_live_release(settings))
    if live is not None:
        raise UsageError(
            f"Release {live} is live here, and it is not the sample's: `nearfield run` would replace it. "
            "Type it in an empty folder, or serve what is here with `nearfield serve`."
        )


async def _live_release(settings: Settings) -> str | None:
    from indexing.state.open import open_state

    state = open_state(settings)
    try:
        return await state.live()
    finally:
        await state.close()


def _say_curl(address: str, market: str) -> None:
    item = _track_open_everywhere()
    click.echo(
        f"\nNearfield answers at http://{address}. The page to try it on: http://{address}/schema\n"
        "Paste this into another terminal:\n\n"
        f"  curl 'http://{address}/v1/items/{item}/similar?market={market}&limit=5'\n\n"
        "Ctrl-C stops it; `nearfield serve` starts it again."
    )


def _track_open_everywhere() -> str:
    """The first track of the sample that names no market, and so has neighbours to show in each."""
    with CATALOGUE.open("rb") as lines:
        rows = (msgspec.json.decode(line) for line in lines)
        return next(str(row["id"]) for row in rows if row["kind"] == "track" and "availability" not in row)
