"""A plot of a search report: each measure by mode, with its interval."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from service.evaluation.asking import SearchReport
from service.evaluation.measures import MEASURES

_DPI = 120


def draw_plots(report: SearchReport, folder: Path) -> list[Path]:
    """Write `search.png` into `folder`; returns its path, alone."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    step = 0.7 / len(report.modes)
    for order, (mode, means) in enumerate(report.modes.items()):
        places = [place + step * (order - (len(report.modes) - 1) / 2) for place in range(len(MEASURES))]
        told = [means[measure] for measure in MEASURES]
        reach = [[one.mean - one.low for one in told], [one.high - one.mean for one in told]]
        axes.errorbar(places, [one.mean for one in told], yerr=reach, fmt="o", capsize=3, label=mode)
    axes.set_xticks(range(len(MEASURES)), MEASURES)
    axes.set_ylim(0, 1)
    axes.set_ylabel("mean over questions, 95 % intervals")
    axes.set_title(f"{report.questions:,} questions")
    axes.grid(alpha=0.3)
    axes.legend()
    path = folder / "search.png"
    figure.savefig(path, dpi=_DPI)
    return [path]
