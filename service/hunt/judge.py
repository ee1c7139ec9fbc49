"""Judging answers: each hit by the plain rules; of a short answer, all that should have been there."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from embedding.rows.schema import Item
from service.hunt.draws import LIMIT, Question
from service.hunt.plain_rules import Asked, PlainRules, recording_of
from service.hunt.tally import Tally
from service.workers.products import Product, Reply

# Pages asked for after the first.
_MORE_PAGES = 3


class Judge:
    """Asks one product and keeps the tally; `items` is the catalogue by id."""

    def __init__(self, product: Product, items: Mapping[str, Item], rules: PlainRules, tally: Tally) -> None:
        self._product = product
        self._items = items
        self._rules = rules
        self._tally = tally
        # Ids of the catalogue that the product does not have: rejected, removed since, or taken down.
        self.absent: set[str] = set()
        self._present: set[str] = set()
        self.answered_from: set[tuple[str, int]] = set()
        """Release and revision of all answers."""

    async def ask(self, question: Question) -> set[str]:
        """Ask, judge what comes; the ids that were judged."""
        asked = question.asked
        reply = await self._product.ask(question.method, question.path, question.body)
        if reply.status != 200:
            self._refused(question.route, reply)
            return set()
        if question.route == "batch":
            return self._batch(question, reply, asked)
        if question.route == "facets":
            return await self._counted(question, reply.content)
        self._tally.of(question.route).questions += 1
        # What the product does not have was not asked with.
        given = [item_id for item_id in question.given if await self._is_present(item_id)]
        question = replace(question, given=frozenset(given))
        answer = reply.content
        ids = self._ids(answer)
        judged = self._shown(question, ids, asked)
        is_short = len(ids) < _limit(question)
        if question.method == "POST" and "next_cursor" in answer:
            if is_short:
                # More can be had, and the page is not full.
                self._tally.missing(question.route, "(a page with a cursor is short)", question.body)
            more, is_short = await self._pages(question, ids, answer["next_cursor"], asked)
            judged |= more
        if is_short and question.tells_all and not self._rules.has_caps:
            judged |= await self._all_there(question, set(ids) | judged, asked)
        return judged

    async def _counted(self, question: Question, answer: Mapping[str, Any]) -> set[str]:
        """Judge a count of all that may be shown, for which all of the catalogue is judged."""
        tally = self._tally
        tally.of("facets").questions += 1
        tally.of("facets").judged += len(self._items)
        self.answered_from.add((answer["release"], answer["revision"]))
        may_come = [
            item_id
            for item_id, item in self._items.items()
            if item_id not in question.left_out and self._rules.forbids(item, question.asked) is None
        ]
        more = answer["count"] - len(may_come)
        if more < 0:
            more = answer["count"] - sum([await self._is_present(item_id) for item_id in may_come])
        if more > 0:
            tally.leak("facets", f"(a count of {more} too many)", "some rule", question.body)
        elif more < 0:
            tally.missing("facets", f"(a count of {-more} too few)", question.body)
        return set(self._items)

    async def _pages(self, question: Question, before: list[str], cursor: str, asked: Asked) -> tuple[set[str], bool]:
        """The pages after the first; the ids judged, and whether the list has ended."""
        seen = list(before)
        for _ in range(_MORE_PAGES):
            body = (question.body or {}) | {"cursor": cursor}
            reply = await self._product.ask("POST", question.path, body)
            if reply.status != 200:
                self._refused("pages", reply)
                break
            self._tally.of("pages").questions += 1
            ids = self._ids(reply.content)
            self._shown(question, ids, asked, route="pages", before=frozenset(seen))
            seen += ids
            if "next_cursor" not in reply.content:
                return set(seen), len(ids) < _limit(question)
            cursor = reply.content["next_cursor"]
        return set(seen), False

    def _batch(self, question: Question, reply: Reply, asked: Asked) -> set[str]:
        judged: set[str] = set()
        self._tally.of("batch").questions += 1
        queries = (question.body or {})["queries"]
        outcomes = reply.content["outcomes"]
        if len(outcomes) != len(queries):
            self._tally.missing("batch", f"({len(outcomes)} outcomes for {len(queries)} queries)", question.body)
        for outcome in outcomes:
            if outcome["status"] == 200:
                judged |= self._shown(question, self._ids(outcome["answer"]), asked)
            elif "problem" not in outcome:
                self._tally.missing("batch", "(an outcome without answer or problem)", question.body)
            elif outcome["status"] == 500:
                self._refused("batch", Reply(500, outcome["problem"]))
        return judged

    def _shown(
        self,
        question: Question,
        ids: list[str],
        asked: Asked,
        *,
        route: str | None = None,
        before: frozenset[str] = frozenset(),
    ) -> set[str]:
        """Judge every hit of one list."""
        tally, name = self._tally, route or question.route
        seen = set(before)
        recordings = self._recordings(before | question.given) if self._once(question) else None
        for item_id in ids:
            if item_id in seen:
                tally.duplicate(name, item_id, question.body)
            seen.add(item_id)
            item = self._items.get(item_id)
            if item is None:
                tally.leak(name, item_id, "not in the catalogue", question.body)
            elif item_id in question.left_out:
                tally.leak(name, item_id, "left out by the request", question.body)
            elif (rule := self._rules.forbids(item, asked)) is not None:
                tally.leak(name, item_id, rule, question.body)
            elif recordings is not None and (recording := recording_of(item)) is not None:
                if recording in recordings:
                    tally.duplicate(name, item_id, question.body)
                recordings.add(recording)
        tally.of(name).judged += len(ids)
        return set(ids)

    async def _all_there(self, question: Question, shown: set[str], asked: Asked) -> set[str]:
        """Everything that may be shown must be among `shown`; all of the catalogue is judged."""
        recordings = self._recordings(shown | question.given) if self._once(question) else set()
        for item_id, item in self._items.items():
            if recording_of(item) in recordings:
                continue
            if item_id in shown or item_id in question.left_out or item_id in self.absent:
                continue
            if self._rules.forbids(item, asked) is None and await self._is_present(item_id):
                self._tally.missing(question.route, item_id, question.body)
        self._tally.of(question.route).judged += len(self._items) - len(shown)
        return set(self._items)

    def _once(self, question: Question) -> bool:
        if not question.once:
            return False
        body = question.body or {}
        # Those of a batch are drawn together, and say the same.
        said = [body, *(query for one in body.get("queries", ()) for query in one.values())]
        return self._rules.recordings_once and not any(query.get("same_recording", False) for query in said)

    def _recordings(self, ids: Collection[str]) -> set[tuple[str, ...]]:
        found = (recording_of(self._items[item_id]) for item_id in ids if item_id in self._items)
        return {recording for recording in found if recording is not None}

    async def _is_present(self, item_id: str) -> bool:
        if item_id in self._present:
            return True
        reply = await self._product.ask("GET", f"/v1/items/{quote(item_id, safe='')}", None)
        (self.absent if reply.status == 404 else self._present).add(item_id)
        return reply.status != 404

    def _ids(self, answer: Mapping[str, Any]) -> list[str]:
        self.answered_from.add((answer["release"], answer["revision"]))
        if "suggestions" in answer:
            return [one["id"] for one in answer["suggestions"] if "id" in one]
        listed = answer["items"] if "items" in answer else answer["hits"]
        return [hit["id"] for hit in listed]

    def _refused(self, route: str, reply: Reply) -> None:
        if reply.status == 500:
            self._tally.of(route).failed += 1
        else:
            self._tally.of(route).refused += 1
        said = reply.content.get("detail", reply.content)
        self._tally.refusals[f"{route}: {reply.status}: {said}"[:300]] += 1


def _limit(question: Question) -> int:
    limit: int = LIMIT if question.body is None else question.body.get("limit", LIMIT)
    return limit
