"""The doctor's own tests ask with as many canaries as a real build does."""

import pytest


@pytest.fixture(autouse=True)
def all_canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in indexing/building/gate.py."""
    monkeypatch.setattr("indexing.building.gate._CANARIES", 50)
