"""Rules files: what they may say, how a wrong one is refused, and which one is in force."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import fields

from embedding.errors import DamagedError, UsageError
from indexing.errors import RulesError
from indexing.rules.accepted import AcceptedRules
from indexing.rules.arrangement import Arrangement
from indexing.rules.commands import meaning_of, rules
from indexing.rules.declaration import (
    DEFAULT_RULES_TEXT,
    KEYS,
    Blocked,
    RuleSet,
    Seen,
    UnknownSay,
    parse_rules,
    rules_version,
)

DENYING = '[explicit]\nunknown = "deny"\n'


def test_the_packaged_file_says_every_key_and_means_the_defaults() -> None:
    assert parse_rules(DEFAULT_RULES_TEXT, "packaged") == RuleSet()
    assert parse_rules("", "empty") == RuleSet()
    tables = {name for name in KEYS if "." not in name}
    assert set(re.findall(r"^\[(\w+)\]$", DEFAULT_RULES_TEXT, re.MULTILINE)) == tables
    for key in KEYS.keys() - tables:
        table, name = key.split(".")
        section = DEFAULT_RULES_TEXT.partition(f"[{table}]")[2].partition("\n[")[0]
        assert re.search(rf"^{name} = ", section, re.MULTILINE)


def test_the_table_of_keys_is_that_of_the_rule_set() -> None:
    named = set()
    for table in fields(RuleSet):
        named |= {table.name} | {f"{table.name}.{key.name}" for key in fields(table.type)}
    assert named == set(KEYS)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_docs_explain_every_key(key: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    table, _, name = key.partition(".")
    section = text.partition(f"## `[{table}]`")[2].partition("\n## ")[0]
    assert section, f"docs/rules.md has no section for [{table}]"
    assert not name or re.search(rf"^- `{name}`", section, re.MULTILINE), f"docs/rules.md has no line for {key}"


def test_a_whole_file_is_read() -> None:
    text = (
        '\ufeff[explicit]\nunknown = "deny"\n[languages]\nunknown="deny"\n[windows]\n[age]\n[kinds]\n'
        '[blocked]\nitems = ["a", "b"]\ncreators = ["Ana  B"]\n[seen]\nexclude = false\n'
    )
    ruleset = parse_rules(text, "rules.toml")
    assert ruleset == RuleSet(
        explicit=UnknownSay("deny"),
        languages=UnknownSay("deny"),
        blocked=Blocked(("a", "b"), ("Ana  B",)),
        seen=Seen(exclude=False),
    )
    assert ruleset.blocked_creators == {"ana b"}
    assert not ruleset.exclude_seen


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[explicit\n", r"r\.toml: expected TOML, and it cannot be read as that: .*line 1"),
        ("[explicit]\nunknwon = 'deny'", r"r\.toml: explicit\.unknwon: .*; did you mean explicit\.unknown\?"),
        ("[explict]", r"r\.toml: explict: expected a table \(windows, explicit, .*; did you mean explicit\?"),
        ("unknown = 'deny'", r"r\.toml: unknown: expected a table"),
        ("[windows]\nfrom = 1", r"r\.toml: windows\.from: expected a key of the table \[windows\] \(none\)"),
        ("[seen]\nexcluded = true", r"did you mean seen\.exclude\?"),
        ("[explicit]\nunknown = 'Deny'", r"explicit\.unknown: expected \"allow\" or \"deny\", 'Deny' came"),
        ("explicit = 'deny'", r"explicit: expected a table with the key unknown, 'deny' came"),
        ("[[blocked]]", r"blocked: expected a table with the keys items and creators, \[\{\}\] came"),
        ("[blocked]\nitems = 'a'", r"blocked\.items: expected a list of item ids, .*, 'a' came"),
        ("[blocked]\nitems = ['a', 7]", r"blocked\.items: .*\['a', 7\] came"),
        ("[blocked]\nitems = ['']", r"blocked\.items: .* came"),
        ("[blocked]\ncreators = ['  ']", r"blocked\.creators: expected a list of creators' names"),
        ("[seen]\nexclude = 1", r"seen\.exclude: expected true or false, 1 came"),
        ("[seen]\nexclude = 'yes'", r"seen\.exclude: expected true or false, 'yes' came"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_key(text: str, words: str) -> None:
    with pytest.raises(RulesError, match=words):
        parse_rules(text, "r.toml")


def test_the_version_is_of_the_meaning() -> None:
    first = parse_rules('[blocked]\nitems = ["a", "b"]\ncreators = ["Ana B", "Cy"]', "x")
    same = parse_rules('# note\n[age]\n[blocked]\ncreators = ["cy", "ANA  b"]\nitems = ["b", "a", "b"]', "y")
    assert rules_version(first) == rules_version(same)
    assert re.fullmatch("[0-9a-f]{16}", rules_version(first))
    others = ["", DENYING, DENYING.replace("explicit", "languages"), "[seen]\nexclude = false",
              "[blocked]\nitems = ['Cy']", "[blocked]\ncreators = ['Cy']"]  # fmt: skip
    versions = {rules_version(parse_rules(text, "x")) for text in others}
    assert len(versions | {rules_version(first)}) == len(others) + 1
    # What was accepted by an earlier release of the product is found under the same name.
    assert rules_version(RuleSet()) == "933541de5657a414"


@pytest.fixture
def proposal(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(DENYING)
    return path


def test_the_last_accepted_file_is_in_force_after_a_restart_too(tmp_path: Path, proposal: Path) -> None:
    folder = tmp_path / ".nearfield" / "rules"
    accepted, other_process = AcceptedRules(folder), AcceptedRules(folder)
    assert accepted.current() == (rules_version(RuleSet()), RuleSet())
    version = accepted.propose(proposal)
    for reader in (accepted, other_process, AcceptedRules(folder)):
        assert reader.current() == (version, RuleSet(explicit=UnknownSay("deny")))
    assert (folder / f"{version}.toml").read_text() == DENYING
    proposal.unlink()
    assert AcceptedRules(folder).current()[0] == version


@pytest.mark.parametrize("bad", [b"[explicit]\nunknwon = 1", b"\xff\xfe", b"[", None])
def test_a_bad_or_missing_proposal_changes_nothing(tmp_path: Path, proposal: Path, bad: bytes | None) -> None:
    folder = tmp_path / "rules"
    accepted = AcceptedRules(folder)
    version = accepted.propose(proposal)
    before = sorted((path.name, path.read_bytes()) for path in folder.iterdir())
    proposal.unlink() if bad is None else proposal.write_bytes(bad)
    with pytest.raises(RulesError, match=re.escape(str(proposal))):
        accepted.propose(proposal)
    assert sorted((path.name, path.read_bytes()) for path in folder.iterdir()) == before
    assert accepted.current()[0] == AcceptedRules(folder).current()[0] == version


def test_fresh_tells_each_switch_once_and_a_spoilt_one_once(tmp_path: Path, proposal: Path) -> None:
    folder = tmp_path / "rules"
    here, elsewhere = AcceptedRules(folder), AcceptedRules(folder)
    default, _ = here.opened()
    assert here.fresh() is None
    version = elsewhere.propose(proposal)
    assert here.fresh() == (version, RuleSet(explicit=UnknownSay("deny")))
    assert here.fresh() is None
    (folder / "accepted").write_text("spoilt\n")
    with pytest.raises(DamagedError, match="Accept a rules file again"):
        here.fresh()
    assert here.fresh() is None
    (folder / "accepted").unlink()
    assert here.fresh() == (default, RuleSet())


def test_a_switch_is_seen_by_every_process_at_once(tmp_path: Path, proposal: Path) -> None:
    first, second = AcceptedRules(tmp_path / "rules"), AcceptedRules(tmp_path / "rules")
    denying = first.propose(proposal)
    assert second.current()[0] == denying
    proposal.write_text("[seen]\nexclude = false")
    unseen = first.propose(proposal)
    assert second.current() == (unseen, RuleSet(seen=Seen(exclude=False)))
    proposal.write_text(DENYING + "# again")
    assert first.propose(proposal) == denying
    assert second.current()[0] == denying


def test_an_accepted_file_that_was_edited_or_lost_is_damage(tmp_path: Path, proposal: Path) -> None:
    folder = tmp_path / "rules"
    version = AcceptedRules(folder).propose(proposal)
    kept = folder / f"{version}.toml"
    kept.write_text("[seen]\nexclude = false")
    with pytest.raises(DamagedError, match=f"was accepted as {version} and is now [0-9a-f]{{16}}. Accept a rules file"):
        AcceptedRules(folder).current()
    kept.unlink()
    with pytest.raises(DamagedError, match=r"cannot be read: .* Accept a rules file again, or remove"):
        AcceptedRules(folder).current()
    (folder / "accepted").write_bytes(b"\x00\xff")
    with pytest.raises(DamagedError, match=r"accepted should hold a version, it holds .* Accept a rules file"):
        AcceptedRules(folder).current()


def test_a_folder_that_cannot_be_a_rules_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="it cannot be read: Is a directory"):
        AcceptedRules(tmp_path / "rules").propose(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(rules, words)


def test_init_writes_the_packaged_file_once(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    assert run("init", str(path)).exit_code == 0
    assert path.read_text(encoding="utf-8") == DEFAULT_RULES_TEXT
    path.write_text("# mine")
    refused = run("init", str(path))
    assert isinstance(refused.exception, UsageError)
    assert "is there already" in str(refused.exception)
    assert path.read_text() == "# mine"
    lost = run("init", str(tmp_path / "no" / "rules.toml"))
    assert isinstance(lost.exception, UsageError)
    assert os.strerror(2) in str(lost.exception)


def test_check_says_version_and_meaning(proposal: Path) -> None:
    said = run("check", str(proposal))
    assert said.exit_code == 0
    assert f"version {rules_version(RuleSet(explicit=UnknownSay('deny')))}" in said.stdout
    assert "[explicit] where a request wants no explicit items, those not known are kept out" in said.stdout
    as_json = run("check", str(proposal), "--json")
    assert as_json.stdout.startswith('{"version":')
    proposal.write_text("[sean]")
    refused = run("check", str(proposal))
    assert isinstance(refused.exception, RulesError)
    assert "did you mean seen?" in str(refused.exception)


def test_every_table_has_its_meaning_in_words() -> None:
    assert list(meaning_of(RuleSet())) == [key for key in KEYS if "." not in key]


def test_the_packaged_arrangement_leaves_out_seen_items_and_second_copies_and_nothing_else() -> None:
    assert RuleSet().arrangement({}) == Arrangement()
    assert RuleSet(seen=Seen(exclude=False)).arrangement({}) == Arrangement(exclude_seen=False)
    with pytest.raises(RulesError, match="switches: no rule declares one, variety came"):
        RuleSet().arrangement({"variety": False})
