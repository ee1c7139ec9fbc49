"""The table of benchmarks/README.md against the tree: claims stand where it says, folders and files are named."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
TABLE = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r'^\| "(.+)" \| \[[^\]]+\]\(([^)]+)\) \| `python -m benchmarks\.(\w+)[^`]*` \| (.*)\|$', TABLE, re.MULTILINE
)
# The room of what they share, and the way to compare builds by them.
NO_QUESTIONS = {"harness", "against"}
# What the log says of a benchmark stays, though the benchmark goes.
PAGES = [
    path
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "Makefile", *sorted((ROOT / "docs").rglob("*.md")))
    if path != ROOT / "docs" / "log.md"
]


def folders() -> set[str]:
    """Every folder that has a program."""
    return {path.parent.name for path in BENCHMARKS.glob("*/__main__.py")}


def test_every_row_of_the_table_is_read() -> None:
    assert len(ROWS) == sum(line.startswith('| "') for line in TABLE.splitlines()) > 20


@pytest.mark.parametrize(("claim", "page"), [(claim, page) for claim, page, _, _ in ROWS])
def test_a_claim_stands_where_the_table_says(claim: str, page: str) -> None:
    text = " ".join((BENCHMARKS / page).resolve().read_text(encoding="utf-8").split())
    assert claim.replace("\\|", "|") in text


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", TABLE)
    assert [link for link in links if not (BENCHMARKS / link).exists()] == []


def test_every_question_has_a_claim_that_rests_on_it() -> None:
    assert {name for _, _, name, _ in ROWS} == folders() - NO_QUESTIONS


def test_every_folder_is_a_question_or_shared() -> None:
    assert {path.parent.name for path in BENCHMARKS.glob("*/__init__.py")} == folders() | NO_QUESTIONS


def test_kept_outputs_and_configs_are_those_that_the_table_names() -> None:
    named = {(name, path) for _, _, name, files in ROWS for path in re.findall(r"\]\(([^)]+)\)", files)}
    kept = {
        path.relative_to(BENCHMARKS).as_posix() for kind in ("txt", "toml") for path in BENCHMARKS.rglob(f"*.{kind}")
    }
    assert {path for _, path in named} == kept - {"against/moved.toml"}
    assert all(path.startswith(f"{name}/") for name, path in named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_benchmark_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"python -m benchmarks\.(\w+)", text))
    assert named <= folders()
    paths = set(re.findall(r"benchmarks/[\w./]*\w", text))
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    targets = set(re.findall(r"make (bench[\w-]*)", text))
    assert targets <= set(re.findall(r"^(bench[\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_make_bench_runs_every_target_that_needs_no_more_than_a_machine() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(bench-[\w-]+):", text, re.MULTILINE))
    (run,) = re.findall(r"^bench: (.*?)  ##", text, re.MULTILINE)
    # A folder that `nearfield import` wrote, a device, a server's binary, another build.
    assert targets - set(run.split()) == {
        "bench-change",
        "bench-gpu",
        "bench-over-servers",
        "bench-cluster",
        "bench-against",
        "bench-first-answer",
    }
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets <= set(phony.split())


def test_what_the_readme_says_of_turns_is_so() -> None:
    said = re.search(r"For (.+) a process of each build stays", " ".join(TABLE.split()))
    assert said is not None
    turns = {path.stem for path in (BENCHMARKS / "against" / "turns").glob("*.py")} & folders()
    assert set(re.findall(r"`(\w+)`", said[1])) == turns
