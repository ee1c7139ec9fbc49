"""The picture of an evaluation: recall by k, the model against the baselines."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from embedding.evaluate_run import EvaluateReport

FILE = "recall.png"


def plot_recall(report: EvaluateReport, folder: Path) -> Path:
    """Write `folder/recall.png`; returns its path."""
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, values in {"towers": report.metrics, **report.baselines}.items():
        points = sorted((int(key.split("@")[1]), value) for key, value in values.items() if key.startswith("recall@"))
        axes.plot([k for k, _ in points], [value for _, value in points], marker="o", label=name)
    axes.set_xlabel("k")
    axes.set_ylabel("recall@k, mean over users")
    axes.set_ylim(bottom=0)
    axes.set_title(f"{report.counts.users:,} users, {report.counts.candidates:,} candidates")
    axes.grid(alpha=0.3)
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / FILE, dpi=120)
    return folder / FILE
