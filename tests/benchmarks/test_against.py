"""The comparison of two builds: its ratio and interval, its turns, and builds that are found, old and new."""

import ast
import io
import math
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from benchmarks.against import moved
from benchmarks.against.builds import Build, Player, Side, WholeRuns
from benchmarks.against.ratio import ratio_of
from benchmarks.against.report import report
from benchmarks.against.sitting import Turns, take_turns
from benchmarks.against.turn import Figure, Turn, children_of, cpu_s_of

ROOT = Path(__file__).parents[2]
RATE, TIME = Figure("asked", "/s"), Figure("p99", "ms")

TOY = """
from contextlib import contextmanager
from benchmarks.against.turn import Figure, Turn

@contextmanager
def opened(folder, arguments):
    print("what a benchmark prints stands in nobody's way")
    yield {Figure("toy", "/s"): lambda: Turn(float(arguments[0]), 2.0, 1.0)}
"""


def noisy(dice: Random, ratio: float, num: int) -> tuple[list[float], list[float]]:
    """Rates of two builds on a machine whose speed drifts, and of which each turn sees a little else."""
    speeds = [100 * math.exp(0.5 * math.sin(place / 9)) for place in range(num)]
    these, others = ([speed * math.exp(dice.gauss(0, 0.05)) for speed in speeds] for _ in range(2))
    return [ratio * this for this in these], others


def test_the_ratio_is_found_within_an_interval_that_holds_it_nineteen_times_of_twenty() -> None:
    dice = Random(1)
    found = [ratio_of(*noisy(dice, 0.9, 40)) for _ in range(400)]
    held = sum(ratio.low <= 0.9 <= ratio.high for ratio in found) / len(found)
    assert 0.92 <= held <= 0.98
    assert all(abs(ratio.middle - 0.9) < 0.05 for ratio in found)


def test_what_disturbs_single_turns_does_not_move_the_ratio() -> None:
    these, others = noisy(Random(2), 1.0, 40)
    quiet = ratio_of(these, others)
    for place in (3, 17, 30):
        these[place] /= 8
    disturbed = ratio_of(these, others)
    assert abs(disturbed.middle - quiet.middle) < 0.01
    assert disturbed.high - disturbed.low < 1.5 * (quiet.high - quiet.low)


def test_a_bar_is_met_when_the_interval_reaches_it() -> None:
    ratio = ratio_of([97.0, 97.9, 98.1, 99.0] * 3, [100.0] * 12)
    assert ratio.low < 0.98 < ratio.high < 1.0
    assert ratio.reaches(0.98)
    assert not ratio.reaches(1.0)


def test_two_pairs_say_nothing() -> None:
    with pytest.raises(ValueError, match="three pairs"):
        ratio_of([1.0, 1.0], [1.0, 1.0])


class Made(Side):
    """A side with figures made up, that notes when its turn was."""

    def __init__(self, name: str, speed: float, log: list[str], figures: list[Figure]) -> None:
        self.figures = figures
        self._name, self._speed, self._log = name, speed, log

    def take(self, figure: Figure, /) -> Turn:
        """A turn of a second."""
        self._log.append(f"{self._name} {figure.name}")
        return Turn(self._speed, 1.0, 0.5)


def test_sides_change_the_order_from_pair_to_pair_and_share_their_figures() -> None:
    log: list[str] = []
    turns: Turns = {}
    this, other = Made("this", 3.0, log, [RATE, TIME]), Made("other", 4.0, log, [RATE])
    for _ in range(3):
        take_turns(this, other, 0.0, turns)
    assert log == ["this asked", "other asked", "other asked", "this asked", "this asked", "other asked"]
    assert turns == {RATE: [(Turn(3.0, 1.0, 0.5), Turn(4.0, 1.0, 0.5))] * 3}


@pytest.mark.parametrize(
    ("bar", "missed", "verdict"), [(None, False, ""), (0.75, False, "met"), (0.76, True, "missed")]
)
def test_the_report_says_which_bars_are_missed(bar: float | None, missed: bool, verdict: str) -> None:
    slower = {
        RATE: [(Turn(3.0, 1.0, 0.4), Turn(4.0, 1.0, 0.5))] * 4,
        TIME: [(Turn(1.0, 0.01, 1.0), Turn(1.0, 0.02, 1.0))] * 4,
    }
    shown = Console(file=io.StringIO(), width=140)
    assert report("floor", slower, bar, shown) is missed
    lines = shown.file.getvalue().splitlines()  # type: ignore[attr-defined]
    (asked,) = (line for line in lines if "asked" in line)
    (p99,) = (line for line in lines if "p99" in line)
    assert all(cell in asked for cell in ("3 /s", "4 /s", "0.750 [0.750, 0.750]", "0.938 [0.938, 0.938]", verdict))
    # Half of the time is twice the speed.
    assert all(cell in p99 for cell in ("10.00 ms", "20.00 ms", "2.000 [2.000, 2.000]"))


def test_every_name_of_today_in_the_table_of_moved_names_is_there() -> None:
    assert [name for name in moved.OLDER if not is_defined(name)] == []


def is_defined(name: str) -> bool:
    module, _, attribute = name.partition(":")
    tree = ast.parse((ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8"))
    names = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names |= {leaf.id for target in node.targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=target)):
                names.add(target)
    return attribute in names


def test_turns_find_nothing_but_what_the_table_or_this_tree_has() -> None:
    for path in (ROOT / "benchmarks" / "against" / "turns").glob("*.py"):
        for name in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match name:
                case ast.Call(func=ast.Name(id="found" | "named"), args=[ast.Constant(value=str(asked))]):
                    assert asked in moved.OLDER, f"{path.name}: {asked}"


def test_an_older_build_has_it_under_its_older_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "world.py").touch()
    monkeypatch.setattr(moved, "_ROOT", tmp_path)
    assert moved.named("benchmarks.harness.world:build_world") == "benchmarks.world:build_world"
    with pytest.raises(LookupError, match=r"moved\.toml"):
        moved.named("benchmarks.floor.serving:served")
    (tmp_path / "benchmarks" / "harness").mkdir()
    (tmp_path / "benchmarks" / "harness" / "world.py").touch()
    assert moved.named("benchmarks.harness.world:build_world") == "benchmarks.harness.world:build_world"


def test_processors_are_counted_for_each_process() -> None:
    spends = "import sys, time\nwhile time.process_time() < .3: pass\n"
    code = spends + "print(time.process_time(), flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        used_s = float(child.stdout.readline())
        # Its own count has no ticks, and no end.
        assert used_s - 0.05 <= cpu_s_of(child.pid) < used_s + 1.0
        (shell,) = (pid for pid in children_of(os.getpid()) if pid == child.pid)
        assert children_of(shell) == []
        child.communicate()


@pytest.fixture
def toy(tmp_path: Path) -> Build:
    """A build with a comparison of its own, and a benchmark that ours has not."""
    against = tmp_path / "build" / "benchmarks" / "against"
    (against / "turns").mkdir(parents=True)
    for package in (against.parent, against, against / "turns"):
        (package / "__init__.py").touch()
    for own in ("player.py", "turn.py"):
        (against / own).write_bytes((ROOT / "benchmarks" / "against" / own).read_bytes())
    (against / "turns" / "toy.py").write_text(TOY)
    (against.parent / "whole.py").write_text(
        "import sys, pathlib\npathlib.Path('left').touch()\nsys.exit(int(sys.argv[1]))"
    )
    return Build(tmp_path / "build")


def test_a_build_takes_turns_by_its_own_copy(toy: Build, tmp_path: Path) -> None:
    with Player(toy, "toy", tmp_path / "worlds", ["7"]) as player:
        assert player.figures == [Figure("toy", "/s")]
        assert [player.take(player.figures[0]) for _ in range(2)] == [Turn(7.0, 2.0, 1.0)] * 2
    assert [folder.name for folder in (tmp_path / "worlds").iterdir()] == [toy.fingerprint()]


def test_a_build_that_breaks_ends_the_comparison(toy: Build, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="ended before its turn"):
        Player(toy, "nothing", tmp_path / "worlds", [])


def test_any_benchmark_can_be_run_as_a_whole(toy: Build) -> None:
    runs = WholeRuns(toy, "whole", ["0"])
    turn = runs.take(runs.figures[0])
    assert turn.work == 1.0
    assert 0.0 < turn.cpu_s < turn.wall_s + 1.0
    assert sorted(path.name for path in toy.root.iterdir()) == ["benchmarks"]
    with pytest.raises(SystemExit, match="ended with 1"):
        WholeRuns(toy, "whole", ["1"]).take(runs.figures[0])


def test_worlds_are_built_again_when_what_builds_them_changes(toy: Build) -> None:
    before = toy.fingerprint()
    assert toy.fingerprint() == before
    (toy.root / "indexing").mkdir()
    (toy.root / "indexing" / "columns.py").write_text("# other columns")
    assert toy.fingerprint() != before


def test_a_folder_without_benchmarks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no working tree"):
        Build(tmp_path)
