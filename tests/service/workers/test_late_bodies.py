"""Bodies that are long in coming: when each is given up, and what a client is told."""

import asyncio
import selectors
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from service.schemas.problems import ProblemError
from service.workers.late_bodies import LEAST_RATE, Body, LateBodies
from service.workers.peers import Peers
from service.workers.program import ClientLimits

TIMEOUT_S = 0.4


class Skipping(selectors.SelectSelector):
    """Waits for nothing: where there is nothing to do, its time goes on to the next thing."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "it would wait for ever"
        self.now_s += timeout
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop in the time of its selector."""

    def __init__(self) -> None:
        self._skipping = Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now_s


def in_time_of_its_own(asking: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(asking)


def test_a_body_that_comes_at_once_is_passed_on_as_it_came() -> None:
    async def ask() -> None:
        bodies = opened()
        body = expected(bodies, [(0, b"ab", True), (0, b"c", False)])
        assert [await body.receive(), await body.receive()] == [message(b"ab", True), message(b"c", False)]
        body.end()
        assert bodies.num_under_way == 0

    in_time_of_its_own(ask())


def test_what_never_comes_is_408_after_the_time_out_and_the_connection_is_closed() -> None:
    async def ask() -> None:
        body = expected(opened(), [(0, b"ab", True)])
        await body.receive()
        began = asyncio.get_running_loop().time()
        problem = await refusal(body)
        assert (problem.problem.status, problem.headers["Connection"]) == (408, "close")
        assert "came 2" in problem.problem.detail
        assert asyncio.get_running_loop().time() - began >= TIMEOUT_S * 0.9
        # Asked again it says the same, and waits for nothing.
        assert (await refusal(body)).problem == problem.problem

    in_time_of_its_own(ask())


def test_who_keeps_to_the_least_rate_is_waited_for_and_who_falls_below_it_later_is_not() -> None:
    async def ask() -> None:
        chunk = b"x" * int(LEAST_RATE * TIMEOUT_S / 2)
        steady = [(TIMEOUT_S / 4, chunk, True)] * 8
        body = expected(opened(), [*steady, (0, b"", False)])
        for _ in range(9):
            await body.receive()
        stops = expected(opened(), [*steady, (TIMEOUT_S / 4, b"x", True)])
        for _ in range(9):
            await stops.receive()
        assert (await refusal(stops)).problem.status == 408

    in_time_of_its_own(ask())


def test_a_client_has_so_many_late_bodies_and_others_are_not_touched() -> None:
    async def ask() -> None:
        bodies = opened(max_late_bodies=2)
        waiting = [asyncio.create_task(refusal(expected(bodies, [], "10.0.0.1"))) for _ in range(3)]
        other = asyncio.create_task(refusal(expected(bodies, [], "10.0.0.2")))
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        (refused,) = (task.result() for task in done)
        assert refused.problem.status == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert sorted([(await task).problem.status for task in (*waiting, other)]) == [408, 408, 408, 429]
        assert bodies.num_under_way == 0

    in_time_of_its_own(ask())


def test_a_trusted_proxy_is_not_bounded_but_each_that_it_speaks_for_is() -> None:
    async def ask() -> None:
        bodies = opened(max_late_bodies=1, trusted_proxies=("10.0.0.0/8",))
        clients = ["192.0.2.1", "192.0.2.2", "192.0.2.1", None, None]
        asked = [refusal(expected(bodies, [], "10.0.0.1", client)) for client in clients]
        statuses = [problem.problem.status for problem in await asyncio.gather(*asked)]
        assert statuses == [408, 408, 429, 408, 408]

    in_time_of_its_own(ask())


def test_where_too_many_are_late_in_all_the_one_that_was_late_first_makes_room() -> None:
    async def ask() -> None:
        bodies = opened(most=2)
        first, *others = (expected(bodies, [], f"10.0.0.{number}") for number in range(3))
        asked = [asyncio.create_task(refusal(body)) for body in (first, *others)]
        assert (await asked[0]).problem.status == 503
        assert {(await task).problem.status for task in asked[1:]} == {408}

    in_time_of_its_own(ask())


def test_what_has_come_and_waits_for_its_turn_is_not_late() -> None:
    async def ask() -> None:
        bodies = opened(max_late_bodies=1)
        busy = [expected(bodies, [(0, b"a", True)]) for _ in range(4)]
        for body in busy:
            await body.receive()
        # Nobody asks for the rest of them: the application does something else.
        await asyncio.sleep(TIMEOUT_S)
        assert bodies.num_late == 0

    in_time_of_its_own(ask())


def test_a_service_that_stops_gives_up_what_has_not_come() -> None:
    async def ask() -> None:
        bodies = opened()
        late = asyncio.create_task(refusal(expected(bodies, [])))
        while not bodies.num_late:
            await asyncio.sleep(0.01)
        bodies.give_up_all()
        fresh = asyncio.create_task(refusal(expected(bodies, [])))
        assert [(await task).problem.status for task in (late, fresh)] == [503, 503]

    in_time_of_its_own(ask())


def test_a_request_that_is_cancelled_is_no_refusal() -> None:
    async def ask() -> None:
        bodies = opened()
        body = expected(bodies, [])
        waiting = asyncio.create_task(body.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        body.end()
        assert bodies.num_under_way == 0

    in_time_of_its_own(ask())


def opened(most: int = 100, **limits: Any) -> LateBodies:
    made = ClientLimits(body_timeout_s=TIMEOUT_S, **limits)
    return LateBodies(made, Peers(made.trusted_proxies), most)


def message(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def expected(
    bodies: LateBodies,
    chunks: Sequence[tuple[float, bytes, bool]],
    host: str = "127.0.0.1",
    forwarded_for: str | None = None,
) -> Body:
    """A body whose chunks come after so many seconds each, with what says whether there is more; then nothing."""
    coming = iter(chunks)

    async def receive() -> dict[str, Any]:
        for wait_s, chunk, more in coming:
            await asyncio.sleep(wait_s)
            return message(chunk, more)
        await asyncio.Event().wait()
        raise AssertionError

    headers = [] if forwarded_for is None else [(b"x-forwarded-for", forwarded_for.encode())]
    return bodies.expect({"client": (host, 1), "headers": headers}, receive)


async def refusal(body: Body) -> ProblemError:
    """What a body that does not come is refused with."""
    with pytest.raises(ProblemError) as refused:
        await body.receive()
    return refused.value
