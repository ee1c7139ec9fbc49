"""Opening a hunt: catalogue rows, the rules in force, and the service or the releases of this folder."""

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar
from msgspec import Struct

from embedding.errors import NearfieldError, UsageError
from embedding.progress import Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects, default_rejects_path
from embedding.rows.schema import Item
from indexing.state.open import open_state
from indexing.stores.contract import VectorStore
from service.hunt.compiled import Compiled
from service.hunt.hunting import Hunt, Quarry, hunt
from service.hunt.plain_rules import PlainRules
from service.hunt.tally import Tally
from service.loaded.loaded_release import LoadedRelease
from service.queries.context import ContextDefaults
from service.schemas.settings import Settings
from service.workers.products import AtAddress, InProcess, running

if TYPE_CHECKING:
    from service.workers.asgi import App


class HuntedService(Struct, frozen=True, kw_only=True):
    """A service in this process, as its composition root hands it in."""

    app: Litestar
    store: VectorStore
    live: LoadedRelease
    held: Mapping[str, LoadedRelease]
    load_encoder: Callable[[], None]


def hunt_from_settings(
    catalogue: Path,
    settings: Settings,
    open_service: Callable[[], HuntedService],
    *,
    url: str | None,
    release: str | None,
    rules_file: Path | None,
    pairs: int,
    seed: int,
    reporter: Reporter,
) -> Hunt:
    """Read, open, hunt.

    Raises what hunting.hunt raises, UsageError for a rules file that is no TOML, and RejectedInputError where too many
    rows are bad.
    """
    items = _read(catalogue, settings, reporter)
    rules = PlainRules(_table(_accepted(settings) if rules_file is None else rules_file.read_bytes()))
    tally = Tally()
    if url is not None:
        quarry = Quarry(AtAddress(url), rules, items, release, None)
        return asyncio.run(hunt(quarry, tally, pairs=pairs, seed=seed, reporter=reporter))
    # Outside of any loop: it asks the store which release is live in one of its own.
    service = open_service()

    async def in_process() -> Hunt:
        async with running(service.app):
            if service.live.release.has_text:
                await asyncio.to_thread(service.load_encoder)
            held = release or service.live.release.id
            if held not in service.held:
                raise NearfieldError(
                    f"release {held} is not among those that a worker holds ({', '.join(service.held)}): "
                    "name it in the setting pinned_releases"
                )
            defaults = ContextDefaults(settings.default_market, settings.default_explicit)
            compiled = Compiled(service.store, service.held[held], defaults, rules, tally)
            quarry = Quarry(InProcess(cast("App", service.app)), rules, items, release, compiled)
            return await hunt(quarry, tally, pairs=pairs, seed=seed, reporter=reporter)

    with asyncio.Runner() as runner:
        return runner.run(in_process())


def _read(catalogue: Path, settings: Settings, reporter: Reporter) -> list[Item]:
    """The good rows, as a build takes them."""
    items: list[Item] = []
    with (
        Rejects(default_rejects_path(settings.data_dir, catalogue)) as rejects,
        reporter.stage("read the catalogue") as advance,
    ):
        for batch in read_catalogue(catalogue, rejects):
            items += batch
            advance(len(batch))
    rejects.enforce(settings.max_reject_share)
    return items


def _table(data: bytes) -> dict[str, Any]:
    """What a rules file says, read apart from the product."""
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--rules: expected a rules file in TOML, and it cannot be read as that: {error}") from None


def _accepted(settings: Settings) -> bytes:
    """The accepted rules; nothing where none ever were, and the packaged rules hold, which say nothing."""

    async def ask() -> bytes:
        state = open_state(settings)
        try:
            return await state.rules_data() or b""
        finally:
            await state.close()

    return asyncio.run(ask())
