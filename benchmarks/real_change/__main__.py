"""A real change: `index diff`, then `index sync`, beside a full build of the changed catalogue, all of it real data.

    python -m benchmarks.real_change PODCASTS PLAYLISTS MODEL [--cache F] [--folder F]

PODCASTS and PLAYLISTS are folders that `nearfield import` wrote, MODEL was trained on the playlists. All rows make one
catalogue. The change: 40 episodes added, 200 descriptions edited, 50 rows removed, 300 windows moved. Then 200 items of
what was synced and of what was built are asked for their nearest ten, exactly, and every row is compared.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import asdict
from rich.console import Console

from benchmarks.harness.exact_answers import Exact, Shown, shown
from indexing.journal.current_rows import CurrentRows
from indexing.rules.context import RequestContext
from indexing.settings import IndexingSettings

_CLI = (sys.executable, "-c", "from service.cli import main; main()")
_COUNTS = ("added", "changed", "payload_changed", "removed", "unchanged")
_SEEDS, _LIMIT, _MARKET = 200, 10, "IT"


def main() -> None:
    """Parse the command line, run, and say what came; exit code 1 where a sync is not what a build is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("podcasts", type=Path)
    parser.add_argument("playlists", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cache", type=Path, help="cache of text vectors; without it all texts are encoded")
    parser.add_argument("--folder", type=Path, help="where all is kept; left out, it goes away")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).absolute()
        wrong = _run(folder, arguments)
    sys.exit(1 if wrong else 0)


def _run(folder: Path, arguments: argparse.Namespace) -> bool:
    console = Console(highlight=False)
    folder.mkdir(parents=True, exist_ok=True)
    older, newer = folder / "older.jsonl", folder / "newer.jsonl"
    lines = [line for name in (arguments.podcasts, arguments.playlists) for line in _lines(name / "catalogue.jsonl")]
    older.write_text("".join(lines))
    newer.write_text("".join(_changed(lines)))
    interactions = arguments.playlists / "interactions.jsonl"
    gone = {json.loads(line)["id"] for line in lines} - {json.loads(line)["id"] for line in _lines(newer)}
    kept = folder / "interactions.jsonl"
    kept.write_text("".join(line for line in _lines(interactions) if json.loads(line)["item_id"] not in gone))
    environ = dict(os.environ)
    if arguments.cache:
        environ["NEARFIELD_CACHE_DIR"] = str(arguments.cache.absolute())

    def command(place: str, *words: str) -> dict[str, Any]:
        began = time.perf_counter()
        data_dir = {"NEARFIELD_DATA_DIR": str(folder / place)}
        done = subprocess.run(
            [*_CLI, "index", *words, "--json"], env=environ | data_dir, check=True, stdout=subprocess.PIPE
        )
        console.print(f"{time.perf_counter() - began:7.1f} s  {place}: index {words[0]}")
        return dict(json.loads(done.stdout))

    def build(place: str, catalogue: Path, listens: Path) -> str:
        model = ("--model", str(arguments.model), "--interactions", str(listens))
        return str(command(place, "build", str(catalogue), *model, "--activate")["release"])

    synced = build("synced", older, interactions)
    diff, sync = command("synced", "diff", str(newer)), command("synced", "sync", str(newer))
    built = build("built", newer, kept)
    for name, counts in (("diff", diff), ("sync", sync)):
        console.print(f"{name}: {', '.join(f'{counts[kind]:,} {kind}' for kind in _COUNTS)}")
    wrong = [f"{kind} differs" for kind in _COUNTS if diff[kind] != sync[kind]]
    places = (("synced", synced), ("built", built))
    left, right = (shown(IndexingSettings(data_dir=folder / place), release) for place, release in places)
    wrong += _compare_rows(left.rows, right.rows)
    wrong += _compare_answers(left, right)
    console.print("\n".join(wrong) or "all rows and all answers are the same")
    return bool(wrong)


def _lines(path: Path) -> list[str]:
    # Not splitlines, for which a line separator inside a text ends a line too.
    with path.open(encoding="utf-8", newline="\n") as file:
        return list(file)


def _changed(lines: list[str]) -> Iterator[str]:
    """The lines after the change; what is drawn is the same each time."""
    dice = random.Random(0)
    drawn = dice.sample(range(len(lines)), 550)
    removed, edited, moved = set(drawn[:50]), set(drawn[50:250]), set(drawn[250:])
    episodes = [number for number, line in enumerate(lines) if json.loads(line)["kind"] == "episode"]
    for number, line in enumerate(lines):
        if number in removed:
            continue
        if number in edited or number in moved:
            row = json.loads(line)
            if number in edited:
                row["text"] = f"{row.get('text', row['title'])} Edited, with a word on whales."
            else:
                row["availability"] = [{"market": "IT", "until": "2040-01-01"}, {"market": "SE"}]
            line = json.dumps(row) + "\n"
        yield line
    for number in dice.sample(episodes, 40):
        row = json.loads(lines[number])
        yield json.dumps({**row, "id": f"added-{row['id']}", "title": f"{row['title']} (second part)"}) + "\n"


def _compare_rows(left: CurrentRows, right: CurrentRows) -> list[str]:
    ids = [{rows.id_of(row) for row in rows.rows()} for rows in (left, right)]
    if ids[0] != ids[1]:
        return [f"{len(ids[0] ^ ids[1])} ids are in one of the two only"]
    wrong = []
    for item_id in ids[0]:
        rows = left.row_of(item_id), right.row_of(item_id)
        shown = [asdict(side.payload(row)) for side, row in zip((left, right), rows, strict=True)]
        for one in shown:
            # Derived from listens at a build, and by the rules never a difference.
            del one["popularity"]
        if shown[0] != shown[1]:
            wrong.append(f"{item_id} is shown otherwise")
        for space in left.release.manifest.dims:
            vectors = [side.vectors(space, [row])[0] for side, row in zip((left, right), rows, strict=True)]
            # A text is encoded in the company of others, by which its last bits differ.
            if not np.allclose(vectors[0], vectors[1], atol=1e-3):
                wrong.append(f"{item_id} has another {space} vector")
    return wrong[:20]


def _compare_answers(left: Shown, right: Shown) -> list[str]:
    context = RequestContext(market=_MARKET, at_s=int(time.time()))
    ids = sorted(left.rows.id_of(row) for row in left.rows.rows())
    sides = [Exact(side, context) for side in (left, right)]
    wrong = []
    for item_id in ids[:: len(ids) // _SEEDS][:_SEEDS]:
        answers = [side.nearest(item_id, _LIMIT) for side in sides]
        scores = [np.array(list(answer.values())) for answer in answers]
        if len(scores[0]) != len(scores[1]) or not np.allclose(scores[0], scores[1], atol=1e-3):
            wrong.append(f"{item_id} has other neighbours")
    return wrong


if __name__ == "__main__":
    main()
