"""The made-up catalogue: which items there are, and the planted truth that tests and proofs hold it to."""

from dataclasses import dataclass
from pathlib import Path

from embedding.errors import UsageError
from embedding.rows.row_files import RowFiles
from embedding.rows.schema import Interaction, Item, Kind
from embedding.rows.times import epoch_us
from embedding.sample.availability import upcoming_everywhere, windows
from embedding.sample.listeners import interactions
from embedding.sample.seeded_choices import SeededChoices
from embedding.sample.tastes import TASTES, Taste
from embedding.sample.texts import band_names, description, show_names, title, transcript

DEFAULT_SEED = 7
DEFAULT_MARKET = "SE"
TRACKS_PER_TASTE = 60
EPISODES_PER_TASTE = 40
_BANDS_PER_TASTE = 8
_SHOWS_PER_TASTE = 4
# Cold items of a taste, by place; the last of them opens in 2090.
_COLD_PLACES = (20, 60, 80)
_UPCOMING_PLACE = 80
_NUM_TRANSCRIPTS = 10
_TRANSCRIPT_PLACE = 61
_LANGUAGES = ("en", "en", "en", "en-GB", "en-US", "sv", "de", "pt-BR", "ja", None)
_FIRST_DAY = epoch_us("2005-01-01") // 86_400_000_000
_LAST_DAY = epoch_us("2024-12-01") // 86_400_000_000

_MARK = "Made up by `nearfield sample`: no such artist, show, track, episode or listener exists.\n"


@dataclass(frozen=True)
class Sample:
    """A made-up catalogue with what is true of it: the taste of each item, and the items that nobody heard."""

    items: tuple[Item, ...]
    interactions: tuple[Interaction, ...]
    taste_of: dict[str, str]
    cold: frozenset[str]


def make_sample(seed: int = DEFAULT_SEED) -> Sample:
    """2,000 items in 20 tastes and the listening of 1,200 users; the same seed gives the same sample."""
    choices = SeededChoices(seed)
    bands = band_names(choices, _BANDS_PER_TASTE * len(TASTES))
    # Ids say nothing of the taste.
    numbers = iter(choices.shuffled(range(1, len(TASTES) * (TRACKS_PER_TASTE + EPISODES_PER_TASTE) + 1)))
    items: list[Item] = []
    heard: dict[str, list[Item]] = {}
    taste_of: dict[str, str] = {}
    cold: set[str] = set()
    for which, taste in enumerate(TASTES):
        creators: dict[Kind, list[str]] = {
            "track": bands[which * _BANDS_PER_TASTE : (which + 1) * _BANDS_PER_TASTE],
            "episode": show_names(taste, _SHOWS_PER_TASTE),
        }
        warm: list[Item] = []
        for place in range(TRACKS_PER_TASTE + EPISODES_PER_TASTE):
            item = _item(choices, taste, creators, place, next(numbers), spoken=which < _NUM_TRANSCRIPTS)
            items.append(item)
            taste_of[item.id] = taste.name
            if place in _COLD_PLACES:
                cold.add(item.id)
            else:
                warm.append(item)
        heard[taste.name] = choices.shuffled(warm)
    listens = interactions(choices, heard)
    items.sort(key=lambda item: item.id)
    return Sample(tuple(items), tuple(listens), taste_of, frozenset(cold))


def write_sample(folder: Path, seed: int = DEFAULT_SEED) -> Sample:
    """Write catalogue.jsonl, interactions.jsonl and README.txt into `folder`; the same seed gives the same bytes.

    Raises UsageError where the folder holds a catalogue that was not made up here.
    """
    readme = folder / "README.txt"
    ours = readme.is_file() and readme.read_text(encoding="utf-8").startswith(_MARK)
    if (folder / "catalogue.jsonl").exists() and not ours:
        raise UsageError(f"{folder} holds a catalogue.jsonl that `nearfield sample` did not write: name another folder")
    made = make_sample(seed)
    with RowFiles(folder) as files:
        files.write_text(
            "README.txt", f"{_MARK}\nSeed {seed}: {len(made.items)} items, {len(made.interactions)} rows.\n"
        )
        files.write_items("catalogue.jsonl", made.items)
        files.write_interactions("interactions.jsonl", made.interactions)
    return made


def _item(
    choices: SeededChoices, taste: Taste, creators: dict[Kind, list[str]], place: int, number: int, *, spoken: bool
) -> Item:
    kind: Kind = "track" if place < TRACKS_PER_TASTE else "episode"
    names = creators[kind]
    language = choices.one(_LANGUAGES)
    guests = choices.some(names, 2) if kind == "track" and choices.chance(0.15) else [names[place % len(names)]]
    has_transcript = spoken and place == _TRANSCRIPT_PLACE
    upcoming = place == _UPCOMING_PLACE
    sort = choices.between(0, 99)
    return Item(
        id=f"{kind}-{number:04d}",
        kind=kind,
        title=title(choices, taste, kind, language, place + 1),
        creator=guests[0],
        creators=tuple(guests) if len(guests) > 1 else (),
        text=transcript(choices, taste, 3000) if has_transcript else description(choices, taste, kind),
        album=f"{choices.one(taste.moods).title()} Sides" if kind == "track" and choices.chance(0.5) else None,
        tags=(taste.name, choices.one(taste.moods)) if choices.chance(0.7) else (),
        language=language,
        duration_s=float(choices.between(120, 420) if kind == "track" else choices.between(900, 5400)),
        published_at=None if upcoming else choices.between(_FIRST_DAY, _LAST_DAY) * 86_400,
        explicit=True if sort < 8 else (False if sort < 68 else None),
        min_age=choices.one((16, 18)) if choices.chance(0.02) else 0,
        availability=upcoming_everywhere(choices) if upcoming else windows(choices, place),
        extra={"made_up": True},
    )
