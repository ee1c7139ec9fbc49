"""What a rules file may say, and what it means: `rules.toml` read into a RuleSet, or refused with the reason."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from embedding.rows import Id, Name, name_key
from indexing.errors import RulesError
from indexing.rules.arrangement import Arrangement

Say = Literal["allow", "deny"]

# Raised when the same file would mean something else, so that versions never stand for two meanings.
_MEANING = 1

# Every key of the file, with what it takes: errors, `rules check` and the test of docs/rules.md read this.
KEYS: dict[str, str] = {
    "windows": "a table without keys",
    "explicit": "a table with the key unknown",
    "explicit.unknown": '"allow" or "deny"',
    "languages": "a table with the key unknown",
    "languages.unknown": '"allow" or "deny"',
    "age": "a table without keys",
    "kinds": "a table without keys",
    "blocked": "a table with the keys items and creators",
    "blocked.items": "a list of item ids, each a string of 1 to 512 characters",
    "blocked.creators": "a list of creators' names, each a string of 1 to 1,000 characters",
    "seen": "a table with the key exclude",
    "seen.exclude": "true or false",
}


class NoSay(Struct, frozen=True):
    """A rule that is always in force as it is."""


class UnknownSay(Struct, frozen=True):
    """What a rule does with an item of which the field is not known."""

    unknown: Say = "allow"


class Blocked(Struct, frozen=True):
    """What nobody is shown; creators as written in the file."""

    items: tuple[Id, ...] = ()
    creators: tuple[Name, ...] = ()


class Seen(Struct, frozen=True):
    """What is done with items that a known user has heard."""

    exclude: bool = True


class RuleSet(Struct, frozen=True, kw_only=True):
    """One accepted rules file; the hard rules it does not mention are in force with their defaults."""

    windows: NoSay = NoSay()
    explicit: UnknownSay = UnknownSay()
    languages: UnknownSay = UnknownSay()
    age: NoSay = NoSay()
    kinds: NoSay = NoSay()
    blocked: Blocked = Blocked()
    seen: Seen = Seen()

    @property
    def exclude_seen(self) -> bool:
        """Whether items that a known user has heard are left out."""
        return self.seen.exclude

    def arrangement(self, switches: Mapping[str, bool]) -> Arrangement:
        """What the arrangement rules say for a request that set `switches`; RulesError for one that none declares."""
        if switches:
            raise RulesError(f"switches: no rule declares one, {', '.join(sorted(switches))} came: leave it out")
        return Arrangement(exclude_seen=self.exclude_seen)

    @property
    def blocked_items(self) -> frozenset[str]:
        """Ids of the items that nobody is shown."""
        return frozenset(self.blocked.items)

    @property
    def blocked_creators(self) -> frozenset[str]:
        """Creators that nobody is shown, in `name_key` form."""
        return frozenset(name_key(name) for name in self.blocked.creators)


DEFAULT_RULES_TEXT = Path(__file__).with_name("rules.toml").read_text(encoding="utf-8")


def parse_rules(text: str, source: str) -> RuleSet:
    """The rules in `text`; RulesError names `source` (the file), the key, what was expected and what came."""
    try:
        # A byte order mark is what some editors put in front, and no part of TOML.
        table = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{source}: expected TOML, and it cannot be read as that: {error}") from error
    _refuse_unknown_keys(table, source)
    try:
        return msgspec.convert(table, RuleSet)
    except msgspec.ValidationError as error:
        key = _key_of(str(error))
        raise RulesError(f"{source}: {key}: expected {KEYS[key]}, {_value_at(table, key)!r} came") from error


def rules_version(ruleset: RuleSet) -> str:
    """16 hex digits of a hash over what the rules mean: comments, order and spelling of the file do not change it."""
    meaning = {
        "meaning": _MEANING,
        "explicit": ruleset.explicit.unknown,
        "languages": ruleset.languages.unknown,
        "blocked_items": sorted(ruleset.blocked_items),
        "blocked_creators": sorted(ruleset.blocked_creators),
        "exclude_seen": ruleset.exclude_seen,
    }
    return blake2b(msgspec.json.encode(meaning, order="deterministic"), digest_size=8).hexdigest()


def _refuse_unknown_keys(table: dict[str, Any], source: str) -> None:
    for name, content in table.items():
        _refuse_unknown_key(name, source)
        if isinstance(content, dict):
            for key in content:
                _refuse_unknown_key(f"{name}.{key}", source)


def _refuse_unknown_key(key: str, source: str) -> None:
    if key in KEYS:
        return
    table, _, name = key.rpartition(".")
    siblings = [known for known in KEYS if known.rpartition(".")[0] == table]
    there_are = ", ".join(siblings) if siblings else "none"
    close = difflib.get_close_matches(key, siblings, n=1) or difflib.get_close_matches(
        name, [known.rpartition(".")[2] for known in siblings], n=1
    )
    hint = f"; did you mean {close[0]}?" if close else ""
    where = f"a key of the table [{table}]" if table else "a table"
    raise RulesError(f"{source}: {key}: expected {where} ({there_are}), an unknown one came{hint}")


def _key_of(message: str) -> str:
    """The key in a message of msgspec, which ends in ``- at `$.blocked.items[...]` ``."""
    found = re.search(r"at `\$\.([a-z_.]+)", message)
    return found.group(1) if found else ""


def _value_at(table: dict[str, Any], key: str) -> Any:
    value: Any = table
    for step in key.split("."):
        value = value[step]
    return value
