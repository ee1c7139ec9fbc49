"""A run of `nearfield adapt`: the text encoder fine-tuned on a catalogue's texts, and its gain on other creators."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from embedding.durable_files import new_folder
from embedding.errors import RejectedInputError, UsageError
from embedding.progress import Reporter
from embedding.protocols import Vectors
from embedding.rows.catalogue import read_catalogue
from embedding.rows.rejects import Rejects
from embedding.rows.schema import Item
from embedding.runs.fine_tune import encode_texts, fine_tune, load_model, model_prompts
from embedding.runs.text_pairs import TextPair, is_held_out, sample_evenly, title_pair, training_pairs
from embedding.settings import EmbeddingSettings
from embedding.text.encoder_folder import find_encoder
from embedding.text.encoder_hub import fetched_encoder
from embedding.training.device import DeviceName, find_device

# Most held-out pairs of one creator and of one language, and the fewest of a language on which recall is measured.
_PER_CREATOR, _PER_LANGUAGE, _LEAST_PAIRS = 10, 500, 20
_RECALL_K = 10


class AdaptRequest(Struct, frozen=True, kw_only=True):
    """Which catalogue to learn from, where the adapted encoder goes, and on how many pairs (`sample_evenly`)."""

    catalogue: Path
    out: Path
    pairs: int = 24_000
    epochs: int = 2
    seed: int = 0
    device: DeviceName = "auto"


class LanguageGain(Struct, frozen=True, kw_only=True):
    """recall@10 of finding a held-out item's text by its title among those of its language, before and after."""

    language: str
    pairs: int
    before: float
    after: float


class AdaptReport(Struct, frozen=True, kw_only=True):
    """Hashes of the encoder before and after, pairs trained on, and the gain on held-out creators by language."""

    base: str
    hash: str
    pairs: int
    held_out: tuple[LanguageGain, ...]
    rejects: dict[str, int]


def run_adaptation(request: AdaptRequest, settings: EmbeddingSettings, reporter: Reporter) -> AdaptReport:
    """Fine-tune the encoder that `settings` name, or the packaged one, and write it to `out` as a folder of its own.

    All items of one creator (one show) in five are held out. Raises UsageError for an out folder that holds something
    else, or where a library is missing; RejectedInputError where the catalogue has no two texts that belong together;
    EncoderMissingError.
    """
    _check_out(request.out)
    device = find_device(request.device).type
    base = find_encoder(fetched_encoder(settings.encoder, settings.vector_cache_dir))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with Rejects(settings.data_dir / "rejects" / "catalogue.jsonl") as rejects:
        training, tests = _read(request, _items(request.catalogue, rejects, reporter))
        rejects.enforce(settings.max_reject_share)
        rejected = {str(rejects.path): rejects.rejected} if rejects.rejected else {}
    if len(training) < 2:
        raise RejectedInputError(
            f"{request.catalogue} has {len(training)} pairs of texts that belong together; two or more are needed: "
            "items whose `text` says 80 characters more than their title, of creators that are not held out (one in "
            "five is)."
        )
    model = load_model(base.path, device)
    before = _recalls(model, tests, reporter, "before")
    fine_tune(model, training, request.epochs, request.seed, device, reporter)
    after = _recalls(model, tests, reporter, "after")
    with new_folder(request.out) as fresh:
        model.save(str(fresh), create_model_card=False)
    gains = (
        LanguageGain(language=language, pairs=len(tests[language]), before=before[language], after=after[language])
        for language in sorted(tests, key=lambda language: -len(tests[language]))
    )
    return AdaptReport(
        base=base.hash,
        hash=find_encoder(request.out).hash,
        pairs=len(training),
        held_out=tuple(gains),
        rejects=rejected,
    )


def _check_out(out: Path) -> None:
    if out.exists() and not (out / "modules.json").is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(
            f"--out {out} is there and is not a text encoder: expected a new or empty folder, or an encoder to replace."
        )


def _items(catalogue: Path, rejects: Rejects, reporter: Reporter) -> Iterator[Item]:
    with reporter.stage("read catalogue") as advance:
        for items in read_catalogue(catalogue, rejects):
            yield from items
            advance(len(items))


def _read(request: AdaptRequest, items: Iterator[Item]) -> tuple[list[TextPair], dict[str, list[TextPair]]]:
    """Pairs to train on, shuffled, and those to test on by language."""
    held_out: dict[str, dict[str, list[TextPair]]] = defaultdict(lambda: defaultdict(list))

    def others() -> Iterator[Item]:
        """The items that are not held out; the held-out ones are collected on the way."""
        for item in items:
            if not is_held_out(item.creator):
                yield item
                continue
            pair = title_pair(item)
            if pair is not None and len(held_out[pair.language][pair.creator]) < _PER_CREATOR:
                held_out[pair.language][pair.creator].append(pair)

    training = sample_evenly(training_pairs(others()), request.pairs, request.seed)
    draw = random.Random(request.seed)
    tests = {}
    for language, by_creator in held_out.items():
        pairs = [pair for own in by_creator.values() for pair in own]
        draw.shuffle(pairs)
        if len(pairs) >= _LEAST_PAIRS:
            tests[language] = pairs[:_PER_LANGUAGE]
    return training, tests


def _recalls(model: Any, tests: dict[str, list[TextPair]], reporter: Reporter, when: str) -> dict[str, float]:
    with reporter.stage(f"held-out creators, {when}", 2 * sum(map(len, tests.values()))) as advance:
        found, prompts = {}, model_prompts(model)
        for language, pairs in tests.items():
            queries = encode_texts(model, [pair.query for pair in pairs], prompts.query, advance)
            documents = encode_texts(model, [pair.document for pair in pairs], prompts.document, advance)
            found[language] = recall_of_pairs(queries, documents, _RECALL_K)
    return found


def recall_of_pairs(queries: Vectors, documents: Vectors, k: int) -> float:
    """Share of the N rows of `queries` whose own row of `documents` is among the `k` nearest; ties count against it."""
    scores = queries @ documents.T
    beside = (scores >= np.diag(scores)[:, None]).sum(axis=1) - 1
    return float((beside < k).mean())


def gains_text(gains: Sequence[LanguageGain]) -> list[str]:
    """One line for each language."""
    return [f"{gain.language}: {gain.before:.3f} to {gain.after:.3f} ({gain.pairs} titles)" for gain in gains]
