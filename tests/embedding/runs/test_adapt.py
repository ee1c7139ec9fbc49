"""The text encoder adapted to a catalogue: which pairs it learns from, what is held out, and what that gains."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from embedding.commands.adapt import adapt
from embedding.errors import NearfieldError, RejectedInputError, UsageError
from embedding.rows.schema import Item
from embedding.runs.adapt import AdaptReport, AdaptRequest, recall_of_pairs, run_adaptation
from embedding.runs.fine_tune import encode_texts, fine_tune, load_model
from embedding.runs.language_batches import LanguageBatches
from embedding.runs.text_pairs import TextPair, is_held_out, sample_evenly, title_pair, training_pairs
from embedding.settings import EmbeddingSettings, EncoderPlace
from embedding.text.encoder_folder import find_encoder
from embedding.text.sentence_encoder import SentenceEncoder
from tests.embedding.planted import QUIET
from tests.embedding.rows.row_cases import write_jsonl

_SYLLABLES = ["ba", "do", "ki", "lu", "me", "no", "pa", "ri", "su", "te", "va", "zo"]
_TOPICS = 40
_SHOWS = 60


def word(draw: random.Random) -> str:
    return "".join(draw.choice(_SYLLABLES) for _ in range(4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small encoder that knows nothing, and episodes whose titles and texts share no word, only their topic."""
    folder = tmp_path_factory.mktemp("adapt")
    draw = random.Random(5)
    title_words = [word(draw) for _ in range(_TOPICS)]
    text_words = [[word(draw) for _ in range(3)] for _ in range(_TOPICS)]
    rows = [
        {
            "id": f"e{show}-{place}",
            "kind": "episode",
            "title": f"{title_words[topic]} {place}",
            "creator": f"Show {show}",
            "language": "it-IT",
            "text": f"<p>{' '.join(draw.choices(text_words[topic], k=14))}</p> https://example.org/{place}",
        }
        for show in range(_SHOWS)
        for place, topic in enumerate(draw.sample(range(_TOPICS), 8))
    ]
    write_jsonl(folder / "catalogue.jsonl", rows)
    tokenizer = Tokenizer.from_file(str(find_encoder(None).path / "tokenizer.json"))
    # Small beside what a step of the trainer's rate moves.
    weights = 1e-3 * np.random.default_rng(0).standard_normal((tokenizer.get_vocab_size(), 32)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save(str(folder / "base"), create_model_card=False)
    return folder


def settings_of(folder: Path) -> EmbeddingSettings:
    return EmbeddingSettings(data_dir=folder / "work", encoder=EncoderPlace(folder / "base"))


@pytest.fixture(scope="module")
def report(folder: Path) -> AdaptReport:
    request = AdaptRequest(catalogue=folder / "catalogue.jsonl", out=folder / "ours", epochs=25, device="cpu")
    return run_adaptation(request, settings_of(folder), QUIET)


def test_held_out_shows_are_found_by_what_other_shows_taught(folder: Path, report: AdaptReport) -> None:
    (italian,) = report.held_out

    assert italian.language == "it"
    assert italian.pairs == sum(8 for show in range(_SHOWS) if is_held_out(f"Show {show}"))
    assert italian.before < 0.3
    assert italian.after > italian.before + 0.2
    assert report.base == find_encoder(folder / "base").hash != report.hash


def test_the_adapted_encoder_is_one_like_any_other(folder: Path, report: AdaptReport) -> None:
    encoder = SentenceEncoder.load(find_encoder(folder / "ours"))

    assert encoder.hash == report.hash
    assert encoder.dims == 32
    assert encoder.encode(["a title"]).shape == (1, 32)
    assert not list(folder.glob(".ours-*"))


def test_an_encoder_in_half_precision_is_trained_in_float32(folder: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(str(folder / "base"), device="cpu")
    model.half().save(str(tmp_path / "half"), create_model_card=False)

    loaded = load_model(tmp_path / "half", "cpu")

    assert {weights.dtype for weights in loaded.parameters()} == {torch.float32}


def test_batches_are_drawn_anew_in_each_epoch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    set_epoch = LanguageBatches.set_epoch

    def telling(batches: LanguageBatches, epoch: int) -> None:
        told.append(epoch)
        set_epoch(batches, epoch)

    monkeypatch.setattr(LanguageBatches, "set_epoch", telling)
    pairs = [TextPair(f"asks {n}", f"says {n}", f"i{n}", "c", "it") for n in range(8)]

    fine_tune(load_model(folder / "base", "cpu"), pairs, 3, 0, "cpu", QUIET)

    assert [epoch for place, epoch in enumerate(told) if place == 0 or told[place - 1] != epoch] == [0, 1, 2]


def test_each_side_is_trained_behind_its_prompt(folder: Path) -> None:
    model = load_model(folder / "base", "cpu")
    model.prompts |= {"query": "harbour ", "document": "lantern "}
    words = [model.tokenizer.encode(word, add_special_tokens=False).ids for word in ("harbour", "lantern", "orchard")]
    weights = model[0].embedding.weight
    before = weights.detach().clone()
    pairs = [TextPair(f"asks {n}", f"says {n}", f"i{n}", "c", "it") for n in range(8)]

    fine_tune(model, pairs, 3, 0, "cpu", QUIET)

    assert [bool((weights[ids] != before[ids]).any()) for ids in words] == [True, True, False]


def test_the_packaged_encoder_comes_to_tell_made_up_words_apart() -> None:
    draw = random.Random(3)
    pairs = [TextPair(word(draw), f"{word(draw)} {word(draw)}", f"i{n}", f"c{n}", "it") for n in range(40)]
    model = load_model(find_encoder(None).path, "cpu")

    def loss() -> float:
        queries, documents = (
            encode_texts(model, texts, "") for texts in zip(*((p.query, p.document) for p in pairs), strict=True)
        )
        scores = 20 * queries @ documents.T
        return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - np.diag(scores)))

    before = loss()
    fine_tune(model, pairs, 8, 0, "cpu", QUIET)

    assert loss() < 0.5 * before


def test_pairs_that_cannot_be_told_apart_are_refused(folder: Path) -> None:
    alike = [TextPair("same", f"says {n}", f"i{n}", "c", "it") for n in range(5)]

    with pytest.raises(RejectedInputError, match="The 5 pairs of texts all share a text or an item"):
        fine_tune(load_model(folder / "base", "cpu"), alike, 1, 0, "cpu", QUIET)


def test_weights_that_are_no_numbers_any_more_are_an_error_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(str(folder / "base"), device="cpu")
    with torch.no_grad():
        for weights in model.parameters():
            weights[100:] = 3e38
    model.save(str(tmp_path / "base"), create_model_card=False)
    settings = EmbeddingSettings(data_dir=tmp_path / "work", encoder=EncoderPlace(tmp_path / "base"))
    request = AdaptRequest(catalogue=folder / "catalogue.jsonl", out=tmp_path / "ours", device="cpu")

    with pytest.raises(NearfieldError, match="became NaN or infinite while it was adapted on cpu"):
        run_adaptation(request, settings, QUIET)
    assert not (tmp_path / "ours").exists()


def item(creator: str, text: str, title: str = "A talk") -> Item:
    return Item(id="e", kind="episode", title=title, creator=creator, text=text)


def test_a_title_is_cut_out_of_the_text_with_markup_and_links() -> None:
    said = "In this one we go on for quite a while about the sea, its ships, the wind, and those who sail."
    pair = title_pair(item("Show", f"<b>A TALK</b> &amp; more. {said} See https://example.org/a?b=c"))

    assert pair is not None
    assert (pair.query, pair.document) == ("A talk", f"& more. {said} See")
    assert title_pair(item("Show", "a talk. Too short.")) is None


def test_no_pair_of_a_held_out_show_is_learnt_from_and_passages_are_paired_with_the_next() -> None:
    kept = next(name for name in map(str, range(99)) if not is_held_out(name))
    held_out = next(name for name in map(str, range(99)) if is_held_out(name))
    text = " ".join(f"Sentence {number} says a thing or two of the matter at hand." for number in range(60))

    assert list(training_pairs([item(held_out, text)])) == []
    pairs = list(training_pairs([item(kept, text)]))

    assert pairs[0].query == "A talk"
    assert (pairs[1].query, pairs[1].document) == (kept, pairs[0].document)
    assert [pair.is_passage for pair in pairs] == [False, False, True, True]
    assert text.index(pairs[2].document) < text.index(pairs[3].document)
    assert 150 < sum(is_held_out(str(name)) for name in range(1_000)) < 250


def test_a_creator_is_named_once() -> None:
    kept = next(name for name in map(str, range(99)) if not is_held_out(name))
    said = "For quite a while we go on about the sea, its ships, the wind, and all of those who sail."
    pairs = list(training_pairs([item(kept, said, title) for title in ("One", "Two", "Three")]))

    assert [pair.query for pair in pairs] == ["One", kept, "Two", "Three"]


def test_pairs_are_drawn_evenly_over_creators() -> None:
    pairs = [
        TextPair(f"{creator} {place}", "text", f"{creator}-{place}", creator, "it")
        for creator, number in (("few", 3), ("some", 20), ("many", 500))
        for place in range(number)
    ]
    drawn = sample_evenly(pairs, 40, seed=0)

    counts = Counter(pair.creator for pair in drawn)
    assert (counts["few"], {counts["some"], counts["many"]}) == (3, {18, 19})
    assert len({pair.query for pair in drawn}) == 40
    assert drawn == sample_evenly(pairs, 40, seed=0) != sample_evenly(pairs, 40, seed=1)
    assert sorted(map(repr, sample_evenly(pairs, 9_999, seed=0))) == sorted(map(repr, pairs))


def test_of_more_creators_than_pairs_some_of_all_places_in_the_file_are_drawn() -> None:
    pairs = [
        TextPair("asks", "answers", f"{language}-{creator}", f"{language} {creator}", language)
        for language in ("de", "sv")
        for creator in range(300)
        for _ in range(3)
    ]
    assert min(Counter(pair.language for pair in sample_evenly(pairs, 100, seed=0)).values()) > 25


def test_passages_are_drawn_when_there_are_no_titles_left() -> None:
    pairs = [TextPair(f"a{n}", f"b{n}", f"i{n}", f"c{n % 3}", "it", n % 2 == 0) for n in range(40)]

    assert not any(pair.is_passage for pair in sample_evenly(pairs, 20, seed=0))
    assert sum(pair.is_passage for pair in sample_evenly(pairs, 25, seed=0)) == 5


def test_a_batch_is_of_one_language_with_nothing_twice() -> None:
    pairs = [
        TextPair(
            f"asks {number}",
            "x" * (number // 2 % 80) + f"says {number // 2 if number < 20 else number}",
            f"i{number // 2}",
            f"c{number % 30}",
            language,
        )
        for number, language in enumerate(random.Random(1).choices(("it", "en", "sv"), (60, 38, 2), k=1_000))
    ]
    batches = LanguageBatches(pairs, 16, seed=0)
    first = list(batches)

    placed = [place for batch in first for place in batch]
    assert len(placed) == len(set(placed)) >= 970
    assert len(first) == len(batches)
    for batch in first:
        of_batch = [pairs[place] for place in batch]
        assert 8 <= len(batch) <= 16
        assert len({pair.item for pair in of_batch}) == len({pair.document for pair in of_batch}) == len(batch)
        assert len({pair.language for pair in of_batch}) == 1
        lengths = [len(pair.document) for pair in of_batch]
        assert lengths == sorted(lengths)
    assert first == list(LanguageBatches(pairs, 16, seed=0)) != list(LanguageBatches(pairs, 16, seed=1))
    batches.set_epoch(1)
    assert first != list(batches)
    batches.set_epoch(0)
    assert first == list(batches)


def test_languages_with_few_pairs_learn_together_and_a_small_catalogue_in_one_batch() -> None:
    pairs = [TextPair(f"a{n}", f"b{n}", f"i{n}", f"c{n}", f"l{n % 10}") for n in range(40)]

    assert sorted(map(len, LanguageBatches(pairs, 16, seed=0))) == [8, 16, 16]
    assert list(map(len, LanguageBatches(pairs[:3], 16, seed=0))) == [3]
    alike = [TextPair("same", f"b{n}", f"i{n}", "c", "it") for n in range(5)]
    assert list(LanguageBatches(alike, 16, seed=0)) == []
    some_twice = [TextPair(f"a{n}", f"b{n % 10}", f"i{n}", "c", "it") for n in range(13)]
    assert list(map(len, LanguageBatches(some_twice, 16, seed=0))) == [10]


def test_recall_counts_ties_against_it() -> None:
    asks = np.eye(3, dtype=np.float32)

    assert recall_of_pairs(asks, asks, 1) == 1.0
    assert recall_of_pairs(asks, np.ones((3, 3), np.float32), 1) == 0.0
    assert recall_of_pairs(asks, asks[[1, 0, 2]], 1) == pytest.approx(1 / 3)


def test_a_catalogue_without_texts_and_an_out_folder_of_something_else_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    bare = write_jsonl(tmp_path / "bare.jsonl", [{"id": "t", "kind": "track", "title": "T", "creator": "C"}])
    with pytest.raises(RejectedInputError, match="has 0 pairs of texts"):
        run_adaptation(AdaptRequest(catalogue=bare, out=tmp_path / "o", device="cpu"), settings_of(folder), QUIET)

    with pytest.raises(UsageError, match="is not a text encoder"):
        run_adaptation(AdaptRequest(catalogue=bare, out=tmp_path), settings_of(folder), QUIET)


def test_the_command_says_what_was_gained_and_how_to_use_it(folder: Path, tmp_path: Path) -> None:
    arguments = [str(folder / "catalogue.jsonl"), "--out", str(tmp_path / "e"), "--pairs", "64", "--device", "cpu"]

    result = CliRunner().invoke(adapt, arguments, obj=settings_of(folder), standalone_mode=False)

    assert result.exception is None
    assert result.stdout.startswith("Encoder ")
    assert "64 pairs of texts" in result.stdout
    assert "  it: 0." in result.stdout
    assert f'encoder = "{tmp_path}/e"' in result.stdout
