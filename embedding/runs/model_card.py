"""The model card: what a model was made of, how good it is for whom, and where not to trust it, as Markdown.

After Mitchell et al., "Model cards for model reporting", FAT* 2019. It is written beside the manifest and is no part of
the model's hash.
"""

from collections.abc import Iterable, Sequence

import msgspec

from embedding.evaluation.results import POPULARITY, TOWERS, EvaluationResults
from embedding.towers.model_folder import ModelManifest

_LIMITS = (
    "What nobody has heard is found by what it shares with what was heard: creators, tags, text, where those are "
    "features.",
    "The figures speak of users like those of the data, on that day: held-out pairs show what people found with "
    "what they had, not what they would have liked.",
    "Popular items are found more easily, and are shown more often; the bias panel says how much.",
    "A tower's vectors mean nothing to another model, nor to an index built from another.",
)


def model_card(manifest: ModelManifest, results: EvaluationResults | None, losses: Sequence[float]) -> str:
    """The card of a finished model; `results` on its own held-out pairs, None where it held nothing out."""
    parts = [
        f"# Model {manifest.hash[:12]}",
        f"Two towers of {manifest.dims} dims: a listening history becomes a query, a catalogue row a candidate, and "
        "their dot product says how well they fit. For finding tracks and episodes for a user, or near others; "
        "not for judging people, nor for anything that their listening should not decide.",
        "## Data",
        _table(("what", "how much, or which"), _data(manifest)),
        "## How good it is",
        *(_results(results) if results is not None else [_nothing_held_out(manifest)]),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(manifest)),
        "## Config",
        _table(("key", "value"), [(f"`{key}`", f"`{_shown(value)}`") for key, value in _config(manifest)]),
        *_came_about(manifest, losses),
        "## Environment",
        _table(("what", "version"), [("device", manifest.device), *sorted(manifest.libraries.items())]),
        "## Hashes",
        _table(
            ("file", "SHA-256"),
            [("the model as a whole", f"`{manifest.hash}`")]
            + [(f"`{name}`", f"`{digest}`") for name, digest in manifest.files.items()],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _data(manifest: ModelManifest) -> Iterable[tuple[str, str]]:
    counts = manifest.counts
    used = [field for field in manifest.input_fields if field != "id"]
    yield "liked pairs", f"{counts.pairs:,}"
    yield "skips", f"{counts.skips:,}"
    yield "users", f"{counts.users:,}"
    yield "items with a row of their own", f"{counts.items:,}"
    yield "fingerprint of all interactions", f"`{manifest.fingerprint}`"
    cut_s = manifest.split.cut_s
    yield "split", manifest.split.name if cut_s is None else f"{manifest.split.name}, at {cut_s:.0f} s since 1970"
    together = (" with ".join(f"{kind}s" for kind in pair) for pair in manifest.crossing)
    yield "kinds that one user likes together", ", ".join(together) or "not noted"
    if manifest.shortened_from is not None:
        yield "cut from", f"`{manifest.shortened_from}`"
    yield "begun with the weights of", "none" if manifest.warm_start is None else f"`{manifest.warm_start}`"
    yield "item fields read, beside the id and the text encoder's", ", ".join(used) or "none"
    yield "text encoder", "none" if manifest.encoder_hash is None else f"`{manifest.encoder_hash}`"


def _results(results: EvaluationResults) -> Iterable[str]:
    names = list(results.bias)
    values = {TOWERS: results.metrics, **results.baselines}
    yield (
        "Every candidate ranked for every user with held-out pairs; what they trained with is left out. Brackets "
        "hold 95 % intervals of the mean over users."
    )
    yield _table(
        ("metric", *names),
        [
            (f"`{key}`", *(_with_interval(values[name][key], *results.intervals[name][key]) for name in names))
            for key in results.metrics
        ],
    )
    if POPULARITY in results.p_values:
        p_value = results.p_values[POPULARITY]["recall@20"]
        yield f"Chance alone would set recall@20 as far from popularity's with probability {p_value:.4f} (paired test)."
    yield "### By slice, recall@20"
    rows = []
    for label, part in results.slices[TOWERS].items():
        beside = (results.slices[name][label] for name in names)
        rows.append((label, f"{part.pairs:,}", *(_with_interval(one.recall, one.low, one.high) for one in beside)))
    yield _table(("slice", "held-out pairs", *names), rows)
    yield "### Bias: what the first 20 places of all lists hold"
    keys = results.bias[TOWERS].__struct_fields__
    rows = [(key.replace("_", " "), *(f"{getattr(results.bias[name], key):.3f}" for name in names)) for key in keys]
    yield _table(("", *names), rows)
    yield (
        "Coverage: share of the candidates in some list. Gini: 0 where all are shown as often. Popularity: share of "
        "the candidates that are less popular, .5 by chance. Popularity overlap: what popularity shows to the same "
        "user. Cold: items without a training pair."
    )


def _came_about(manifest: ModelManifest, losses: Sequence[float]) -> Iterable[str]:
    if losses:
        yield (
            f"Mean loss of the first epoch {losses[0]:.4f}, of the last {losses[-1]:.4f}; the weights are those of "
            f"epoch {manifest.epochs}."
        )


def _nothing_held_out(manifest: ModelManifest) -> str:
    if manifest.shortened_from is not None:
        how = "`--test` on pairs that neither has seen" if manifest.split.name == "none" else "`--against` that model"
        return (
            f"Cut to {manifest.dims} dims from the model `{manifest.shortened_from}`; it has no figures of its own. "
            f"`nearfield evaluate` with {how} shows what the cut costs."
        )
    if manifest.split.name == "none":
        return (
            "Nothing was held out (`--split none`), so it has no figures of its own: those of a model with the same "
            "config and `--split common` stand for it, or `nearfield evaluate --test` on pairs that it has not seen."
        )
    return "The split left no pair to test on."


def _limits(manifest: ModelManifest) -> Iterable[str]:
    yield from _LIMITS
    if not any(one != other for one, other in manifest.crossing):
        yield "No user liked both tracks and episodes: it knows nothing of crossing from one to the other."
    if "text" not in manifest.config.features:
        yield "It reads no text."
    if "id" not in manifest.config.features:
        yield "Items that share all features share one vector."


def _config(manifest: ModelManifest) -> Iterable[tuple[str, object]]:
    return msgspec.structs.asdict(manifest.config).items()


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _with_interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.3f}" if high == float("inf") else f"{mean:.3f} ({low:.3f} to {high:.3f})"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))
