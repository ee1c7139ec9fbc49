"""`rules.toml` parsed into a RuleSet, or refused with the file, the key, what was expected and what came."""

import difflib
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from indexing.errors import RulesError
from indexing.rules.declaration import RuleSet, at_us
from indexing.rules.tables import KEYS, Extra, Switch

# Tables of which a file makes as many as it likes, each under a name of its own.
_NAMED: dict[str, type[Extra | Switch]] = {"extra": Extra, "switches": Switch}
# What stands for such a name in KEYS.
_ANY_NAME = "NAME"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

DEFAULT_RULES_TEXT = Path(__file__).with_name("rules.toml").read_text(encoding="utf-8")

T = TypeVar("T")


def parse_rules(text: str, source: str) -> RuleSet:
    """The rules in `text`; RulesError names `source` (the file), the key, what was expected and what came."""
    try:
        # A byte order mark is what some editors put in front, and no part of TOML.
        table = tomllib.loads(text.removeprefix("\ufeff"))
    # tomllib has no error of its own for numbers of thousands of digits and for lists without end.
    except (ValueError, RecursionError) as error:
        raise RulesError(f"{source}: expected TOML, and it cannot be read as that: {error}") from error
    try:
        return _ruleset(table)
    except RulesError as error:
        raise RulesError(f"{source}: {error}") from error


def _ruleset(table: dict[str, Any]) -> RuleSet:
    for key in _keys(table):
        _refuse_unknown_key(key)
    if isinstance(published := table.get("published"), dict):
        # TOML has dates of its own; as a string a time means the same.
        table["published"] = {k: v.isoformat() if isinstance(v, date) else v for k, v in published.items()}
    plain = {name: content for name, content in table.items() if name not in _NAMED}
    ruleset = _convert(plain, RuleSet, "")
    extra = {name: _convert(one, Extra, f"extra.{name}.") for name, one in _tables(table, "extra")}
    switches = {name: _convert(one, Switch, f"switches.{name}.") for name, one in _tables(table, "switches")}
    ruleset = msgspec.structs.replace(ruleset, extra=extra, switches=switches)
    _check_published(ruleset)
    _check_bounds("duration", ("min_s", ruleset.duration.min_s), ("max_s", ruleset.duration.max_s))
    _check_disjoint("tags", ruleset.tags.allowed, ruleset.tags.denied)
    for name, one in extra.items():
        _check_extra(f"extra.{name}", one)
    _check_switches(ruleset)
    return ruleset


def _keys(table: dict[str, Any]) -> Iterator[str]:
    """The dotted key of everything in the file, as far down as keys go."""
    for name, content in table.items():
        yield name
        for key, value in content.items() if isinstance(content, dict) else ():
            yield f"{name}.{key}"
            if name in _NAMED and isinstance(value, dict):
                yield from (f"{name}.{key}.{inner}" for inner in value)


def _tables(table: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    content = table.get(name, {})
    if not isinstance(content, dict):
        raise _wrong(name, content)
    return list(content.items())


def _convert(table: Any, into: type[T], prefix: str) -> T:
    if not isinstance(table, dict):
        raise _wrong(prefix.removesuffix("."), table)
    try:
        return msgspec.convert(table, into)
    except msgspec.ValidationError as error:
        if missing := re.search(r"missing required field `(\w+)`", str(error)):
            key = f"{prefix}{missing.group(1)}"
            raise RulesError(f"{key}: expected {_expected(key)}, and it is left out") from error
        # The message ends in ``- at `$.blocked.items[...]` ``.
        found = re.search(r"at `\$\.([a-z_.]+)", str(error))
        key = found.group(1) if found else ""
        value: Any = table
        for step in key.split("."):
            value = value[step]
        raise _wrong(f"{prefix}{key}", value) from error


def _wrong(key: str, came: Any) -> RulesError:
    return RulesError(f"{key}: expected {_expected(key)}, {came!r} came")


def _expected(key: str) -> str:
    return KEYS[_pattern(key)]


def _pattern(key: str) -> str:
    """The key as KEYS has it: with NAME in the place of a name that the file gives."""
    steps = key.split(".")
    if steps[0] in _NAMED and len(steps) > 1:
        steps[1] = _ANY_NAME
    return ".".join(steps)


def _refuse_unknown_key(key: str) -> None:
    pattern = _pattern(key)
    if pattern in KEYS:
        name = key.split(".")[1] if pattern != key else None
        if name is not None and not _NAME.fullmatch(name):
            raise RulesError(
                f"{key}: expected a name of letters, digits, _ and - that begins with a letter, {name!r} came"
            )
        return
    table, _, name = key.rpartition(".")
    parent = _pattern(table) if table else ""
    siblings = [known for known in KEYS if known.rpartition(".")[0] == parent]
    there_are = ", ".join(siblings).replace(parent, table) if siblings else "none"
    close = difflib.get_close_matches(key, siblings, n=1) or difflib.get_close_matches(
        name, [known.rpartition(".")[2] for known in siblings], n=1
    )
    hint = f"; did you mean {close[0]}?" if close else ""
    where = f"a key of the table [{table}]" if table else "a table"
    raise RulesError(f"{key}: expected {where} ({there_are}), an unknown one came{hint}")


def _check_published(ruleset: RuleSet) -> None:
    for name in ("after", "before"):
        time = getattr(ruleset.published, name)
        try:
            at_us(time)
        except ValueError as error:
            raise _wrong(f"published.{name}", time) from error
    after, before = at_us(ruleset.published.after), at_us(ruleset.published.before)
    if after is not None and before is not None and after >= before:
        raise RulesError(
            f"published.before: expected a time after that of published.after ({ruleset.published.after}), "
            f"{ruleset.published.before!r} came: nothing is published then"
        )


def _check_bounds(table: str, least: tuple[str, float | None], most: tuple[str, float | None]) -> None:
    if least[1] is not None and most[1] is not None and least[1] > most[1]:
        raise RulesError(
            f"{table}.{most[0]}: expected {table}.{least[0]} ({least[1]:g}) or more, {most[1]:g} came: "
            "no number lies between"
        )


def _check_disjoint(table: str, allowed: tuple[str, ...], denied: tuple[str, ...]) -> None:
    if both := sorted(set(allowed) & set(denied)):
        raise RulesError(f"{table}.denied: expected none of those in {table}.allowed, {both[0]!r} is in both")


def _check_extra(table: str, extra: Extra) -> None:
    keyword, number = ("allowed", "denied"), ("min", "max", "unknown")
    silent = Extra(extra.type)
    for name in number if extra.type == "keyword" else keyword:
        if getattr(extra, name) != getattr(silent, name):
            takes = ", ".join(keyword if extra.type == "keyword" else number)
            raise RulesError(f"{table}.{name}: expected no such key for a field of type {extra.type} (it has {takes})")
    _check_bounds(table, ("min", extra.min), ("max", extra.max))
    _check_disjoint(table, extra.allowed, extra.denied)


def _check_switches(ruleset: RuleSet) -> None:
    switch_of: dict[str, str] = {}
    for name, switch in ruleset.switches.items():
        for rule in dict.fromkeys(switch.rules):
            if rule not in ruleset.switchable:
                close = difflib.get_close_matches(rule, sorted(ruleset.switchable), n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                there_are = ", ".join(sorted(ruleset.switchable))
                raise RulesError(f"switches.{name}.rules: expected rules among {there_are}; {rule!r} came{hint}")
            if rule in switch_of:
                raise RulesError(
                    f"switches.{name}.rules: expected rules that no other switch turns off, "
                    f"{rule!r} stands under {switch_of[rule]!r} too"
                )
            switch_of[rule] = name
