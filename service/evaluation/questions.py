"""Questions with the ids that should be found, read from a file: what is wrong with a line is said by its number."""

from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from embedding.errors import RejectedInputError
from embedding.rows.catalogue_fields import EXPECTED_ID
from embedding.rows.languages import expected_range
from embedding.rows.readers import read_batches
from embedding.rows.rejects import Fault, Rejects, described, shown
from embedding.rows.row_parser import RowParser, RowProblem
from embedding.rows.schema import Id
from service.schemas.requests import Context, Languages, Text

_SHOWN = 5
Grade = Annotated[float, Meta(ge=0, le=100)]


class Question(Struct, frozen=True):
    """A text to search for, in a context, and what each id is worth that should be found: above 0, one or more."""

    query: str
    grades: dict[str, float]
    context: Context


class _RawQuestion(Struct, forbid_unknown_fields=True, kw_only=True):
    """A question as written."""

    query: Text | None = None
    wanted: tuple[Id, ...] | None = None
    grades: dict[str, Grade] | None = None
    languages: Languages | None = None
    context: Context | None = None


_CONTEXT = "what the `context` of a search takes (docs/api.md)"
_EXPECTED: dict[str, Any] = {
    "query": "the text to search for, 1 to 2,000 characters",
    "wanted": "a list of the ids that should be found (in CSV: a;b), or `grades` in its place",
    "grades": 'an object of ids and grades from 0 to 100, one of them above 0, such as {"a": 2, "b": 1}',
    "languages": "a list of language ranges such as en or pt-BR (in CSV: en;it)",
    "languages[]": expected_range,
    "wanted[]": EXPECTED_ID,
    "context": _CONTEXT,
    **{f"context.{name}{entry}": _CONTEXT for name in Context.__struct_fields__ for entry in ("", "[]")},
}


def _question(raw: _RawQuestion) -> Question:
    faults: list[Fault] = []
    if raw.query is None or not raw.query.strip():
        faults.append(Fault("query", _EXPECTED["query"], shown(raw.query)))
    if (raw.wanted is None) == (raw.grades is None):
        came = "neither" if raw.wanted is None else "both"
        faults.append(Fault("wanted", "either `wanted` or `grades`", came))
    grades = dict.fromkeys(raw.wanted, 1.0) if raw.wanted is not None else raw.grades or {}
    grades = {id: grade for id, grade in grades.items() if grade}
    if not grades and not faults:
        field = "wanted" if raw.grades is None else "grades"
        faults.append(Fault(field, _EXPECTED[field], "nothing that should be found"))
    context = raw.context or Context()
    if raw.languages is not None:
        if context.languages is not None:
            faults.append(Fault("languages", "them here or in `context`", "both"))
        context = replace(context, languages=raw.languages)
    question = Question(raw.query or "", grades, context)
    if faults:
        raise RowProblem.of(faults, question)
    return question


_PARSER: RowParser[_RawQuestion, Question] = RowParser(
    name="a question",
    raw=_RawQuestion,
    build=_question,
    required=("query",),
    expected=_EXPECTED,
    cells={"wanted": "list", "grades": "json", "languages": "list", "context": "json"},
)


def read_questions(path: Path, rejects_path: Path) -> list[Question]:
    """The questions of a file, of any format of rows.

    RejectedInputError where there is none, or where a line is bad: it says the first of them by line, field, what was
    expected and what came, and `rejects_path` has all.
    """
    questions: list[Question] = []
    with Rejects(rejects_path) as rejects:
        for batch in read_batches(path, _PARSER, rejects, lambda *_: None):
            questions += batch
    if rejects.rejected:
        told = "\n".join(f"  {described(reject)}" for reject in rejects.first[:_SHOWN])
        more = f"\n  {rejects.path} has all {rejects.num_faults:,}" if rejects.num_faults > _SHOWN else ""
        raise RejectedInputError(f"{rejects.rejected:,} questions cannot be asked, and none was:\n{told}{more}")
    if not questions:
        raise RejectedInputError(f"expected questions in {path}, but not one came")
    return questions
