"""A small release is scanned from its columns; for what the engine may do wrong, tests have it asked."""

from pathlib import Path

from msgspec.structs import replace

from indexing.search.measured import BANDS, Shape
from indexing.search.plans_file import read_plans, write_plans
from indexing.stores.contract import SearchParams

_SPACES = {"tower", "text"}


def ask_the_engine(data_dir: Path) -> None:
    """From now on the engine answers every shape of each release in `data_dir`.

    A build on a busy machine may have measured few of them: one with all conditions stands for the rest of its band.
    """
    for path in (data_dir / "plans").glob("*/*.json"):
        plans = read_plans(data_dir, path.parent.name, path.stem)
        assert plans is not None
        assert plans.shapes
        shapes = [
            replace(report, chosen=replace(report.chosen, plan=SearchParams(exact=True))) for report in plans.shapes
        ]
        spaces = {report.shape.using for report in shapes}
        every = tuple(sorted({field for report in shapes for field in report.shape.fields}))
        known = {report.shape for report in shapes}
        stand_in = [
            Shape(using=using, fields=every, band=band)
            for using in sorted(spaces | (_SPACES if spaces & _SPACES else set()))
            for band in BANDS
        ]
        shapes += [replace(shapes[0], shape=shape) for shape in stand_in if shape not in known]
        write_plans(data_dir, replace(plans, shapes=tuple(shapes)))
