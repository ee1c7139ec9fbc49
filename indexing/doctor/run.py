"""A visit of the doctor with the real parts that the settings name: what the command runs."""

import time

from embedding.progress import Reporter
from embedding.tower_loading import load_towers
from indexing.doctor.examine import THOROUGH, Doctor, Patient
from indexing.doctor.queries import seed_queries, with_listeners
from indexing.plans import Plans
from indexing.plans_file import write_plans
from indexing.releases import Releases
from indexing.rules.accepted import AcceptedRules
from indexing.rules.compiled import HardRules
from indexing.settings import IndexingSettings
from indexing.stores.open import open_store


async def doctor_from_settings(release_id: str | None, settings: IndexingSettings, reporter: Reporter) -> Plans:
    """Measure a release (None: the live one) under the rules in force, and keep its plans unless the engine leaks.

    Raises ReleaseMissingError, NoLiveReleaseError, MismatchError or StoreError.
    """
    store = open_store(settings)
    try:
        releases = Releases(settings.data_dir, store)
        release = releases.open(release_id or await releases.live_id())
        await release.check_collection(store)
        version, ruleset = AcceptedRules(settings.data_dir / "rules").current()
        rules = HardRules(ruleset, version, release.classes, store.prepare, release.share)
        patient = Patient(
            id=release.id,
            columns=release.columns,
            facts=release.facts,
            creators=release.creators,
            classes=release.classes,
            dims=release.manifest.dims,
        )
        at_s = int(time.time())
        queries = seed_queries(release.columns, patient.dims, THOROUGH.queries)
        if release.model_folder is not None:
            tower = load_towers(release.model_folder)
            queries = with_listeners(queries, tower, release.columns, release.users, at_s)
        plans = await Doctor(patient, rules, store, queries).examine(at_s, THOROUGH, reporter)
        if not plans.leaks:
            write_plans(settings.data_dir, plans)
        return plans
    finally:
        await store.close()
