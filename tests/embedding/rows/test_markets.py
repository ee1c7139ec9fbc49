import pytest

from embedding.rows.markets import MARKETS, expected_market, is_market


def test_the_standard_assigns_249_codes_and_leaves_42_to_users() -> None:
    assert len(MARKETS) == 249 + 42


@pytest.mark.parametrize("code", ["SE", "GB", "US", "XK", "*"])
def test_markets_are_taken(code: str) -> None:
    assert is_market(code)


@pytest.mark.parametrize("code", ["se", "UK", "EU", "SWE", "", "S", "SE ", "SE\n", "**", "XW", "XE", "XU"])
def test_others_are_not(code: str) -> None:
    assert not is_market(code)


@pytest.mark.parametrize(("came", "meant"), [("uk", "GB"), ("UK", "GB"), ("se", "SE"), ("EL", "GR")])
def test_the_code_that_was_meant_is_named(came: str, meant: str) -> None:
    assert f"did you mean {meant}" in expected_market(came)


def test_worldwide_is_said_by_a_star() -> None:
    assert 'say [{"market": "*"}]' in expected_market("XW")
    assert "name its countries" in expected_market("xe")
