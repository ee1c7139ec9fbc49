"""The command line as a whole: what is mounted, what help says, and how a command that failed ends."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from embedding.errors import MismatchError, NearfieldError, UsageError
from embedding.interruption import _Interruption, goes_on
from service.cli import exit_code, nearfield

NEARFIELD = Path(sys.executable).with_name("nearfield")


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([NEARFIELD, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def all_commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        here, command = (*path, name), group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, here)
        else:
            yield " ".join(here), command


def test_every_promised_command_is_mounted() -> None:
    promised = {
        *(
            "run",
            "sample",
            "import rss",
            "import table",
            "import playlist_archive",
            "check",
            "train",
            "evaluate",
            "serve",
        ),
        *("index build", "index status", "index activate", "index rollback", "index doctor"),
    }
    assert promised <= {name for name, _ in all_commands(nearfield)}


@pytest.mark.parametrize(("name", "command"), [pytest.param(*c, id=c[0]) for c in all_commands(nearfield)])
def test_each_command_explains_itself_with_an_example(name: str, command: click.Command) -> None:
    help_text = command.get_help(click.Context(command, info_name=name))
    assert "Example" in help_text
    assert f"nearfield {name}" in help_text
    undocumented = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert undocumented == []


def test_help_and_version(tmp_path: Path) -> None:
    shown = run("--help", folder=tmp_path)
    assert shown.returncode == 0
    assert "nearfield run" in shown.stdout
    assert run("--version", folder=tmp_path).stdout == f"nearfield {version('nearfield')}\n"


@pytest.mark.parametrize("arguments", [("sreve",), ("serve", "--prot", "1"), ("serve", "--port", "x"), ("train",)])
def test_wrong_use_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "Usage: nearfield" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_setting_stops_every_command_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "nearfield.toml").write_text('defalt_market = "SE"\n')
    done = run("index", "status", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "nearfield: nearfield.toml: no setting is called 'defalt_market'; did you mean 'default_market'?\n"
    )


def test_a_reader_that_went_away_is_no_fault(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; for i in 1 2 3; do {NEARFIELD} --help; done | true"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def raising(error: BaseException) -> int:
    def command() -> object:
        raise error

    return exit_code(command)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("expected a, came b"), 2),
        (NearfieldError("expected a, came b"), 1),
        (MismatchError("expected a, came b"), 1),
        (OSError(errno.ENOSPC, "expected a, came b"), 1),
        (PermissionError(errno.EACCES, "expected a, came b"), 1),
        (IsADirectoryError(errno.EISDIR, "expected a, came b"), 1),
        (NotADirectoryError(errno.ENOTDIR, "expected a, came b"), 1),
        (OSError(errno.ENAMETOOLONG, "expected a, came b"), 1),
        (click.BadParameter("expected a, came b"), 2),
        (click.ClickException("expected a, came b"), 1),
    ],
)
def test_what_a_person_can_mend_is_a_message(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(error) == code
    shown = capsys.readouterr().err
    assert "expected a, came b" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("error", [ZeroDivisionError("boom"), OSError(errno.EBADF, "boom")])
def test_a_fault_of_ours_keeps_its_traceback(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(error) == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "boom" in shown
    assert "nearfield --version" in shown


def test_ctrl_c_says_once_how_to_go_on(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedding.interruption._interruption", _Interruption())
    assert raising(KeyboardInterrupt()) == 130
    assert raising(click.Abort()) == 130
    assert capfd.readouterr().err == "nearfield: stopped. The same command does it again.\n"


def test_what_was_typed_says_how_to_go_on_and_not_what_it_runs(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedding.interruption._interruption", _Interruption())

    @goes_on("The inner.")
    def inner() -> None:
        raise KeyboardInterrupt

    assert exit_code(goes_on("The outer.")(inner)) == 130
    assert capfd.readouterr().err == "nearfield: stopped. The outer.\n"


def test_a_command_may_choose_its_exit_code() -> None:
    assert exit_code(lambda: None) == 0
    assert exit_code(lambda: 3) == 3
