"""Someone of whom nothing is known gets what is popular where they are, then what is fresh, and each hit says so."""

from collections import Counter
from typing import Any

import pytest

from tests.service.conftest import Client
from tests.service.queries.test_recommend import JAZZ_FAN, SE, ids, recommend
from tests.service.world import (
    ADULT,
    EXPLICIT,
    ITALIAN,
    NO_LANGUAGE,
    NOT_YET_OPEN,
    TASTES,
    UNHEARD,
    US_ONLY,
    ids_of,
    make_interactions,
)


def listeners() -> dict[str, int]:
    """How many users heard each item: what popularity is derived from."""
    return dict(Counter(item for _, item in {(row.user_id, row.item_id) for row in make_interactions()}))


def sources(answer: dict[str, Any]) -> list[str | None]:
    return [hit.get("source") for hit in answer["hits"]]


def check_most_popular_first(answer: dict[str, Any]) -> None:
    popular = [hit for hit in answer["hits"] if hit["source"] == "popular"]
    heard_by = listeners()
    counts = [heard_by[hit["id"]] for hit in popular]
    assert counts == sorted(counts, reverse=True)
    assert sources(answer) == ["popular"] * len(popular) + ["fresh"] * (len(answer["hits"]) - len(popular))


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": "nobody"},
        {"user_id": "nobody", "history": []},
        {"history": []},
        {"history": [{"id": "gone"}]},
        {"history": [{"id": "metal-8", "weight": 0}]},
    ],
)
def test_whoever_is_unknown_gets_all_there_is_popular_first(client: Client, body: dict[str, Any]) -> None:
    answer = recommend(client, limit=100, **body)
    # Three are closed in this context, and what was posted does not come back.
    assert len(answer["hits"]) == len(set(ids(answer))) == 77 - ("metal-8" in str(body))
    assert "short_reason" in answer
    check_most_popular_first(answer)
    assert [hit["id"] for hit in answer["hits"] if hit["source"] == "fresh"] == [UNHEARD]
    assert answer.get("skipped") == (["gone"] if "gone" in str(body) else None)
    assert ids(recommend(client, limit=5, **body)) == ids(answer)[:5]


def test_unlike_contexts_get_unlike_lists(client: Client) -> None:
    def asked(context: dict[str, Any], **more: Any) -> list[str]:
        answer = recommend(client, user_id="nobody", context=context, limit=10, **more)
        check_most_popular_first(answer)
        return ids(answer)

    talk, music = asked(SE, kinds=["episode"]), asked(SE, kinds=["track"])
    assert not set(talk) & set(music)
    assert len(talk) == len(music) == 10
    assert set(asked(SE | {"languages": ["it"]})) == {ITALIAN, NO_LANGUAGE}
    everywhere = set(ids(recommend(client, user_id="nobody", context={"market": "US"}, limit=100)))
    assert US_ONLY in everywhere
    assert NOT_YET_OPEN not in everywhere


def test_hard_rules_and_exclusions_hold(client: Client) -> None:
    best = ids(recommend(client, user_id="nobody", limit=6))
    context = SE | {"blocked_items": best[:1], "blocked_creators": ["JAZZ makers 1"], "explicit": False}
    answer = recommend(client, user_id="nobody", context=context, exclude=best[1:3], limit=60)
    kept_out = {*best[:3], US_ONLY, NOT_YET_OPEN, EXPLICIT, ADULT, *(f"jazz-{number}" for number in (1, 6, 11, 16))}
    assert len(set(ids(answer))) == 60
    assert set(ids(answer)) <= {item for taste in TASTES for item in ids_of(taste)} - kept_out
    check_most_popular_first(answer)


def test_a_listener_who_is_known_falls_back_on_nothing(client: Client) -> None:
    for body in ({"user_id": JAZZ_FAN}, {"history": [{"id": "metal-8"}]}):
        answer = recommend(client, limit=100, **body)
        assert set(sources(answer)) == {None}


def test_each_route_falls_back_alike(client: Client) -> None:
    body = {"user_id": "nobody", "context": SE, "limit": 7}
    batch = client.post("/v1/batch", json={"queries": [{"recommend": body}]}).json()
    # A cursor says when it was given.
    answer = batch["outcomes"][0]["answer"] | {"next_cursor": ""}
    assert answer == recommend(client, **body) | {"next_cursor": ""}
