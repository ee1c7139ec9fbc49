"""A plot of what the doctor measured: the p99 of every plan tried for each shape, and what was chosen."""

from itertools import cycle
from pathlib import Path

from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from indexing.doctor.report import always, band_name
from indexing.search.measured import MIN_RECALL, SLOW_MS, MeasuredPlans
from indexing.search.plans.registry import plan_name


def plot_plans(plans: MeasuredPlans, file: Path) -> None:
    """Write `file` (its suffix says in which format): p99 of every plan tried, a row for each shape."""
    figure = Figure(figsize=(9.6, 1.8 + 0.24 * len(plans.shapes)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    names = list(dict.fromkeys(plan_name(tried.plan) for report in plans.shapes for tried in report.tried))
    # More plans than the ten colours that are the usual ones.
    colours = colormaps["tab20"].colors  # type: ignore[attr-defined]
    for name, colour in zip(names, cycle(colours), strict=False):
        for enough in (True, False):
            points = [
                (tried.p99_ms, row)
                for row, report in enumerate(plans.shapes)
                for tried in report.tried
                if plan_name(tried.plan) == name and tried.enough == enough
            ]
            axes.scatter(
                [p99_ms for p99_ms, _ in points],
                [row for _, row in points],
                color=colour,
                facecolors=colour if enough else "none",
                label=name if enough else None,
                zorder=2,
            )
    chosen = [report.chosen.p99_ms for report in plans.shapes]
    axes.scatter(chosen, range(len(chosen)), s=140, facecolors="none", edgecolors="black", label="chosen", zorder=3)
    axes.axvline(SLOW_MS, color="grey", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel(f"p99, ms (hollow: given up, or recall@10 not surely {MIN_RECALL})")
    common = always(plans)
    labels = [
        " ".join((report.shape.using, *(name for name in report.shape.fields if name not in common)))
        + f", {band_name(report.shape.band)}"
        for report in plans.shapes
    ]
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.set_title(f"{plans.release} under rules {plans.rules_version}")
    figure.legend(loc="outside lower center", ncols=5, fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
