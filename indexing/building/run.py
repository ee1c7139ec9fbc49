"""A build with the real parts that the settings name: what the command runs."""

from embedding.progress import Reporter
from indexing.building.build import BuildInputs, Workshop, build_release
from indexing.building.gate_live import Keeps
from indexing.release.manifest import Manifest
from indexing.releases.switch import activate as make_live
from indexing.releases.workplace import open_workplace
from indexing.rules.accepted import AcceptedRules
from indexing.rules.payload_fields import declared_fields
from indexing.settings import IndexingSettings


async def build_from_settings(
    inputs: BuildInputs,
    settings: IndexingSettings,
    reporter: Reporter,
    *,
    activate: bool,
    force: bool = False,
    text: bool = True,
) -> Manifest:
    """Build by the store, encoder and cache of the settings; live when asked; `text` vectors or none."""
    async with open_workplace(settings) as place:
        version, ruleset = AcceptedRules(settings.data_dir / "rules").current()
        with place.texts(text) as texts:
            shop = Workshop(
                data_dir=settings.data_dir,
                store=place.store,
                journal=place.journal,
                texts=texts,
                rules_version=version,
                extra_fields=declared_fields(ruleset, settings.rules),
                max_reject_share=settings.max_reject_share,
                reporter=reporter,
                keeps=Keeps(settings.max_removed_share, settings.min_overlap),
                force=force,
            )
            manifest = await build_release(inputs, shop)
        if activate:
            await make_live(place, manifest.id)
        return manifest
