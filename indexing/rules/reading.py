"""A rules file read and checked, and the packaged default that holds where none was ever accepted."""

from collections.abc import Callable
from pathlib import Path

from indexing.errors import RulesError
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.parsing import DEFAULT_RULES_TEXT, parse_rules

# Raises RulesError for rules that what is served cannot obey.
Fits = Callable[[RuleSet], None]


def anything(_ruleset: RuleSet) -> None:
    """Every rule set fits."""


def rules_in(data: bytes, source: str) -> RuleSet:
    """The rules in the bytes of a file, named `source` in errors; RulesError when they cannot be taken."""
    try:
        return parse_rules(data.decode(), source)
    except UnicodeDecodeError as error:
        raise RulesError(f"{source}: expected UTF-8, byte {error.start} is not: save it as UTF-8") from error


def rules_bytes(path: Path) -> bytes:
    """The bytes of a rules file; RulesError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RulesError(f"{path}: expected a rules file, it cannot be read: {error.strerror}") from error


def read_rules(path: Path) -> tuple[RuleSet, bytes]:
    """The rules in a file, and its bytes; RulesError when it cannot be read or taken."""
    data = rules_bytes(path)
    return rules_in(data, str(path)), data


_default_ruleset = parse_rules(DEFAULT_RULES_TEXT, "the packaged rules.toml")
DEFAULT_RULES = rules_version(_default_ruleset), _default_ruleset
"""Version and rules of the packaged default."""
