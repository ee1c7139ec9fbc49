from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.errors import RejectedInputError
from embedding.rows.rejects import CAME_LENGTH, NUM_KEPT, Fault, Reject, Rejects, default_rejects_path, shown


def read(path: Path) -> list[Reject]:
    return [msgspec.json.decode(line, type=Reject) for line in path.read_bytes().splitlines()]


def test_the_file_has_every_reject_and_the_counts_add_up(tmp_path: Path) -> None:
    with Rejects(tmp_path / "deep" / "bad.jsonl") as rejects:
        rejects.accept(7)
        for line in range(NUM_KEPT + 5):
            rejects.add("a.csv", line, Fault("title", "a title", "x" * 500))
        assert not rejects.path.exists()
    assert (rejects.read, rejects.accepted, rejects.rejected) == (NUM_KEPT + 12, 7, NUM_KEPT + 5)
    assert len(rejects.first) == NUM_KEPT
    written = read(rejects.path)
    assert len(written) == NUM_KEPT + 5
    assert written[3].line == 3
    assert len(written[0].came) == CAME_LENGTH
    assert [path.name for path in rejects.path.parent.iterdir()] == ["bad.jsonl"]


def test_without_rejects_there_is_no_file_and_an_old_one_goes(tmp_path: Path) -> None:
    old = tmp_path / "bad.jsonl"
    old.write_text("{}\n")
    with Rejects(old) as rejects:
        rejects.accept(1)
    assert not old.exists()
    rejects.enforce(0.0)


def test_after_an_error_the_rejects_are_kept(tmp_path: Path) -> None:
    def fail() -> None:
        with Rejects(tmp_path / "bad.jsonl") as rejects:
            rejects.add("a.csv", 1, Fault("", "x", "y"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert len(read(tmp_path / "bad.jsonl")) == 1


def test_one_in_a_hundred_is_borne_and_more_is_not(tmp_path: Path) -> None:
    with Rejects(tmp_path / "bad.jsonl") as rejects:
        rejects.accept(99)
        rejects.add("a.csv", 1, Fault("", "x", "y"))
        rejects.enforce(0.01)
        rejects.add("a.csv", 2, Fault("", "x", "y"))
        with pytest.raises(RejectedInputError, match=r"2 of 101 rows .*max_reject_share.*bad\.jsonl"):
            rejects.enforce(0.01)


def test_no_good_row_is_never_borne(tmp_path: Path) -> None:
    with Rejects(tmp_path / "bad.jsonl") as rejects:
        with pytest.raises(RejectedInputError, match="no row at all"):
            rejects.enforce(1.0)
        rejects.add("a.csv", 9, Fault("title", "a title", "nothing"))
        with pytest.raises(RejectedInputError, match=r"not one good row.*a\.csv:9: title: expected a title"):
            rejects.enforce(1.0)


def test_where_rejects_go_unless_told() -> None:
    assert default_rejects_path(Path(".nearfield"), Path("x/cat.csv")) == Path(
        ".nearfield/rejects/cat.csv.rejects.jsonl"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (1.5, "1.5"),
        ("sö", '"sö"'),
        ('a"b', '"a\\"b"'),
        ("\x1b[31m\n", '"\\x1b[31m\\n"'),
        (b"\xff!", '"\\xff!"'),
        ({"a": [1]}, '{"a":[1]}'),
    ],
)
def test_what_came_is_shown_fit_for_a_terminal(value: object, text: str) -> None:
    assert shown(value) == text


@settings(deadline=None)
@given(st.text() | st.binary() | st.floats() | st.integers() | st.lists(st.text(max_size=3)))
def test_any_value_is_shown_on_one_short_line(value: object) -> None:
    text = shown(value)
    assert len(text) <= CAME_LENGTH
    assert "\n" not in text
    assert "\x1b" not in text
