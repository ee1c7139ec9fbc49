"""What `nearfield index doctor` runs: the doctor over the store and the release that the settings name."""

from embedding.progress import Reporter
from embedding.towers.tower_loading import load_towers
from indexing.doctor.doctor import THOROUGH, Doctor
from indexing.doctor.examined import examined_in
from indexing.doctor.queries import seed_queries, with_listeners
from indexing.releases.releases import Releases
from indexing.rules.compiled import HardRules
from indexing.search.measured import MeasuredPlans, joined
from indexing.search.plans_file import write_plans
from indexing.settings import IndexingSettings
from indexing.state.open_both import open_both


async def doctor_from_settings(release_id: str | None, settings: IndexingSettings, reporter: Reporter) -> MeasuredPlans:
    """Measure a release (None: the live one) under the rules in force, and keep its plans unless the engine leaks.

    Raises ReleaseMissingError, NoLiveReleaseError, MismatchError or StoreError.
    """
    state, store = await open_both(settings)
    try:
        releases = Releases(settings.data_dir, store, state)
        release = releases.open(release_id or await releases.live_id())
        await release.check_collection(store)
        version, ruleset = await state.rules()
        at_s = int(await state.now())
        found = []
        for examined in examined_in(release.folder, release.manifest.dims):
            rules = HardRules(ruleset, version, examined.classes, store.prepare, examined.fields.share)
            queries = seed_queries(examined.columns, examined.dims, THOROUGH.queries)
            if release.model_folder is not None and "tower" in examined.dims:
                tower = load_towers(release.model_folder)
                queries = with_listeners(queries, tower, release.columns, release.users, at_s)
            found.append(await Doctor(examined, rules, store, queries).examine(at_s, THOROUGH, reporter))
        plans = joined(found)
        if not plans.leaks:
            write_plans(settings.data_dir, plans)
        return plans
    finally:
        await store.close()
        await state.close()
