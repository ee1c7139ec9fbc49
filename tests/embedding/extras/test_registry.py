"""The extras that messages name against those of pyproject.toml, and the command that a person is given."""

import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from embedding.errors import UsageError
from embedding.extras.registry import EXTRAS, Extra, install_command, require

ROOT = Path(__file__).parents[3]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def test_they_are_those_of_the_distribution_and_its_tests_have_them() -> None:
    assert set(EXTRAS.names) == DECLARED.keys() - {"dev"}


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: extra.name)
def test_each_brings_what_it_must(extra: Extra) -> None:
    names = {canonicalize_name(Requirement(text).name) for text in DECLARED[extra.name]}
    assert names == {canonicalize_name(module) for module in extra.modules}


def test_the_tests_have_all_but_a_bucket() -> None:
    assert {line for name in EXTRAS.names if name != "s3" for line in DECLARED[name]} <= set(DECLARED["dev"])


def test_the_page_of_settings_lists_them() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for extra in EXTRAS:
        assert f"| `{extra.name}` | {extra.gives} |" in page


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_no_page_installs_into_whichever_environment_the_shell_has(page: Path) -> None:
    if page.name != "log.md":
        assert "`pip install" not in page.read_text(encoding="utf-8")
        assert "$ pip install" not in page.read_text(encoding="utf-8")


def test_what_is_missing_is_named_with_all_that_can_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    require("adapt", "`nearfield adapt`")
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setattr(sys, "executable", "/opt/near field/bin/python")
    with pytest.raises(UsageError) as raised:
        require("adapt", "`nearfield adapt`", "; or leave it.")
    assert str(raised.value) == (
        "`nearfield adapt` needs datasets, which is not installed. Install the extra: "
        "'/opt/near field/bin/python' -m pip install 'nearfield[adapt]'; or leave it."
    )


def test_in_a_clone_the_environment_is_named_as_it_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert install_command("gcsfs") == ".venv/bin/python -m pip install gcsfs"
