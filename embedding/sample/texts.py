"""What the made-up catalogue says: creators, titles, descriptions and transcripts in the words of a taste."""

from embedding.sample.seeded_choices import SeededChoices
from embedding.sample.tastes import Taste

_BAND_FIRST = (
    *("Copper", "Paper", "Amber", "Hollow", "Northern", "Silent", "Crooked", "Winter"),
    *("Distant", "Golden", "Quiet", "Wandering", "Marble", "Tidal", "Woollen", "Silver"),
)
_BAND_SECOND = (
    *("Lanterns", "Harbours", "Sparrows", "Meadows", "Engines", "Orchards", "Mirrors", "Ladders"),
    *("Bridges", "Kettles", "Compasses", "Feathers", "Windmills", "Ribbons", "Teacups", "Staircases"),
)
_SHOW_FORMS = ("The {} Hour", "Notes on {}", "{} after Dark", "Everyday {}")

_TRACK_TITLES = ("{mood} {thing}", "{thing} {place}", "{thing} and {other}", "Song of {thing}", "{mood} Nights")
_EPISODE_TITLES = (
    "{thing}: where to begin",
    "What nobody tells you about {thing}",
    "{thing} and {other}",
    "A day {place}",
    "The trouble with {thing}",
    "{number}. {thing}",
)
_FOREIGN_TITLES = {
    "sv": ("{} i natt", "Allt om {}", "{}, del {number}", "En kväll med {}"),
    "de": ("{} bei Nacht", "Alles über {}", "{}, Teil {number}", "Ein Abend mit {}"),
    "pt-BR": ("{} à noite", "Tudo sobre {}", "{}, parte {number}", "Uma noite com {}"),
    "ja": ("{}の夜", "{}について", "{} 第{number}回", "今日の{}"),
}

_TRACK_TEXTS = (
    "A {mood} track of {a} and {b}.",
    "Listen for {c} and {d}.",
    "It opens with {a} and ends on {e}.",
    "Recorded {place}, with {c} all around.",
    "A {mood} song for everyone who loves {taste}.",
    "{b}, {d} and {e} come back in every verse.",
)
_EPISODE_TEXTS = (
    "In this episode we talk about {a} and {b}.",
    "We also look at {c}, {d} and {e}.",
    "A guest explains {c} and why {d} matter.",
    "A {mood} half hour {place}.",
    "For listeners who like {taste} and want to hear more about {e}.",
    "Your letters about {b}, and an answer about {a}.",
)
_SPOKEN = (
    "So let us start with {a}, because without {a} there would be no {taste} at all.",
    "I remember the first time that I heard about {b}, it was {place}.",
    "People often ask me whether {c} and {d} belong together.",
    "The short answer is yes, and the long answer has to do with {e}.",
    "If you have ever been {place}, you know how {mood} it can feel.",
    "That brings us back to {a}, which we promised to explain last week.",
    "There is a story about {d} that I have wanted to tell for years.",
    "Nobody agreed about {b} at the time, and nobody agrees about it today.",
    "What I like about {e} is how little it has to do with {c}.",
    "And then, just when everybody thinks of {d}, somebody mentions {a}.",
    "We will come back to {c} after the break, so stay with us.",
    "A listener wrote to us about {e}, and she makes a very good point.",
)


def band_names(choices: SeededChoices, count: int) -> list[str]:
    """`count` different names of bands that do not exist."""
    return choices.some([f"The {first} {second}" for first in _BAND_FIRST for second in _BAND_SECOND], count)


def show_names(taste: Taste, count: int) -> list[str]:
    """`count` different names of shows about `taste`."""
    return [form.format(taste.name.title()) for form in _SHOW_FORMS[:count]]


def title(choices: SeededChoices, taste: Taste, kind: str, language: str | None, number: int) -> str:
    """A title of a track or episode, in `language` where it is one of `taste.nouns`, else in English."""
    if language in taste.nouns:
        noun = choices.one(taste.nouns[language])
        return _first_upper(choices.one(_FOREIGN_TITLES[language]).format(noun, number=number))
    thing, other = choices.some(taste.things, 2)
    form = choices.one(_TRACK_TITLES if kind == "track" else _EPISODE_TITLES)
    words = {"thing": thing, "other": other, "place": choices.one(taste.places), "mood": choices.one(taste.moods)}
    text = form.format(**words, number=number)
    return text.title() if kind == "track" else _first_upper(text)


def description(choices: SeededChoices, taste: Taste, kind: str) -> str:
    """Three or four sentences about things of `taste`."""
    forms = choices.some(_TRACK_TEXTS if kind == "track" else _EPISODE_TEXTS, choices.between(3, 4))
    return " ".join(_sentence(choices, form, taste) for form in forms)


def transcript(choices: SeededChoices, taste: Taste, num_words: int) -> str:
    """Talk about `taste` of `num_words` or a few words more."""
    sentences: list[str] = []
    spoken = 0
    while spoken < num_words:
        sentences.append(_sentence(choices, choices.one(_SPOKEN), taste))
        spoken += len(sentences[-1].split())
    return " ".join(sentences)


def _sentence(choices: SeededChoices, form: str, taste: Taste) -> str:
    things = dict(zip("abcde", choices.some(taste.things, 5), strict=True))
    words = {"taste": taste.name, "place": choices.one(taste.places), "mood": choices.one(taste.moods)}
    return _first_upper(form.format(**things, **words))


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
