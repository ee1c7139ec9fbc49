"""`nearfield rules accept`: rules put in force for every host by one command."""

import asyncio
from pathlib import Path

import click

from indexing.command_options import by_option, json_option, pass_settings, print_json
from indexing.commands.acknowledged import wait_everywhere
from indexing.settings import IndexingSettings


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@by_option
@json_option
@pass_settings
def accept(settings: IndexingSettings, file: Path, by: str, as_json: bool) -> None:
    """Put FILE in force, in every running service from the next request on.

    On one host `nearfield serve` takes up its own rules file by itself. Where the state is in a database, rules come
    into force by this command alone, for all hosts at once.

    \b
    Example:
      nearfield rules accept rules.toml
    """
    version = asyncio.run(_accept(settings, file, by))
    print_json({"version": version}) if as_json else print(f"rules {version} are in force")


async def _accept(settings: IndexingSettings, file: Path, by: str) -> str:
    from indexing.releases.workspace import open_workspace
    from indexing.rules.declaration import RuleSet
    from indexing.rules.payload_fields import check_payload_fields
    from indexing.rules.reading import rules_bytes

    async with open_workspace(settings) as workspace:
        live = await workspace.live_or_none()

        def fits(ruleset: RuleSet) -> None:
            if live is not None:
                check_payload_fields(ruleset, live.release.manifest)

        version = await workspace.state.accept(rules_bytes(file), str(file), fits, by)
        await wait_everywhere(workspace.state, await workspace.state.end())
        return version
