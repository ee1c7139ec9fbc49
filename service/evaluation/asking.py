"""Asking a service each question in each mode of search, and what came of it as means with intervals."""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
import numpy as np
from msgspec import Struct

from embedding.errors import NearfieldError
from embedding.progress import Reporter
from service.evaluation.measures import MEASURES, NUM_LOOKED_AT, Interval, interval_of, measures_of
from service.evaluation.questions import Question
from service.workers.products import Json, Product

_OK, _NOT_FOUND = 200, 404


class SearchReport(Struct, frozen=True):
    """Each measure of each mode; `unknown`: the wanted ids that the live release does not have, which nobody finds."""

    release: str
    questions: int
    wanted: int
    unknown: list[str]
    modes: dict[str, dict[str, Interval]]


async def evaluate_search(
    product: Product, questions: Sequence[Question], modes: Sequence[str], reporter: Reporter
) -> SearchReport:
    """The report. Raises NearfieldError where nobody answers, where a question is refused, with the reason, and where
    another release goes live meanwhile."""
    wanted = sorted(frozenset().union(*(question.grades for question in questions)))
    unknown = []
    with reporter.stage("look for wanted ids", len(wanted)) as advance:
        for id in wanted:
            if not await _is_there(product, id):
                unknown.append(id)
            advance(1)
    found = {mode: np.zeros((len(questions), len(MEASURES))) for mode in modes}
    answered_by = ""
    with reporter.stage("ask", len(questions) * len(modes)) as advance:
        for number, question in enumerate(questions):
            for mode in modes:
                answer = await _ask(product, question, mode)
                if answered_by not in ("", answer["release"]):
                    raise NearfieldError(
                        f"Release {answer['release']} went live while {answered_by} was asked: a report would mix "
                        "both. Type the same command again."
                    )
                answered_by = answer["release"]
                ids = [hit["id"] for hit in answer["hits"]]
                found[mode][number] = measures_of(ids, question.grades)
                advance(1)
    means = {
        mode: {measure: interval_of(values[:, column]) for column, measure in enumerate(MEASURES)}
        for mode, values in found.items()
    }
    return SearchReport(answered_by, len(questions), len(wanted), unknown, means)


async def _ask(product: Product, question: Question, mode: str) -> Json:
    body: Json = {
        "text": question.query,
        "mode": mode,
        "limit": NUM_LOOKED_AT,
        "context": msgspec.to_builtins(question.context),
    }
    reply = await product.ask("POST", "/v1/search", body)
    if reply.status != _OK:
        raise NearfieldError(
            f"The question {question.query!r} was refused in the mode {mode}: "
            f"{reply.content.get('detail', reply.content)}"
        )
    return reply.content


async def _is_there(product: Product, id: str) -> bool:
    reply = await product.ask("GET", f"/v1/items/{quote(id, safe='')}", None)
    if reply.status not in (_OK, _NOT_FOUND):
        raise NearfieldError(f"The item {id!r} could not be looked for: {reply.content.get('detail', reply.content)}")
    # An item that is taken down is one that nobody can find either.
    return reply.status == _OK
