"""The console script `nearfield`: its commands, and the exit code and message of an error."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from embedding.interruption import (
    EXIT_INTERRUPTED,
    end_on_interrupt,
    ends_while_importing,
    leave_interrupted,
    say_stopped,
)

# It takes a good part of a second, in which a person may think better of it.
with ends_while_importing():
    import click

    from embedding.commands import adapt, check, evaluate, import_set, sample, shorten, train, tune
    from embedding.errors import NearfieldError, UsageError
    from indexing.command_options import EXIT_FAILED
    from indexing.commands import export as export_commands
    from indexing.commands import index as index_commands
    from indexing.commands import rules as rules_commands
    from indexing.commands import state as state_commands
    from service import hunt_command, run_command, search_eval_command
    from service.schemas.load_settings import load_settings
    from service.workers import commands as serve_commands

EXIT_USAGE = 2

# What the machine, not the program, can be short of: a message is enough, a traceback would only hide it.
_MACHINE_ERRORS = frozenset(
    {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}
    # Names that were typed: a file where a folder should be, a folder for a file, a name longer than any.
    | {errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
)


class _InTheOrderOfUse(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click names it
        """Commands as they are mounted, not by the alphabet."""
        return list(self.commands)


@click.group(cls=_InTheOrderOfUse, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nearfield", message="%(prog)s %(version)s")
@click.pass_context
def nearfield(context: click.Context) -> None:
    """Vector search over tracks and podcast episodes, under the business's own rules.

    Commands typed in one folder find one another through its .nearfield/ folder; settings come from its
    nearfield.toml, from NEARFIELD_* variables and from flags, in rising order.

    \b
    Example:
      nearfield run
    """
    context.obj = load_settings(Path(), os.environ, {})


for command in (
    run_command.run,
    sample.sample,
    import_set.import_,
    check.check,
    train.train,
    evaluate.evaluate,
    search_eval_command.search_eval,
    shorten.shorten,
    tune.tune,
    adapt.adapt,
    index_commands.index,
    export_commands.export,
    rules_commands.rules,
    serve_commands.serve,
    state_commands.state,
):
    nearfield.add_command(command)
# It asks the running service, which is above the room of the rules.
rules_commands.rules.add_command(hunt_command.hunt)


def main() -> None:
    """The console script: runs the command that was typed and leaves with its exit code (docs/settings.md)."""
    end_on_interrupt()
    code = exit_code(lambda: nearfield.main(standalone_mode=False))
    if code == EXIT_INTERRUPTED:
        leave_interrupted()
    sys.exit(code)


def exit_code(command: Callable[[], object]) -> int:
    """Run `command` to its end and say how it went: a message on stderr where a person can mend it.

    A fault of our own keeps its traceback.
    """
    try:
        code = command()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say_stopped()
        return EXIT_INTERRUPTED
    except NearfieldError as error:
        click.echo(f"nearfield: {error}", err=True)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
    except BrokenPipeError:
        # The reader of stdout went away (`nearfield … | head`); what Python would flush at exit has no taker either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except OSError as error:
        if error.errno not in _MACHINE_ERRORS:
            return _fault()
        click.echo(f"nearfield: could not go on: {error}", err=True)
        return EXIT_FAILED
    except Exception:
        return _fault()
    return code if isinstance(code, int) else 0


def _fault() -> int:
    traceback.print_exc()
    click.echo(
        "nearfield: this is a fault in nearfield, not in what you typed. "
        "Please report it with the lines above and `nearfield --version`.",
        err=True,
    )
    return EXIT_FAILED
