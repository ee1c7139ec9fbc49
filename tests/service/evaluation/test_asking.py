"""A report is of one release."""

import asyncio

import pytest

from embedding.errors import NearfieldError
from embedding.progress import Reporter
from service.evaluation.asking import SearchReport, evaluate_search
from service.evaluation.questions import Question
from service.schemas.requests import Context
from service.workers.products import Json, Reply

QUESTIONS = [Question(f"question {number}", {"a": 1.0}, Context()) for number in range(3)]


class Switching:
    """Finds `a` in every search; after so many of them another release answers."""

    def __init__(self, searches_before: int) -> None:
        self._searches_before = searches_before

    async def ask(self, method: str, path: str, body: Json | None) -> Reply:
        if method == "GET":
            return Reply(200, {"id": path.rpartition("/")[2]})
        assert body is not None
        self._searches_before -= 1
        return Reply(200, {"release": "r1" if self._searches_before >= 0 else "r2", "hits": [{"id": "a"}]})


def report_of(product: Switching) -> SearchReport:
    return asyncio.run(evaluate_search(product, QUESTIONS, ("lexical", "hybrid"), Reporter("none")))


def test_all_questions_answered_by_one_release_are_a_report() -> None:
    report = report_of(Switching(6))
    assert (report.release, report.questions, report.unknown) == ("r1", 3, [])
    assert report.modes["hybrid"]["recall@10"].mean == 1.0


@pytest.mark.parametrize("searches_before", [1, 5])
def test_a_release_that_goes_live_meanwhile_is_told_in_place_of_a_report(searches_before: int) -> None:
    with pytest.raises(NearfieldError, match="Release r2 went live while r1 was asked"):
        report_of(Switching(searches_before))
