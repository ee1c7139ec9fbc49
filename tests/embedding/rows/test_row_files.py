"""What is written reads back the same; what is garbage is counted; nothing is left half written."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from embedding.errors import RejectedInputError, UsageError
from embedding.rows.catalogue_parser import CATALOGUE_PARSER
from embedding.rows.interaction_parser import INTERACTION_PARSER
from embedding.rows.markets import MARKETS, is_market
from embedding.rows.row_files import RowFiles, interaction_fields, item_fields
from embedding.rows.row_parser import RowProblem
from embedding.rows.row_text import is_blank, is_id
from embedding.rows.schema import EVERYWHERE, Chapter, Id, Interaction, Item, Title, Window
from tests.embedding.rows.row_cases import good, jsonl, read_items

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.filter(lambda text: not is_blank(text))
IDS = TEXTS.filter(is_id)
SECONDS = st.integers(-62_135_596_800, 253_402_300_799)
TAGS = st.sampled_from(("en", "en-US", "he-IL", "zh-Hans-CN", "nn", "en-x-ab-cdef", "es-419", "sl-rozaj"))


@st.composite
def windows(draw: st.DrawFn) -> Window:
    bounds = sorted(draw(st.lists(SECONDS, min_size=2, max_size=2, unique=True)))
    from_s, until_s = (bound if draw(st.booleans()) else None for bound in bounds)
    return Window(draw(st.sampled_from(sorted(filter(is_market, MARKETS | {"*"})))), from_s, until_s)


ITEMS = st.builds(
    Item,
    id=IDS,
    kind=st.sampled_from(["track", "episode"]),
    title=NAMES,
    creator=NAMES,
    creators=st.lists(NAMES, max_size=3).map(tuple),
    text=st.none() | TEXTS,
    chapters=st.lists(st.builds(Chapter, st.floats(0, 1e7), NAMES), max_size=3).map(
        lambda chapters: tuple(sorted(chapters, key=lambda chapter: chapter.start_s))
    ),
    album=st.none() | NAMES,
    tags=st.lists(NAMES, max_size=3).map(tuple),
    language=st.none() | TAGS,
    duration_s=st.none() | st.floats(0, 1e7),
    published_at=st.none() | SECONDS,
    explicit=st.none() | st.booleans(),
    min_age=st.integers(0, 120),
    availability=st.just(EVERYWHERE) | st.lists(windows(), min_size=1, max_size=4).map(tuple),
    popularity=st.none() | st.floats(0, 1),
    extra=st.dictionaries(
        TEXTS.filter(bool),
        TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
        max_size=3,
    ),
)
INTERACTIONS = st.builds(
    Interaction,
    IDS,
    IDS,
    st.none() | SECONDS.map(float) | st.floats(0, 2e9),
    st.floats(-1e6, 1e6, allow_nan=False),
)


@FEW
@given(ITEMS)
def test_an_item_reads_back_the_same_from_json_and_from_fields(item: Item) -> None:
    assert CATALOGUE_PARSER.from_json(msgspec.json.encode(item_fields(item))) == item
    assert CATALOGUE_PARSER.from_fields(msgspec.to_builtins(item_fields(item))) == item


@FEW
@given(ITEMS)
def test_what_is_read_fits_the_limits_in_the_types(item: Item) -> None:
    read = CATALOGUE_PARSER.from_json(msgspec.json.encode(item_fields(item)))
    assert msgspec.convert(msgspec.to_builtins(read), Item) == read


@FEW
@given(INTERACTIONS)
def test_an_interaction_reads_back_the_same(row: Interaction) -> None:
    assert INTERACTION_PARSER.from_json(msgspec.json.encode(interaction_fields(row))) == row


def taken(fields: dict[str, Any]) -> Item | RowProblem:
    try:
        return CATALOGUE_PARSER.from_fields(fields)
    except RowProblem as problem:
        return problem


def fits(value: str, limits: object) -> bool:
    try:
        msgspec.convert(value, limits)
    except msgspec.ValidationError:
        return False
    return True


@settings(deadline=None)
@given(st.text(max_size=8) | st.text("aZ- 1\n\t\x00\x7f", max_size=8))
def test_the_quick_checks_say_what_the_types_say(text: str) -> None:
    assert is_id(text) == (fits(text, Id) and text not in (".", ".."))
    assert is_blank(text) != fits(text, Title)


@FEW
@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), min_size=1, max_size=20), st.booleans())
def test_any_garbage_is_counted_line_by_line(lines: list[bytes], with_good: bool) -> None:
    # UTF-16 is told by how a file begins, and refused as a whole.
    assume(not lines[0].startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" not in lines[0][:4])
    content = b"\n".join(lines) + b"\n" + (jsonl([good()]) if with_good else b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.jsonl"
        path.write_bytes(content)
        _, rejects = read_items(path)
    # A byte order mark is no row either.
    first = lines[0].removeprefix(b"\xef\xbb\xbf")
    assert rejects.read == sum(bool(line.strip()) for line in (first, *lines[1:])) + with_good
    assert rejects.accepted == with_good


@FEW
@given(st.binary(max_size=200))
def test_any_garbage_under_a_csv_header_leaves_the_good_row_behind_it(garbage: bytes) -> None:
    head, row = b"id,kind,title,creator\nfirst,track,t,c\n", b"\nlast,track,t,c\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.csv"
        path.write_bytes(head + garbage + row)
        items, rejects = read_items(path)
    assert items[0].id == "first"
    # Only a quote that the garbage opens and closes well may take the last row in.
    assert items[-1].id == "last" or b'"' in garbage
    assert rejects.accepted == len(items)


@FEW
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=6)
)
def test_any_value_in_any_field_is_taken_or_explained(value: object) -> None:
    for name in CATALOGUE_PARSER.fields:
        for written in (value, [{"market": value}], {"a": value}):
            outcome = taken(good(**{name: written}))
            if isinstance(outcome, RowProblem):
                assert all(fault.field.startswith(name) and fault.expected for fault in outcome.faults)
            else:
                assert msgspec.convert(msgspec.to_builtins(outcome), Item) == outcome


def test_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")

    def fail() -> None:
        with RowFiles(tmp_path) as files:
            files.write_text("a.txt", "after")
            files.write_text("b.txt", "after")
            raise RejectedInputError("half way")

    with pytest.raises(RejectedInputError):
        fail()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "before"}
    with RowFiles(tmp_path) as files:
        files.write_text("a.txt", "after")
        files.write_text("b.txt", "after")
        assert (tmp_path / "a.txt").read_text() == "before"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "after", "b.txt": "after"}


def test_a_folder_that_nothing_came_into_is_not_left_behind(tmp_path: Path) -> None:
    def fail(folder: Path, *, beside: bool = False) -> None:
        with RowFiles(folder) as files:
            files.write_text("a.txt", "half")
            if beside:
                (folder / "other").touch()
            raise RejectedInputError("half way")

    for folder, beside in ((tmp_path / "new" / "data", False), (tmp_path / "kept" / "data", True)):
        with pytest.raises(RejectedInputError):
            fail(folder, beside=beside)
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert there == {"kept", "kept/data", "kept/data/other"}


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "data"):
        with pytest.raises(UsageError, match="is a file: name another"), RowFiles(folder):
            pass
