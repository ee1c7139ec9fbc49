"""Where measured plans are kept: beside the releases, as what was measured is no part of what was built.

data_dir/plans/RELEASE/RULES_VERSION.json
"""

import logging
import shutil
from pathlib import Path

import msgspec

from embedding.durable_files import write_durably
from embedding.errors import DamagedError
from indexing.search.measured import MeasuredPlans
from indexing.search.plan_table import PlanTable
from indexing.search.plans.registry import PLANS

_log = logging.getLogger("nearfield.indexing")


def write_plans(data_dir: Path, plans: MeasuredPlans) -> Path:
    """Put `plans` in place of what was measured for their release and rules before; the file's path."""
    path = _path(data_dir, plans.release, plans.rules_version)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, msgspec.json.format(msgspec.json.encode(plans), indent=1))
    return path


def read_plans(data_dir: Path, release: str, rules_version: str) -> MeasuredPlans | None:
    """What was measured for a release under these rules, None when nothing was; DamagedError for a broken file."""
    path = _path(data_dir, release, rules_version)
    return _read(path) if path.is_file() else None


def measured_at(data_dir: Path, release: str, rules_version: str) -> int | None:
    """When the doctor last wrote plans for a release under these rules, by the clock of its file; None for never."""
    try:
        return _path(data_dir, release, rules_version).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def plan_table(data_dir: Path, release: str, rules_version: str) -> PlanTable:
    """The plans to serve by. Rules that are new since the doctor came take those of the rules before.

    A broken file is logged and counts as none: a service answers exactly, and slower, rather than not at all.
    """
    paths = [_path(data_dir, release, rules_version)]
    others = [path for path in paths[0].parent.glob("*.json") if path != paths[0]]
    paths += sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in paths:
        if path.is_file():
            try:
                return PlanTable(_read(path).shapes, outdated=path != paths[0])
            except DamagedError as error:
                _log.error("%s", error)
    return PlanTable(())


def forget_plans(data_dir: Path, release: str) -> None:
    """Remove what was measured for a release that is no more."""
    shutil.rmtree(data_dir / "plans" / release, ignore_errors=True)


def _read(path: Path) -> MeasuredPlans:
    try:
        plans = msgspec.json.decode(path.read_bytes(), type=MeasuredPlans)
        chosen = (report.chosen.plan for report in plans.shapes)
        unknown = {plan for plan in chosen if isinstance(plan, str) and plan not in PLANS}
        if unknown:
            raise ValueError(f"no plan is called {sorted(unknown)[0]!r} here")
    except ValueError as error:
        raise DamagedError(
            f"{path} should hold what `nearfield index doctor` measured, and cannot be read as that: {error}. "
            f"Measure again with `nearfield index doctor {path.parent.name}`."
        ) from error
    if (plans.release, plans.rules_version) != (path.parent.name, path.stem):
        raise DamagedError(
            f"{path} should be of release {path.parent.name} under rules {path.stem}, it is of {plans.release} under "
            f"{plans.rules_version}. Measure again with `nearfield index doctor {path.parent.name}`."
        )
    return plans


def _path(data_dir: Path, release: str, rules_version: str) -> Path:
    return data_dir / "plans" / release / f"{rules_version}.json"
