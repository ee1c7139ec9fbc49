"""Plots of an evaluation: recall by k, recall by slice, and bias, the model against the baselines."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from embedding.runs.evaluate import EvaluateReport

_DPI = 120
_BIASES = ("coverage", "gini", "popularity", "popularity_overlap", "cold")


def draw_plots(report: EvaluateReport, folder: Path) -> list[Path]:
    """Write `recall.png`, `slices.png` and `bias.png` into `folder`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    num_slices = len(report.slices["towers"])
    return [
        _draw(folder / "recall.png", (6.4, 4.4), lambda axes: _recall(report, axes)),
        _draw(folder / "slices.png", (8.0, 1.6 + 0.32 * num_slices), lambda axes: _slices(report, axes)),
        _draw(folder / "bias.png", (7.2, 4.4), lambda axes: _bias(report, axes)),
    ]


def _draw(path: Path, size: tuple[float, float], draw: Callable[[Axes], None]) -> Path:
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    draw(axes)
    axes.grid(alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=_DPI)
    return path


def _recall(report: EvaluateReport, axes: Axes) -> None:
    for name, values in {"towers": report.metrics, **report.baselines}.items():
        points = sorted((int(key.split("@")[1]), value) for key, value in values.items() if key.startswith("recall@"))
        axes.plot([k for k, _ in points], [value for _, value in points], marker="o", label=name)
    axes.set_xlabel("k")
    axes.set_ylabel("recall@k, mean over users")
    axes.set_ylim(bottom=0)
    axes.set_title(f"{report.counts.users:,} users, {report.counts.candidates:,} candidates")


def _slices(report: EvaluateReport, axes: Axes) -> None:
    labels = list(report.slices["towers"])
    step = 0.7 / len(report.slices)
    for order, (name, parts) in enumerate(report.slices.items()):
        places = [row + step * (order - (len(report.slices) - 1) / 2) for row in range(len(labels))]
        recalls = [parts[label].recall for label in labels]
        # One user alone has no interval.
        reach = [0.0 if part.users == 1 else part.high - part.recall for part in map(parts.__getitem__, labels)]
        axes.errorbar(recalls, places, xerr=reach, fmt="o", markersize=4, linewidth=1, label=name)
    axes.set_yticks(range(len(labels)), [f"{label} ({report.slices['towers'][label].pairs:,})" for label in labels])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("recall@20, 95 % intervals over users (held-out pairs in brackets)")


def _bias(report: EvaluateReport, axes: Axes) -> None:
    width = 0.8 / len(report.bias)
    for order, (name, bias) in enumerate(report.bias.items()):
        places = [place + width * (order - (len(report.bias) - 1) / 2) for place in range(len(_BIASES))]
        axes.bar(places, [getattr(bias, key) for key in _BIASES], width, label=name)
    axes.set_xticks(range(len(_BIASES)), [key.replace("_", "\n") for key in _BIASES])
    axes.set_ylim(0, 1)
    axes.set_title("first 20 places of all lists")
