"""Which fields of `extra` a build indexes, and whether a release has those that rules need."""

from contextlib import suppress
from pathlib import Path

from indexing.errors import RulesError
from indexing.payload.payload import checked_extra
from indexing.release.manifest import Manifest
from indexing.rules.declaration import RuleSet
from indexing.rules.reading import read_rules


def declared_fields(accepted: RuleSet, proposal: Path) -> tuple[str, ...]:
    """What is declared by the rules in force, and by the file that people edit: a rule in it may wait for this build.

    A file that is not there, or cannot be taken, declares nothing.
    """
    fields = accepted.extra_fields
    with suppress(RulesError):
        fields |= read_rules(proposal)[0].extra_fields
    return tuple(sorted(fields))


def check_payload_fields(ruleset: RuleSet, manifest: Manifest) -> None:
    """RulesError when a rule asks for a field that the points of the release do not have."""
    missing = sorted(ruleset.needed_fields.difference(manifest.extra_fields))
    if missing:
        raise RulesError(needs_build(missing[0], manifest))


def needs_build(field: str, manifest: Manifest) -> str:
    """What is told of a declared field of `extra` that the points of a release do not have."""
    name, field_type = checked_extra(field)
    return (
        f"extra.{name}: release {manifest.id} needs a build: its points were not indexed by this {field_type}. "
        "Declare it in the rules file, then: nearfield index build CATALOGUE --activate"
    )
