"""Checks of our own for schemathesis: what the document allows is not refused as invalid, in batches nothing else is.

Loaded by the command `schemathesis` (`SCHEMATHESIS_HOOKS`), as tests/service/api/test_schemathesis.py runs it.
"""

import re
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

# What a JSON Schema cannot say, by the field that the problem names: order, repetition, registered names, depth, and
# what one field says of another.
_BEYOND_SCHEMA = re.compile(
    r"toml|text|filter|mix|cursor|seeds\[\d+\]\.vector"
    r"|items\[\d+\]\.(id|language|availability\[\d+\]\.until|chapters\[\d+\]\.start_s)"
)


@schemathesis.check
def allowed_is_not_invalid(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """A body that the document allows is no `invalid-request`, but for what no schema can say."""
    if _is_allowed(case) is not True:
        return
    for problem in _problems(response, case):
        if problem["type"].endswith((":invalid-request", ":malformed-json")):
            fields = [error["field"] for error in problem.get("errors", ())]
            assert fields, problem
            assert all(map(_BEYOND_SCHEMA.fullmatch, fields)), problem


@schemathesis.check
def batches_refuse_what_routes_do(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """A batch with a query that the document forbids says so in its place."""
    if case.operation.path == "/v1/batch" and _is_allowed(case) is False and response.status_code == 200:
        assert any(problem["status"] == 400 for problem in _problems(response, case)), response.json()


def _is_allowed(case: Case[Any]) -> bool | None:
    """Whether the document allows the request; None where it cannot be told."""
    return None if case.meta is None else case.meta.generation.mode.is_positive


def _problems(response: Response, case: Case[Any]) -> list[dict[str, Any]]:
    if response.status_code == 200 and case.operation.path == "/v1/batch":
        return [outcome["problem"] for outcome in response.json()["outcomes"] if "problem" in outcome]
    is_problem = response.headers.get("content-type") == ["application/problem+json"]
    return [response.json()] if is_problem else []
