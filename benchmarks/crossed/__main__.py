"""Whether a question in one language finds a text in another: 30 English questions to Italian descriptions.

    python -m benchmarks.crossed PODCASTS [--cache F] [--encoder E]

PODCASTS as for benchmarks.relevance. The 30 descriptions beside this were written for it, each with a question;
they stand among 900 real Italian episodes and as many English ones, as for benchmarks.topics. Shown is how many of
the 30 come first and among the first ten, where `languages` allows Italian alone and where it allows both.
"""

import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness.episodes import MODES, EpisodesWorld, asked, episodes_parser, read_episodes
from benchmarks.relevance.sample import whole_episodes
from embedding.rows.schema import Item

_QUESTIONS = Path(__file__).with_name("questions.jsonl")
_POOL, _K = 900, 10
_MOST_OF_A_SHOW = {"en": 30, "it": 1}


def main() -> None:
    """Parse the command line, ask, and print one table."""
    parser = episodes_parser(__doc__)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in _QUESTIONS.read_text(encoding="utf-8").splitlines()]
    own = [
        Item(id=row["id"], kind="episode", title=row["title"], creator="–", text=row["text"], language="it")
        for row in rows
    ]
    table = Table(title=f"of {len(rows)} English questions to Italian descriptions, found first / in the first {_K}")
    for heading in ("languages", *MODES):
        table.add_column(heading, justify="left" if heading == "languages" else "right")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        episodes = read_episodes(arguments.source, folder)
        others = whole_episodes(episodes, _POOL, _MOST_OF_A_SHOW)
        world = EpisodesWorld(folder / "whole", [*own, *others], arguments.cache, arguments.encoder)
        with world.served() as client:
            for languages in (("it",), ("it", "en")):
                cells = []
                for mode in MODES:
                    hits = [list(asked(client, row["query"], mode, _K, languages)) for row in rows]
                    num_first = sum(of[:1] == [row["id"]] for row, of in zip(rows, hits, strict=True))
                    num_found = sum(row["id"] in of for row, of in zip(rows, hits, strict=True))
                    cells.append(f"{num_first} / {num_found}")
                table.add_row(", ".join(languages), *cells)
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main()
