"""The rules file is taken up when it is good; a bad or missing one leaves the accepted rules in force, and says so."""

from pathlib import Path

import pytest

from indexing.errors import RulesError
from indexing.rules.declaration import RuleSet
from indexing.state.file_rules import AcceptedRules
from indexing.state.proposal import Proposal, refused_rules

DENY = '[explicit]\nunknown = "deny"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "rules"


def says(folder: Path) -> str:
    return AcceptedRules(folder).current()[1].explicit.unknown


def test_no_file_and_nothing_accepted_is_the_packaged_default_and_no_complaint(file: Path, folder: Path) -> None:
    Proposal(file, folder).take_up()
    assert says(folder) == "allow"
    assert refused_rules(folder) is None
    assert not folder.exists()


def test_a_good_file_is_put_in_force_and_so_is_its_change(file: Path, folder: Path) -> None:
    proposal = Proposal(file, folder)
    file.write_text(DENY)
    proposal.take_up()
    assert says(folder) == "deny"
    file.write_text("")
    proposal.take_up()
    assert says(folder) == "allow"
    assert refused_rules(folder) is None


@pytest.mark.parametrize("bad", ["[explicit]\nunknwon = 1\n", "[explicit", "\x00"])
def test_a_bad_change_is_refused_with_its_reason_until_it_is_mended(file: Path, folder: Path, bad: str) -> None:
    proposal = Proposal(file, folder)
    file.write_text(DENY)
    proposal.take_up()
    file.write_text(bad)
    proposal.take_up()
    assert says(folder) == "deny"
    reason = refused_rules(folder)
    assert reason is not None
    assert str(file) in reason
    assert AcceptedRules(folder).current()[0] in reason
    file.write_text(DENY + "\n")
    proposal.take_up()
    assert refused_rules(folder) is None


def test_after_a_restart_a_bad_file_still_leaves_the_accepted_rules(file: Path, folder: Path) -> None:
    file.write_text(DENY)
    Proposal(file, folder).take_up()
    file.write_text("[explicit]\nunknown = 3\n")
    Proposal(file, folder).take_up()
    assert says(folder) == "deny"
    assert "explicit.unknown" in (refused_rules(folder) or "")


def test_a_file_that_went_away_leaves_the_accepted_rules_and_says_so(file: Path, folder: Path) -> None:
    proposal = Proposal(file, folder)
    file.write_text(DENY)
    proposal.take_up()
    file.unlink()
    proposal.take_up()
    assert says(folder) == "deny"
    assert "is not there" in (refused_rules(folder) or "")


def test_a_file_that_does_not_fit_is_refused_until_a_release_is_live_that_it_fits(file: Path, folder: Path) -> None:
    proposal = Proposal(file, folder)
    tried: list[str] = []

    def look(release: str) -> None:
        def fits(ruleset: RuleSet) -> None:
            tried.append(release)
            if release == "r1" and ruleset.explicit.unknown == "deny":
                raise RulesError("extra.mood: release r1 needs a build")

        proposal.take_up(release, fits)

    file.write_text(DENY)
    for _ in range(2):
        look("r1")
        assert says(folder) == "allow"
        assert "r1 needs a build" in (refused_rules(folder) or "")
    look("r2")
    assert says(folder) == "deny"
    assert refused_rules(folder) is None
    assert tried == ["r1", "r2"]


def test_a_file_that_did_not_change_is_not_read_again(file: Path, folder: Path) -> None:
    proposal = Proposal(file, folder)
    file.write_text(DENY)
    proposal.take_up()
    kept = next(folder.glob("*.toml"))
    kept.unlink()
    proposal.take_up()
    assert not kept.exists()
