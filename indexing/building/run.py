"""What `nearfield index build` runs: a build by the store, encoder, cache and journal that the settings name."""

from embedding.progress import Reporter
from embedding.settings import MINILM
from indexing.building.build import BuildDependencies, BuildInputs, build_release
from indexing.building.regression_gate import RegressionBounds
from indexing.release.manifest import Manifest
from indexing.releases.activation import activate as make_live
from indexing.releases.push import push_release
from indexing.releases.release_store import open_release_store
from indexing.releases.releases import NOBODY, Author
from indexing.releases.store_retention import prune_release_store
from indexing.releases.workspace import open_workspace
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
    author: Author = NOBODY,
) -> Manifest:
    """Build by the store, encoder and cache of the settings, live when asked, by `author`; `text` vectors or none.

    Where a release store is set, the release is sent there. Raises what `build_release`, `push_release` and `activate`
    raise; a release that could not be sent is finished, and not live.
    """
    stored = settings.release_store is not None
    if stored:
        # Told now, and not at the end of a long build, that it cannot be reached.
        open_release_store(settings).ids()
    async with open_workspace(settings) as workspace:
        version, ruleset = await workspace.state.rules()
        with workspace.texts(text) as texts:
            deps = BuildDependencies(
                data_dir=settings.data_dir,
                store=workspace.store,
                state=workspace.state,
                texts=texts,
                encoder=str(settings.encoder or MINILM),
                rules=(version, ruleset),
                extra_fields=declared_fields(ruleset, settings.rules),
                max_reject_share=settings.max_reject_share,
                reporter=reporter,
                bounds=RegressionBounds(settings.max_removed_share, settings.min_overlap),
                force=force,
            )
            manifest = await build_release(inputs, deps)
        if stored:
            # Before it goes live: from then on every host asks for it.
            await push_release(workspace, manifest.id, reporter)
        if activate:
            await make_live(workspace, manifest.id, author=author)
            if stored:
                await prune_release_store(workspace)
        return manifest
