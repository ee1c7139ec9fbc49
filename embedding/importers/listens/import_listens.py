"""One user's listens become interactions: read from an export, matched to a catalogue; all are written, or nothing."""

from collections import Counter
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from embedding.errors import RejectedInputError, UsageError
from embedding.importers.import_job import INTERACTIONS
from embedding.importers.listens.catalogue_matcher import CatalogueMatcher
from embedding.importers.listens.export_files import ExportFile, export_files
from embedding.importers.listens.listen import Listen, ListenFormat
from embedding.importers.listens.registry import LISTEN_FORMATS
from embedding.progress import Advance, Reporter
from embedding.rows.catalogue import read_catalogue
from embedding.rows.catalogue_fields import EXPECTED_ID
from embedding.rows.interaction_parser import INTERACTION_PARSER
from embedding.rows.readers_jsonl import read_jsonl
from embedding.rows.rejects import Rejects, shown
from embedding.rows.row_files import RowFiles
from embedding.rows.row_parser import RowProblem
from embedding.rows.row_text import is_id
from embedding.rows.schema import Interaction
from embedding.rows.streams import FileDamage

UNMATCHED = "unmatched.jsonl"
# Rows between two reports of progress.
_PART_ROWS = 1_000


class Unmatched(Struct, frozen=True, omit_defaults=True):
    """A line of the file of what did not match: what was heard, how often, and why it is no row of the catalogue."""

    listens: int
    reason: str
    kind: str
    creator: str
    title: str
    album: str = ""
    isrc: str = ""
    mbid: str = ""


class ImportedListens(Struct, frozen=True):
    """What became of an export's listens.

    `interactions`: rows written, of them `skips`; `matched`: how many by what; `of_several`: how many fit several rows
    by their names; `unmatched`, `left_out`: how many for which reason.
    """

    interactions: int
    skips: int
    matched: dict[str, int]
    of_several: int
    unmatched: dict[str, int]
    left_out: dict[str, int]


class _Tally:
    def __init__(self) -> None:
        self.matched: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.unmatched: Counter[tuple[str, Listen]] = Counter()
        self.of_several = self.skips = 0


def import_listens(
    name: str,
    source: Path,
    folder: Path,
    *,
    catalogue: Path,
    user_id: str,
    rejects: Rejects,
    catalogue_rejects: Rejects,
    max_reject_share: float,
    reporter: Reporter,
) -> ImportedListens:
    """Write interactions.jsonl of one user, and unmatched.jsonl of what is of no row of the catalogue, into `folder`.

    Nothing is written unless all of it can be. Raises UsageError where no format has that name, for a user id that is
    none, or where the folder holds interactions of another user; NotFoundError where there is no export or no
    catalogue; RejectedInputError where a file is damaged, too many rows are bad, or no listen is of the catalogue.
    """
    of = LISTEN_FORMATS[name]
    if len(user_id) > 512 or not is_id(user_id):
        raise UsageError(f"--user: expected {EXPECTED_ID}, came {shown(user_id)}")
    _refuse_other_users(folder / INTERACTIONS, user_id)
    matcher = _read_catalogue(catalogue, catalogue_rejects, max_reject_share, reporter)
    tally = _Tally()
    with export_files(source, of) as files, RowFiles(folder) as out:
        for file in files:
            with reporter.stage(Path(file.name).name) as advance:
                _read_file(file, of, matcher, user_id, tally, rejects, out, advance)
        rejects.enforce(max_reject_share)
        if not tally.matched:
            raise RejectedInputError(_nothing_matched(tally, catalogue))
        out.write_text(UNMATCHED, "".join(msgspec.json.encode(one).decode() + "\n" for one in _unmatched(tally)))
    reasons: Counter[str] = Counter()
    for (reason, _), count in tally.unmatched.items():
        reasons[reason] += count
    return ImportedListens(
        interactions=tally.matched.total(),
        skips=tally.skips,
        matched=dict(tally.matched),
        of_several=tally.of_several,
        unmatched=dict(reasons),
        left_out=dict(tally.left_out),
    )


def _refuse_other_users(path: Path, user_id: str) -> None:
    if not path.exists():
        return
    # What is there of the same user is replaced, as it is by every importer.
    with suppress(FileDamage):
        for line, _, row in read_jsonl(path, INTERACTION_PARSER):
            if isinstance(row, RowProblem) or row.user_id != user_id:
                of = "what is no interaction" if isinstance(row, RowProblem) else f"{shown(row.user_id)}'s interactions"
                raise UsageError(
                    f"{path} holds {of} (line {line:,}), which would be lost. Give each user a folder of their own; "
                    "the files in them, under names of their own, can be read as one folder."
                )


def _read_catalogue(catalogue: Path, rejects: Rejects, max_reject_share: float, reporter: Reporter) -> CatalogueMatcher:
    matcher = CatalogueMatcher()
    with reporter.stage("read catalogue") as advance:
        for items in read_catalogue(catalogue, rejects):
            matcher.add(items)
            advance(len(items))
    rejects.enforce(max_reject_share)
    return matcher


def _read_file(
    file: ExportFile,
    of: ListenFormat,
    matcher: CatalogueMatcher,
    user_id: str,
    tally: _Tally,
    rejects: Rejects,
    out: RowFiles,
    advance: Advance,
) -> None:
    try:
        records = of.records(file.path)
        while part := list(islice(records, _PART_ROWS)):
            for line, _, outcome in part:
                if isinstance(outcome, RowProblem):
                    rejects.add(file.name, line, *outcome.faults)
                else:
                    rejects.accept(1)
                    _take(outcome, matcher, user_id, tally, out)
            advance(len(part))
    except FileDamage as damage:
        place = "" if damage.line is None else f" at line {damage.line:,}"
        raise RejectedInputError(f"{file.name}{place}: expected {damage.expected}, came {damage.came}") from None


def _take(listen: Listen, matcher: CatalogueMatcher, user_id: str, tally: _Tally, out: RowFiles) -> None:
    if listen.left_out is not None:
        tally.left_out[listen.left_out] += 1
        return
    found = matcher.match(listen)
    if isinstance(found, str):
        # Of what was heard again and again one line is written.
        tally.unmatched[found, msgspec.structs.replace(listen, at_s=None, weight=1.0)] += 1
        return
    tally.matched[found.by] += 1
    tally.of_several += found.of > 1
    tally.skips += listen.weight < 0
    out.write_interactions(INTERACTIONS, [Interaction(user_id, found.item_id, listen.at_s, listen.weight)])


def _unmatched(tally: _Tally) -> list[Unmatched]:
    """What was heard most comes first."""
    lines = [
        Unmatched(count, reason, heard.kind, heard.creator, heard.title, heard.album, heard.isrc, heard.mbid)
        for (reason, heard), count in tally.unmatched.items()
    ]
    return sorted(lines, key=lambda line: (-line.listens, line.creator, line.title, line.album, line.isrc, line.mbid))


def _nothing_matched(tally: _Tally, catalogue: Path) -> str:
    if not tally.unmatched:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in tally.left_out.items())
        return f"expected listens that say something of a taste, but all are left out: {reasons}"
    first = _unmatched(tally)[0]
    return (
        f"none of {tally.unmatched.total():,} listens is of a row of {catalogue}; most often heard: "
        f"{shown(first.title)} by {shown(first.creator)} ({first.reason}). Is it the right catalogue?"
    )
