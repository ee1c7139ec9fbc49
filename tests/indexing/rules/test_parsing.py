"""Rules files: what they may say, how a wrong one is refused, and which one is in force."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import fields

from embedding.errors import DamagedError, UsageError
from indexing.commands.rules import rules
from indexing.errors import RulesError
from indexing.rules.arrangement import Arrangement
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.descriptions import descriptions_of
from indexing.rules.parsing import DEFAULT_RULES_TEXT, parse_rules
from indexing.rules.tables import (
    KEYS,
    Blocked,
    Caps,
    Diversity,
    Duration,
    Extra,
    Freshness,
    Kinds,
    OwnLanguage,
    Popularity,
    Published,
    Recordings,
    Seen,
    Switch,
    Tags,
    UnknownSay,
)
from indexing.state.file_rules import AcceptedRules

DENYING = '[explicit]\nunknown = "deny"\n'


def test_the_packaged_file_says_every_key_and_means_the_defaults() -> None:
    assert parse_rules(DEFAULT_RULES_TEXT, "packaged") == RuleSet()
    assert parse_rules("", "empty") == RuleSet()
    for key in KEYS:
        table, _, name = key.rpartition(".")
        if not table:
            # Tables that a file names are shown behind a #.
            assert re.search(rf"^(# )?\[{key}(\.\w+)?\]$", DEFAULT_RULES_TEXT, re.MULTILINE), key
        elif name != "NAME":
            title = table.replace(".NAME", ".")
            sections = DEFAULT_RULES_TEXT.split(f"[{title}")[1:]
            assert any(re.search(rf"^(# )?{name} = ", section, re.MULTILINE) for section in sections), key


def test_what_stands_behind_a_hash_can_be_taken() -> None:
    text = re.sub(r"^# (?=[\[a-z_]+(?:[.a-z_]*\]| = ))", "", DEFAULT_RULES_TEXT, flags=re.MULTILINE)
    ruleset = parse_rules(text, "uncommented")
    assert set(ruleset.extra) == {"mood", "bpm"}
    assert ruleset.caps == Caps(2, 5)
    assert ruleset.published.after == "2020-01-01"
    assert set(ruleset.switches) == {"variety"}


def test_the_table_of_keys_is_that_of_the_rule_set() -> None:
    named = set()
    for table in fields(RuleSet):
        made_of = {"extra": ("extra.NAME", Extra), "switches": ("switches.NAME", Switch)}
        prefix, inner = made_of.get(table.name, (table.name, table.type))
        named |= {table.name, prefix} | {f"{prefix}.{key.name}" for key in fields(inner)}
    assert named == set(KEYS)


@pytest.mark.parametrize("key", sorted(key for key in KEYS if not key.endswith("NAME")))
def test_docs_explain_every_key(key: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
    table, _, name = key.partition(".")
    section = text.partition(f"## `[{table}]`")[2].partition("\n## ")[0]
    assert section, f"docs/rules.md has no section for [{table}]"
    assert not name or re.search(rf"^- `{name}`", section, re.MULTILINE), f"docs/rules.md has no line for {key}"


def test_a_whole_file_is_read() -> None:
    text = (
        '\ufeff[explicit]\nunknown = "deny"\n[languages]\nunknown="deny"\n[windows]\n[age]\n[kinds]\n'
        'allowed = ["track"]\n[blocked]\nitems = ["a", "b"]\ncreators = ["Ana  B"]\n[seen]\nexclude = false\n'
        '[tags]\nallowed = ["jazz"]\ndenied = ["ad"]\n[published]\nafter = 2020-01-01\n'
        'before = 2021-01-01T00:00:00+01:00\nunknown = "deny"\n[duration]\nmin_s = 30\nmax_s = 60.5\n'
        '[extra.mood]\ntype = "keyword"\ndenied = ["grim"]\n[extra.bpm]\ntype = "integer"\nmin = 60\n'
        "[caps]\nper_creator = 2\n[diversity]\nstrength = 0.3\n[freshness]\nboost = 0.1\nhalf_life_days = 7\n"
        "[popularity]\nboost = -0.2\n[own_language]\nboost = 0.05\n[recordings]\nonce = false\n"
        '[switches.variety]\nrules = ["caps", "extra.mood"]\ndefault = false\n'
    )
    ruleset = parse_rules(text, "rules.toml")
    assert ruleset == RuleSet(
        explicit=UnknownSay("deny"),
        languages=UnknownSay("deny"),
        kinds=Kinds(("track",)),
        blocked=Blocked(("a", "b"), ("Ana  B",)),
        tags=Tags(("jazz",), ("ad",)),
        published=Published("2020-01-01", "2021-01-01T00:00:00+01:00", "deny"),
        duration=Duration(30.0, 60.5),
        extra={"mood": Extra("keyword", denied=("grim",)), "bpm": Extra("integer", min=60.0)},
        caps=Caps(per_creator=2),
        diversity=Diversity(0.3),
        freshness=Freshness(0.1, 7.0),
        popularity=Popularity(-0.2),
        own_language=OwnLanguage(0.05),
        recordings=Recordings(once=False),
        seen=Seen(exclude=False),
        switches={"variety": Switch(("caps", "extra.mood"), default=False)},
    )
    assert ruleset.blocked_creators == {"ana b"}
    assert ruleset.extra_fields == ruleset.needed_fields == {"extra.keyword.mood", "extra.integer.bpm"}
    assert parse_rules('[extra.mood]\ntype = "keyword"', "x").needed_fields == frozenset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[explicit\n", r"r\.toml: expected TOML, and it cannot be read as that: .*line 1"),
        (f"a = {'9' * 4301}", r"r\.toml: expected TOML, and it cannot be read as that: .*4300 digits"),
        (f"a = {'[' * 2000}", r"r\.toml: expected TOML, and it cannot be read as that: .*recursion"),
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
        ("[kinds]\nallowed = []", r"kinds\.allowed: expected a list of one or both of .*, \[\] came"),
        ("[kinds]\nallowed = ['song']", r"kinds\.allowed: .*\['song'\] came"),
        ("[tags]\ndenid = []", r"tags\.denid: .*; did you mean tags\.denied\?"),
        ("[tags]\nallowed = ['a']\ndenied = ['a']", r"tags\.denied: expected none of those in .*'a' is in both"),
        ("[published]\nafter = '2020-13-01'", r"published\.after: expected a time in RFC 3339 .*'2020-13-01' came"),
        ("[published]\nafter = 12:00:00", r"published\.after: expected a time in RFC 3339"),
        ("[published]\nafter = 2021-01-01\nbefore = 2020-01-01", r"published\.before: expected a time after .*'2020-"),
        ("[duration]\nmin_s = 60\nmax_s = 30", r"duration\.max_s: expected duration\.min_s \(60\) or more, 30 came"),
        ("[duration]\nmin_s = -1", r"duration\.min_s: expected a number of seconds, .*-1 came"),
        ("[duration]\nmax_s = nan", r"duration\.max_s: expected a number of seconds"),
        ("[extra]\nmood = 'keyword'", r"extra\.mood: expected a table with the key type, .*'keyword' came"),
        ("extra = 1", r"extra: expected a table \[extra\.NAME\] for each field .*1 came"),
        ("[extra.mood]", r"extra\.mood\.type: expected \"keyword\", \"integer\" or \"float\", and it is left out"),
        ("[extra.mood]\ntype = 'text'", r"extra\.mood\.type: expected \"keyword\", .*'text' came"),
        ("[extra.mood]\ntype = 'keyword'\nmin = 1", r"extra\.mood\.min: expected no such key for .* keyword"),
        ("[extra.bpm]\ntype = 'float'\nallowed = ['1']", r"extra\.bpm\.allowed: .* float \(it has min, max, unknown\)"),
        ("[extra.bpm]\ntype = 'float'\nmax = 1e16", r"extra\.bpm\.max: expected a number within .*1e\+16 came"),
        ("[extra.bpm]\ntyp = 'float'", r"extra\.bpm\.typ: .*did you mean .*type\?"),
        ("[extra.'a.b']\ntype = 'float'", r"extra\.a\.b"),
        ("[extra.'1']\ntype = 'float'", r"extra\.1: expected a name of letters, .*'1' came"),
        ("[caps]\nper_creator = 0", r"caps\.per_creator: expected a whole number, 1 to 1,000, 0 came"),
        ("[diversity]\nstrength = 1.5", r"diversity\.strength: expected a number, 0 to 1, 1\.5 came"),
        ("[freshness]\nhalf_life_days = 0", r"freshness\.half_life_days: .*, 0 came"),
        ("[popularity]\nboost = inf", r"popularity\.boost: expected a number, -100 to 100, inf came"),
        ("[own_language]\nboost = 101", r"own_language\.boost: expected a number, -100 to 100, 101 came"),
        ("[switches.v]", r"switches\.v\.rules: expected a list of one or more .*, and it is left out"),
        ("[switches.v]\nrules = []", r"switches\.v\.rules: .*\[\] came"),
        ("[switches.v]\nrules = ['windows']", r"switches\.v\.rules: expected rules among caps, .*'windows' came"),
        ("[switches.v]\nrules = ['cap']", r"'cap' came; did you mean caps\?"),
        ("[switches.v]\nrules = ['caps']\n[switches.w]\nrules = ['caps']", r"switches\.w\.rules: .*'v' too"),
        ("[switches.v]\nrules = ['caps']\ndefault = 'on'", r"switches\.v\.default: expected true or false, 'on' came"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_key(text: str, words: str) -> None:
    with pytest.raises(RulesError, match=words):
        parse_rules(text, "r.toml")


def test_the_version_is_of_the_meaning() -> None:
    first = parse_rules('[blocked]\nitems = ["a", "b"]\ncreators = ["Ana B", "Cy"]', "x")
    same = parse_rules('# note\n[age]\n[blocked]\ncreators = ["cy", "ANA  b"]\nitems = ["b", "a", "b"]', "y")
    assert rules_version(first) == rules_version(same)
    assert rules_version(parse_rules("[tags]\ndenied = ['b', 'a', 'b']", "x")) == rules_version(
        parse_rules("[tags]\ndenied = ['a', 'b']\n[kinds]\nallowed = ['episode', 'track']", "y")
    )
    assert re.fullmatch("[0-9a-f]{16}", rules_version(first))
    others = ["", DENYING, DENYING.replace("explicit", "languages"), "[seen]\nexclude = false",
              "[blocked]\nitems = ['Cy']", "[blocked]\ncreators = ['Cy']", "[kinds]\nallowed=['track']",
              "[tags]\nallowed=['a']", "[tags]\ndenied=['a']", "[published]\nafter=2020-01-01",
              "[published]\nbefore=2020-01-01", "[published]\nunknown='deny'", "[duration]\nmin_s=1",
              "[extra.a]\ntype='keyword'", "[extra.a]\ntype='float'", "[extra.a]\ntype='float'\nmin=1",
              "[caps]\nper_tag=1", "[diversity]\nstrength=1", "[freshness]\nboost=1", "[popularity]\nboost=1",
              "[own_language]\nboost=1", "[recordings]\nonce=false", "[switches.a]\nrules=['caps']",
              "[switches.a]\nrules=['caps']\ndefault=false"]  # fmt: skip
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
    assert "[explicit]      where a request wants no explicit items, those not known are kept out" in said.stdout
    as_json = run("check", str(proposal), "--json")
    assert as_json.stdout.startswith('{"version":')
    proposal.write_text("[sean]")
    refused = run("check", str(proposal))
    assert isinstance(refused.exception, RulesError)
    assert "did you mean seen?" in str(refused.exception)


def test_every_table_has_its_meaning_in_words() -> None:
    plain = [key for key in KEYS if "." not in key and key not in ("extra", "switches")]
    assert list(descriptions_of(RuleSet())) == plain
    text = (
        "[tags]\nallowed = ['a', 'b']\ndenied = ['c']\n[published]\nafter = 2020-01-01\n[duration]\nmax_s = 600\n"
        "[extra.bpm]\ntype = 'integer'\nmin = 60\nunknown = 'deny'\n[extra.mood]\ntype = 'keyword'\n"
        "[caps]\nper_creator = 2\n[switches.variety]\nrules = ['caps', 'diversity']\n"
    )
    meaning = descriptions_of(parse_rules(text, "x"))
    assert meaning["tags"] == "an item needs the tag a or b; one with the tag c is kept out"
    assert meaning["published"] == "items published from 2020-01-01 on are shown; those of unknown time are shown"
    assert meaning["duration"] == "items of 600 or less s long are shown; those not known are shown"
    assert meaning["extra.bpm"] == "items of 60 or more are shown; those not known are kept out"
    assert meaning["extra.mood"] == "requests may filter by this keyword"
    assert meaning["caps"] == "at most 2 hits of a creator"
    assert meaning["switches.variety"] == "a request may turn caps and diversity on and off; unsaid it is on"


def test_the_packaged_arrangement_leaves_out_seen_items_and_second_copies_and_nothing_else() -> None:
    assert RuleSet().arrangement({}) == Arrangement()
    assert RuleSet(seen=Seen(exclude=False)).arrangement({}) == Arrangement(exclude_seen=False)


def test_a_request_switches_what_is_declared_and_nothing_else() -> None:
    text = (
        "[caps]\nper_creator = 2\nper_tag = 3\n[diversity]\nstrength = 0.4\n[freshness]\nboost = 0.1\n"
        "half_life_days = 7\n[popularity]\nboost = 0.2\n[own_language]\nboost = 0.3\n[tags]\ndenied = ['x']\n"
        "[switches.variety]\nrules = ['caps', 'diversity']\n"
        "[switches.news]\nrules = ['freshness', 'popularity', 'own_language', 'recordings', 'seen']\ndefault = false\n"
        "[switches.gentle]\nrules = ['tags']\n"
    )
    ruleset = parse_rules(text, "x")
    varied = Arrangement(max_per_creator=2, max_per_tag=3, diversity=0.4, same_recording=True, exclude_seen=False)
    assert ruleset.arrangement({}) == ruleset.arrangement({"variety": True, "news": False, "gentle": False}) == varied
    assert ruleset.arrangement({"variety": False, "news": True}) == Arrangement(
        freshness=0.1, freshness_half_life_days=7.0, popularity=0.2, own_language=0.3
    )
    # What changes which items may be shown, and is not as it is unsaid, is part of the context.
    assert ruleset.hard_switches({"variety": False, "news": True, "gentle": True}) == frozenset()
    assert ruleset.hard_switches({"variety": False, "gentle": False}) == {("gentle", False)}
    with pytest.raises(RulesError, match="switches: the rules declare gentle, news, variety; 'varied' came"):
        ruleset.arrangement({"varied": False})
    with pytest.raises(RulesError, match="the rules declare no switches at all; 'variety' came"):
        RuleSet().arrangement({"variety": False})
