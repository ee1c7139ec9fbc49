"""The page to try the API on: complete, and working in a browser that reaches nothing but this service."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.copied_folders import copied
from tests.service.conftest import Client
from tests.service.served import TOKEN, served
from tests.service.world import ODD_ID

CHROMIUM = Path("/usr/bin/chromium")


def test_every_route_is_described_with_its_failures(client: Client) -> None:
    schema = client.get("/schema/openapi.json").json()
    assert set(schema["paths"]) == {
        "/v1/items",
        "/v1/items/{item_id}",
        "/v1/items/{item_id}/takedown",
        "/v1/items/{item_id}/similar",
        "/v1/items/{item_id}/why",
        "/v1/similar",
        "/v1/recommend",
        "/v1/search",
        "/v1/facets",
        "/v1/suggest",
        "/v1/batch",
        "/v1/takedowns",
        "/v1/changes/{number}",
        "/v1/rules",
        "/v1/releases",
        "/v1/releases/{release_id}/activate",
        "/health/live",
        "/health/ready",
    }
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert all(operation["summary"] and operation["description"] for operation in operations)
    problems = [
        media
        for operation in operations
        for status, response in operation["responses"].items()
        if status not in ("200", "202")
        for media in response["content"]
    ]
    assert set(problems) == {"application/problem+json", "application/json"}
    assert problems.count("application/json") == 1, "only /health/ready answers 503 with its own shape"
    assert len({operation["operationId"] for operation in operations}) == len(operations)


@pytest.mark.parametrize("path", ["/v1/similar", "/v1/recommend", "/v1/search"])
def test_the_examples_give_hits(client: Client, text_client: Client, path: str) -> None:
    for service in (client, text_client):
        operation = service.get("/schema/openapi.json").json()["paths"][path]["post"]
        example = operation["requestBody"]["content"]["application/json"]["example"]
        response = service.post(path, json=example)
        assert response.status_code == 200, response.text
        assert len(response.json()["hits"]) == 10


def test_every_route_has_a_scope(client: Client) -> None:
    scopes = {
        (route.path, handler.opt.get("scope"))
        for route in client.app.routes
        for handler in getattr(route, "route_handlers", [])
        if handler.handler_name != "options_handler"
    }
    changing = {"/v1/items/{item_id:str}/takedown", "/v1/changes/{number:int}"}
    assert {scope for path, scope in scopes if path in changing} == {"write"}
    assert {scope for path, scope in scopes if path.startswith(("/v1/releases", "/v1/rules", "/v1/takedowns"))} == {
        "admin"
    }
    both = {"/v1/items", "/v1/items/{item_id:str}"}
    assert {scope for path, scope in scopes if path in both} == {"query", "write"}
    rest = {path for path, _ in scopes if path.startswith("/v1")} - changing - both
    rest -= {path for path in rest if path.startswith(("/v1/releases", "/v1/rules", "/v1/takedowns"))}
    assert {scope for path, scope in scopes if path in rest} == {"query"}
    assert {scope for path, scope in scopes if path.startswith("/health")} == {"health"}
    assert {scope for path, scope in scopes if path.startswith("/schema")} == {"docs"}


@pytest.fixture
def address(tower_world: Path, tmp_path: Path) -> Iterator[str]:
    with served(copied(tower_world, tmp_path / "world")) as address:
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    """A browser page whose every request beyond this machine is refused, and fails the test."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs a browser at {CHROMIUM}: apt-get install chromium")
    beyond: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "data:")):
            route.continue_()
        else:
            beyond.append(route.request.url)
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.route("**/*", refuse)
        errors: list[Any] = []
        page.on("pageerror", lambda error: errors.append(error))
        yield page
        browser.close()
    assert beyond == []
    assert errors == []


def test_a_request_is_tried_from_the_page(address: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{address}/schema")
    expect(page.locator("h2.title")).to_contain_text("Nearfield")
    operation = page.locator(".opblock", has_text="/v1/similar").filter(has_text="Items near weighted seeds")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer.locator(".response-col_status").nth(1)).to_contain_text("200")
    expect(answer).to_contain_text('"hits"')
    expect(answer).to_contain_text('"score"')
    # For a person who wants to look.
    page.screenshot(path=tmp_path / "page.png", full_page=True)


def test_a_change_is_tried_from_the_page_with_the_token(address: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{address}/schema")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(TOKEN)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".auth-btn-wrapper .btn-done").click()
    operation = page.locator("#operations-changes-put_items")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer.locator(".response-col_status").nth(1)).to_contain_text("200")
    expect(answer).to_contain_text('"revision"')
    page.screenshot(path=tmp_path / "put.png", full_page=True)


def test_a_real_server_leaves_escapes_as_they_were_sent(address: str) -> None:
    with urllib.request.urlopen(f"{address}/v1/items/a%2Fb%20c%3F%25%C3%A9") as response:
        assert json.load(response)["id"] == ODD_ID
