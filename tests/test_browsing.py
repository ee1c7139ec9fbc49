"""Browsing and everyday wishes over HTTP: thresholds, fields, raw vectors, facets, suggestions, listings.

Nothing is imported of the product but its commands and its application, nor of the other tests: older builds can be
asked, too.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient

from service.cli import nearfield
from service.main import build_app

Row = dict[str, Any]
Client = TestClient[Litestar]
SE = {"market": "SE"}
TOKEN = {"Authorization": "Bearer of-a-test"}
BANDS = ("The Distant Orchards", "Northern Lanterns", "Café Zéphyr")


def rows() -> list[Row]:
    """Sixty rows: twenty of each band, every fifth in the United States alone, every seventh explicit."""
    return [
        {
            "id": f"row-{number:02}",
            "kind": "track" if number % 2 else "episode",
            "title": f"{('Harbour', 'Saxophone', 'Winter')[number % 3]} Evening {number}",
            "creator": BANDS[number // 20],
            "tags": ["calm", "late"] if number % 4 else ["calm"],
            "language": "en-GB" if number % 6 else "sv",
            "explicit": not number % 7,
            "published_at": f"2024-01-{1 + number % 28:02}",
            "popularity": number / 100,
            "availability": [{"market": "*" if number % 5 else "US"}],
        }
        for number in range(60)
    ]


SHOWN = [row for row in rows() if row["availability"] == [{"market": "*"}]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("browsed")
    before = Path.cwd()
    os.chdir(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEARFIELD_ADMIN_TOKEN", "of-a-test")
        Path("c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
        built = CliRunner().invoke(nearfield, ["index", "build", "c.jsonl", "--activate"])
        assert built.exit_code == 0, built.output
        try:
            with TestClient(build_app()) as service:
                yield service
        finally:
            os.chdir(before)


def post(client: Client, path: str, body: Row, status: int = 200) -> Row:
    response = client.post(path, json={"context": SE} | body)
    assert response.status_code == status, response.text
    answer: Row = response.json()
    return answer


def get(client: Client, path: str, status: int = 200, **parameters: Any) -> Row:
    response = client.get(path, params={"market": "SE"} | parameters)
    assert response.status_code == status, response.text
    answer: Row = response.json()
    return answer


def listed(client: Client, **parameters: Any) -> list[Row]:
    items: list[Row] = []
    page: Row = {"next_cursor": None}
    while "next_cursor" in page:
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = get(client, "/v1/items", **parameters, **cursor)
        items += page["items"]
    return items


def counts(facet: Row) -> dict[str, int]:
    return {one["value"]: one["count"] for one in facet["values"]}


def test_a_threshold_ends_a_list_and_says_so(client: Client) -> None:
    body = {"seeds": [{"id": "row-01"}], "limit": 40}
    whole = post(client, "/v1/similar", body)["hits"]
    least = whole[4]["score"]
    found = post(client, "/v1/similar", body | {"score_threshold": least})
    assert [hit["id"] for hit in found["hits"]] == [hit["id"] for hit in whole if hit["score"] >= least]
    assert "score-threshold" in found["short_reason"]


def test_only_the_fields_that_are_named_come(client: Client) -> None:
    body = {"seeds": [{"id": "row-01"}], "limit": 1}
    (hit,) = post(client, "/v1/similar", body | {"fields": ["title", "album", "vector"]})["hits"]
    # By which space it was scored is said of the score, not of the row.
    assert set(hit) - {"space"} == {"id", "score", "title", "album", "vector"}
    assert hit["album"] is None
    told = post(client, "/v1/similar", body | {"fields": ["titel"]}, 400)["detail"]
    assert "'title'" in told
    assert "'vector'" in told


def test_a_raw_vector_is_a_seed(client: Client) -> None:
    (hit,) = post(client, "/v1/similar", {"seeds": [{"id": "row-01"}], "limit": 1, "fields": ["vector"]})["hits"]
    again = post(client, "/v1/similar", {"seeds": [{"vector": hit["vector"]}], "limit": 3})
    assert again["hits"][0]["id"] == hit["id"]
    assert again["hits"][0]["score"] == pytest.approx(1, abs=1e-5)
    zeros = post(client, "/v1/similar", {"seeds": [{"vector": [0] * len(hit["vector"])}]}, 400)["detail"]
    assert zeros.startswith("seeds[0].vector: ")
    short = post(client, "/v1/similar", {"seeds": [{"vector": [1, 2]}]}, 400)["detail"]
    assert f"expected {len(hit['vector'])} numbers" in short


def test_facets_count_what_may_be_shown_and_nothing_else(client: Client) -> None:
    answer = post(client, "/v1/facets", {})
    assert answer["count"] == len(SHOWN)
    facets = answer["facets"]
    assert counts(facets["kind"]) == Counter(row["kind"] for row in SHOWN)
    assert counts(facets["language"]) == Counter(row["language"] for row in SHOWN)
    assert counts(facets["tags"]) == Counter(tag for row in SHOWN for tag in row["tags"])
    assert counts(facets["creators"]) == Counter(row["creator"] for row in SHOWN)
    calm = post(client, "/v1/facets", {"filter": {"field": "creators", "equals": BANDS[0]}, "kinds": ["track"]})
    assert calm["count"] == sum(row["creator"] == BANDS[0] and row["kind"] == "track" for row in SHOWN)
    top = post(client, "/v1/facets", {"fields": ["tags"], "limit": 1})["facets"]["tags"]
    assert (counts(top), top["other"]) == ({"calm": len(SHOWN)}, sum("late" in row["tags"] for row in SHOWN))
    clean = post(client, "/v1/facets", {"context": SE | {"explicit": False, "blocked_creators": [BANDS[1].upper()]}})
    assert clean["count"] == sum(not row["explicit"] and row["creator"] != BANDS[1] for row in SHOWN)


def test_titles_and_names_are_suggested_by_prefix_with_an_error_forgiven(client: Client) -> None:
    def texts(q: str, **more: Any) -> list[str]:
        return [one["text"] for one in get(client, "/v1/suggest", q=q, limit=100, **more)["suggestions"]]

    assert texts("sax") == [row["title"] for row in reversed(SHOWN) if row["title"].startswith("Sax")]
    assert texts("lanterns") == ["Northern Lanterns"]
    assert texts("cafe ze") == ["Café Zéphyr"]
    assert texts("Ocrhard") == texts("orchrd") == texts("orcharrd") == texts("orcgard") == ["The Distant Orchards"]
    assert texts("harbour evening 5") == ["Harbour Evening 57", "Harbour Evening 54", "Harbour Evening 51"]
    assert texts("lanterns", blocked_creators=json.dumps([BANDS[1]])) == []
    assert texts("winter evening 20", market="US") == ["Winter Evening 20"]
    assert texts("winter evening 20") == []


def test_items_are_listed_page_by_page_in_every_order(client: Client) -> None:
    whole = listed(client, limit=7)
    assert [row["id"] for row in whole] == [row["id"] for row in SHOWN]
    assert whole[0]["tags"] == SHOWN[0]["tags"]
    newest = sorted(SHOWN, key=lambda row: row["published_at"], reverse=True)
    assert [row["id"] for row in listed(client, limit=11, order="newest", fields="")] == [row["id"] for row in newest]
    popular = [row["id"] for row in reversed(SHOWN)]
    assert [row["id"] for row in listed(client, limit=1_000, order="popular", fields="title")] == popular
    late = listed(client, filter=json.dumps({"field": "tags", "equals": "late"}), kinds="track", explicit=False)
    assert [row["id"] for row in late] == [
        row["id"] for row in SHOWN if "late" in row["tags"] and row["kind"] == "track" and not row["explicit"]
    ]
    assert "1000" in get(client, "/v1/items", 400, limit=1_001)["detail"]


def test_what_changes_is_counted_suggested_and_listed_from_the_next_request_on(client: Client) -> None:
    """The last of this file: it changes what the others see."""
    hidden = client.put("/v1/items/row-01/takedown", headers=TOKEN)
    assert hidden.status_code == 200, hidden.text
    put = {"id": "row-99", "kind": "track", "title": "Tambourine", "creator": "NORTHERN LANTERNS", "tags": ["new"]}
    changed = client.put("/v1/items", headers=TOKEN, json={"items": [put]})
    assert changed.status_code == 200, changed.text
    facets = post(client, "/v1/facets", {"limit": 100})
    assert facets["count"] == len(SHOWN)
    assert counts(facets["facets"]["tags"])["new"] == 1
    lanterns = sum(row["creator"] == BANDS[1] for row in SHOWN)
    assert counts(facets["facets"]["creators"])["Northern Lanterns"] == lanterns + 1
    suggested = get(client, "/v1/suggest", q="tambuorine")["suggestions"]
    assert [one["text"] for one in suggested] == ["Tambourine"]
    assert (
        get(client, "/v1/suggest", q="saxophone evening 1", limit=100)["suggestions"][-1]["text"]
        != "Saxophone Evening 1"
    )
    ids = [row["id"] for row in listed(client, limit=9)]
    assert "row-01" not in ids
    assert ids[-1] == "row-99"
