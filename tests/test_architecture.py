"""docs/architecture.md against the tree: every path is there, every room is told, and layers stand as it says."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = ("service", "nearfield", "indexing", "embedding")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def rooms_of(package: str) -> set[str]:
    """The folders of a package that hold modules."""
    return {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}


def stack_of(package: str) -> list[list[str]]:
    """The rooms of a package's table, top first; those that stand side by side together."""
    table = re.search(rf"^\| {package} \| holds \|\n.*?\n\n", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert table is not None, f"no table of the rooms of {package}"
    first_cells = [row.split("|")[1] for row in table[0].splitlines()[2:] if row]
    return [found for cell in first_cells if (found := re.findall(rf"`{package}/(\w+)/`", cell))]


def test_every_path_is_there() -> None:
    paths = re.findall(r"`((?:service|nearfield|indexing|embedding|tests|benchmarks|docs)/[\w/.]*)`", PAGE)
    assert len(paths) > 100
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_is_told_once(package: str) -> None:
    told = [room for level in stack_of(package) for room in level]
    assert sorted(told) == sorted(rooms_of(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_stand_as_the_contract_has_them(package: str) -> None:
    (contract,) = (one for one in CONTRACTS if one.get("containers") == [package])
    assert contract["exhaustive"]
    layers = [sorted(part.strip() for part in layer.split("|")) for layer in contract["layers"]]
    rooms = rooms_of(package)
    assert [layer for layer in layers if set(layer) <= rooms] == [sorted(level) for level in stack_of(package)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_stands_at_a_root_but_what_the_table_names(package: str) -> None:
    (root_row,) = re.findall(rf"^\| `{package}/` \| .*$", PAGE, flags=re.MULTILINE)
    modules = {path.stem for path in (ROOT / package).glob("*.py")} - {"__init__"}
    named = set(re.findall(r"`(\w+)`", root_row)) | {"run_command", "hunt_command", "search_eval_command"}
    assert modules - named == set()


def test_the_readme_leads_here() -> None:
    assert "(docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_paths_on_other_pages_and_in_comments_are_there_too() -> None:
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.name != "log.md"]
    modules = [path for package in (*PACKAGES, "tests", "benchmarks") for path in (ROOT / package).rglob("*.py")]
    missing = []
    for path in (ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml", *pages, *modules):
        text = path.read_text(encoding="utf-8")
        for named in re.findall(
            r"(?<![\w/.-])((?:service|nearfield|indexing|embedding|benchmarks)/[\w/]+\.py)\b", text
        ):
            if not (ROOT / named).exists():
                missing.append(f"{path.relative_to(ROOT)}: {named}")
    assert missing == []


@pytest.mark.parametrize("package", PACKAGES)
def test_tests_stand_in_the_rooms_of_what_they_test(package: str) -> None:
    folder = ROOT / "tests" / package
    assert {path.parent.name for path in folder.glob("*/__init__.py")} <= rooms_of(package)
    # What tests the package as a whole stands at its root.
    assert {path.name for path in folder.glob("test_*.py")} <= {
        "test_main.py",
        "test_pace.py",
        "test_progress.py",
        "test_registry.py",
    }
