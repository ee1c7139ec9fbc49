"""The pages are executed: docs/decisions/2026-11-23-executed-docs.md says what the tag of a code block means."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from indexing.rules.parsing import parse_rules
from service.schemas.load_settings import load_settings
from tests.running_sample import ADMIN_TOKEN, RunningSample

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ADDRESS = "127.0.0.1:8080"
TAGS = {"bash", "console", "json", "jsonl", "toml", "markdown", "csv", "text", "python"}


class Block(NamedTuple):
    line: int
    tag: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page that begin at the start of a line."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    ]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


EXECUTED = [page for page in PAGES if any(block.tag == "bash" for block in blocks_of(page))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    assert [(block.line, block.tag) for block in blocks_of(page) if block.tag not in TAGS] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\d{4}-\d\d-\d\d-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text("utf-8")))
    assert listed == {file.name for file in folder.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_and_rules_that_are_shown_can_be_taken(page: Path, tmp_path: Path) -> None:
    for block in blocks_of(page):
        if block.text.startswith("# nearfield.toml"):
            (tmp_path / "nearfield.toml").write_text(block.text, encoding="utf-8")
            load_settings(tmp_path, {}, {})
        elif block.text.startswith("# rules.toml"):
            parse_rules(block.text, f"{name_of(page)}:{block.line}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_are_shown_exist(page: Path) -> None:
    """Each `nearfield` command line of a page, executed or only shown, is one that the program would parse."""
    from service.cli import nearfield

    text = "\n".join(block.text for block in blocks_of(page) if block.tag in {"bash", "console"}).replace("\\\n", " ")
    for line in re.findall(r"^(?:\$ )?(?:[A-Z_]+=\S* )*nearfield ([^|>#\n]*)", text, flags=re.MULTILINE):
        assert_known(nearfield, line.split())


def assert_known(group: Any, words: list[str]) -> None:
    """Every command and every `--flag` among the words is one that the program has."""
    command = group
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        context = click.Context(command)
        assert words[0] in command.list_commands(context), f"no command {words[0]!r} in {command.name}"
        command = command.get_command(context, words.pop(0))
    flags = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    used = {word.split("=")[0] for word in words if word.startswith("--")} - {"--help", "--version"}
    assert used <= flags, f"{command.name} has no {used - flags}"


@pytest.mark.parametrize("page", EXECUTED, ids=name_of)
def test_a_page_is_executed(page: Path, running_sample: RunningSample) -> None:
    answer = ""
    for block in blocks_of(page):
        if block.tag == "bash":
            answer = execute(block, running_sample, name_of(page))
        elif block.tag == "json" and answer:
            assert_same_shape(json.loads(block.text), json.loads(answer), f"{name_of(page)}:{block.line}")
        else:
            answer = ""


def test_the_readme_shows_the_rows_that_the_sample_gives(running_sample: RunningSample) -> None:
    """In any order, as near rows may change places; all of them where texts are encoded as they were for the page."""
    from embedding.text.sentence_encoder import precision

    blocks = blocks_of(ROOT / "README.md")
    asked = next(block for block in blocks if block.tag == "bash")
    shown = json.loads(next(block for block in blocks if block.tag == "json").text)
    came = json.loads(execute(asked, running_sample, "README.md"))
    same = [row for row in rows_of(came) if row in rows_of(shown)]
    assert len(same) >= (3 if str(precision("cpu")) == "torch.float32" else 2), came
    # `nearfield run` says to ask the same, for more rows.
    (printed,) = re.findall(r"curl 'http://[^/]+(/v1/[^?]+\?market=SE)", running_sample.printed)
    assert printed in asked.text


def rows_of(answer: Any) -> list[dict[str, object]]:
    return sorted(({**hit, "score": None} for hit in answer["hits"]), key=lambda hit: str(hit["id"]))


def execute(block: Block, sample: RunningSample, page: str) -> str:
    """Run a block as a person would, in the folder of the sample; its output."""
    # A curl that prints a problem has not shown what the page says.
    script = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n' + block.text
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(ADDRESS, sample.address)],
        cwd=sample.folder,
        env=os.environ
        | {"PATH": f"{sample.commands}{os.pathsep}{os.environ['PATH']}", "NEARFIELD_ADMIN_TOKEN": ADMIN_TOKEN},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, f"{page}:{block.line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def assert_same_shape(shown: object, came: object, where: str) -> None:
    """What is shown is in what came: each key, and of a list some element with the keys of each element shown."""
    if isinstance(shown, dict):
        assert isinstance(came, dict), where
        for key, value in shown.items():
            assert key in came, f"{where}: the answer has no {key!r}, but {sorted(came)}"
            assert_same_shape(value, came[key], f"{where}.{key}")
    elif isinstance(shown, list):
        assert isinstance(came, list), where
        assert bool(came) >= bool(shown), f"{where}: the answer is empty"
        for element in shown:
            if isinstance(element, dict):
                keys = {key for one in came for key in one}
                assert element.keys() <= keys, f"{where}: no element has {element.keys() - keys}"
    else:
        same = type(shown) is type(came) or (isinstance(shown, int | float) and isinstance(came, int | float))
        assert same, f"{where}: shown {shown!r}, came {came!r}"
