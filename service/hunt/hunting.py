"""A leak hunt from beginning to end: contexts are drawn until enough pairs were judged."""

import time
from collections.abc import Sequence

from msgspec import Struct

from embedding.errors import NearfieldError
from embedding.progress import Reporter
from embedding.rows.schema import Item
from service.hunt.compiled import Compiled
from service.hunt.draws import Draws
from service.hunt.judge import Judge
from service.hunt.plain_rules import PlainRules
from service.hunt.tally import Tally
from service.workers.products import Product

# Items judged by the compiled rules in one context: many contexts say more than many items.
_ITEMS_A_CONTEXT = 500
# So many contexts in which nothing at all could be asked: something is wrong that more of them will not mend.
_MOST_SILENT = 20


class Hunt(Struct, frozen=True, kw_only=True):
    """What came of a hunt; it is of one release, one revision, one rule set."""

    release: str
    revision: int
    rules: str
    tally: Tally
    items: int
    # Items of the catalogue that the service does not have: rejected at the build, removed since, or taken down.
    absent: int
    seconds: float
    # Hits that the service's own re-check stopped meanwhile: the index is wrong, though nobody was shown it.
    stopped: int


class Quarry(Struct, frozen=True):
    """What is hunted, and by what."""

    product: Product
    rules: PlainRules
    items: Sequence[Item]
    # Named in each request where it is not the live one.
    release: str | None
    # None over HTTP, where answers are all that can be seen.
    compiled: Compiled | None


async def hunt(quarry: Quarry, tally: Tally, *, pairs: int, seed: int, reporter: Reporter) -> Hunt:
    """Judge at least `pairs` (item, context) pairs.

    NearfieldError where nothing answers, or where release, revision or rules changed meanwhile.
    """
    began = time.monotonic()
    items = {item.id: item for item in quarry.items}
    judge = Judge(quarry.product, items, quarry.rules, tally)
    draws = Draws(quarry.items, seed, int(time.time()))
    rules, stopped_before = await _ready(quarry.product)
    silent = 0
    with reporter.stage("hunt for leaks", pairs) as advance:
        while tally.pairs < pairs:
            asked = draws.context(quarry.rules.switches)
            questions = draws.questions(asked, quarry.release)
            judged: set[str] = set()
            if quarry.compiled is not None:
                sample = draws.some(_ITEMS_A_CONTEXT)
                judged |= await quarry.compiled.judge(questions[0].body or {}, asked, sample)
            for question in questions:
                found = await judge.ask(question)
                if question.asked == asked:
                    judged |= found
            tally.contexts += 1
            tally.pairs += len(judged)
            advance(len(judged))
            silent = 0 if judged else silent + 1
            if silent >= _MOST_SILENT:
                raise NearfieldError(f"nothing could be asked in {silent} contexts: {_refusals(tally)}")
    rules_after, stopped = await _ready(quarry.product)
    if rules_after != rules or len(judge.answered_from) > 1:
        states = ", ".join(f"{release} revision {revision}" for release, revision in sorted(judge.answered_from))
        raise NearfieldError(
            f"what is served changed during the hunt (rules {rules}, then {rules_after}; {states}): hunt again"
        )
    ((release, revision),) = judge.answered_from
    return Hunt(
        release=release,
        revision=revision,
        rules=rules,
        tally=tally,
        items=len(items),
        absent=len(judge.absent),
        seconds=time.monotonic() - began,
        # One worker's count, where there are several.
        stopped=max(0, stopped - stopped_before),
    )


async def _ready(product: Product) -> tuple[str, int]:
    """Version of the rules in force, and how many leaks the service has stopped."""
    reply = await product.ask("GET", "/health/ready", None)
    if reply.status != 200:
        raise NearfieldError(f"the service is not ready: {reply.content.get('reason', reply.status)}")
    return reply.content["rules_version"], reply.content["leaks"]


def _refusals(tally: Tally) -> str:
    return "; ".join(reason for reason, _ in tally.refusals.most_common(3)) or "no item of the catalogue is served"
