"""A few hundred inputs of those that `python -m tests.fuzz` makes by the million; and that its judge sees faults."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.errors import RejectedInputError
from tests.fuzz import judge
from tests.fuzz.counting import rows_of_csv
from tests.fuzz.judge import judged
from tests.fuzz.reader import FuzzReader, Read, expect
from tests.fuzz.registry import READERS
from tests.fuzz.tally import Tally, read_report

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside other tests, whose threads count too, only what goes astray is slow; `make fuzz` has a tight bound."""
    monkeypatch.setattr(judge, "MAX_S", 120.0)


@pytest.mark.parametrize("name", READERS)
def test_what_is_changed_is_good_to_begin_with(name: str, tmp_path: Path) -> None:
    """Each reader takes its seeds without an error; else nearly all inputs would end at its door."""
    for data in READERS[name].seeds():
        assert judged(READERS[name], data, tmp_path) == (None, True)


@pytest.mark.parametrize("name", READERS)
def test_no_input_breaks_a_reader(name: str, tmp_path: Path) -> None:
    @settings(max_examples=10)
    @given(READERS[name].drawn)
    def holds(data: bytes) -> None:
        finding, _ = judged(READERS[name], data, tmp_path)
        assert finding is None, finding.message

    holds()


def _reader(read: Read) -> FuzzReader:
    return FuzzReader("a reader", read, lambda: [b""], st.binary())


def test_a_fault_is_told_by_its_kind_and_place(tmp_path: Path) -> None:
    def breaks(_data: bytes, folder: Path) -> None:
        (folder / "left").write_text("x")
        raise KeyError("nobody expects it")

    def loses(_data: bytes, _folder: Path) -> None:
        expect(False, "2 rows went in, 1 came out")

    def is_mute(_data: bytes, _folder: Path) -> None:
        raise RejectedInputError("")

    def refuses(_data: bytes, _folder: Path) -> None:
        raise RejectedInputError("expected rows, came none")

    found = [judged(_reader(read), b"x", tmp_path) for read in (breaks, loses, is_mute, refuses)]
    assert [finding and (finding.kind, finding.data) for finding, _ in found] == [
        ("KeyError", b"x"),
        ("LostRowsError", b"x"),
        ("an error without words", b"x"),
        None,
    ]
    assert found[0][0] is not None
    assert found[0][0].place.startswith("test_fuzz.py:")
    assert not any(taken for _, taken in found)
    assert list(tmp_path.iterdir()) == []


def test_what_takes_too_long_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "MAX_S", 0.0)
    finding, _ = judged(_reader(lambda _data, _folder: None), b"x", tmp_path)
    assert finding is not None
    assert finding.kind == "slow"


def test_each_fault_is_kept_once_by_its_smallest_input_and_known_inputs_are_not_counted(tmp_path: Path) -> None:
    def breaks(data: bytes, _folder: Path) -> None:
        if data:
            raise KeyError(data)

    tally = Tally(_reader(breaks), tmp_path / "report.json", known=1)
    for data in (b"", b"", b"long", b"x", b"yy"):
        tally.judge(data)
    tally.write()
    report = read_report(tmp_path / "report.json")
    assert (report.inputs, report.taken, [one.data for one in report.findings]) == (4, 1, [b"x"])


def test_blank_lines_before_a_header_are_no_rows() -> None:
    assert rows_of_csv(b"\r\n\na,b\n1,2\n,\n3,\n") == 2


def test_the_command_counts_its_inputs(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="it has no wheel for this system")
    command = [sys.executable, "-m", "tests.fuzz", "--inputs", "60", "--reader", "time", "--folder", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 inputs in" in done.stdout
    # Atheris remembers what reached code that the seeds did not.
    assert any((tmp_path / "corpus" / "time").iterdir())
