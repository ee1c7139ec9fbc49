"""A budget holds for what runs inside it, in tasks of its own too, and for nothing else."""

import asyncio

from indexing.stores.answer_budget import AnswerBudget, open_budget


def test_time_runs_down_and_a_wait_of_its_own_starts_it_again() -> None:
    now_s = 50.0
    budget = AnswerBudget(2.0, lambda: now_s)
    assert budget.left_s == 2.0
    now_s = 51.5
    assert budget.left_s == 0.5
    now_s = 53.0
    assert budget.left_s == -1.0
    budget.restart()
    assert budget.left_s == 2.0


def test_what_is_lacking_is_said_once() -> None:
    budget = AnswerBudget(1.0)
    assert not budget.lacking
    budget.go_without("engine")
    budget.go_without("engine")
    assert budget.lacking == ("engine",)


def test_each_answer_has_its_own_and_its_tasks_share_it() -> None:
    async def part() -> AnswerBudget | None:
        await asyncio.sleep(0)
        budget = open_budget()
        if budget is not None:
            budget.go_without("engine")
        return budget

    async def answer(timeout_s: float) -> AnswerBudget:
        with AnswerBudget(timeout_s) as budget:
            found = await asyncio.gather(part(), part())
        assert list(found) == [budget, budget]
        return budget

    async def run() -> None:
        one, other = await asyncio.gather(answer(1.0), answer(2.0))
        assert one is not other
        assert one.lacking == other.lacking == ("engine",)
        assert open_budget() is None
        assert await part() is None

    asyncio.run(run())
