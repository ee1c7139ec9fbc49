"""Both clients against a server that fails as its script says: what is sent again, what is raised, when it ends."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import numpy as np
import pytest

from nearfield import (
    NO_RETRIES,
    AsyncClient,
    Client,
    ClientError,
    InvalidRequestError,
    NoAnswerError,
    ProblemError,
    Retries,
    ServiceFailedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from tests.free_ports import refusing_port
from tests.nearfield.client.scripted_server import answers, drips, hangs_up, problem, scripted

PAGE = answers(200, b'{"hits":[],"release":"r1","revision":0}')
CHANGED = answers(200, b'{"release":"r1","revision":1,"items":1,"number":1}')
HIDDEN = answers(200, b'{"id":"a","taken_down":true,"known":true,"release":"r1","revision":1,"number":1}')
QUICK = Retries(attempts=3, total_s=20.0, first_wait_s=0.001)
ROW: Any = {"id": "a", "kind": "track", "title": "A title", "creator": "A band"}
# What is asked of a client: of either kind, as its methods have the same names.
Asking = Callable[[Any], Any]
Ask = Callable[..., Any]


def ask_blocking(address: str, asking: Asking, **options: Any) -> Any:
    with Client(address, **{"retries": QUICK, **options}) as client:
        return asking(client)


def ask_waiting(address: str, asking: Asking, **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncClient(address, **{"retries": QUICK, **options}) as client:
            return await asking(client)

    return asyncio.run(run())


@pytest.fixture(params=[ask_blocking, ask_waiting], ids=["Client", "AsyncClient"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks an address by one kind of client."""
    asked: Ask = request.param
    return asked


def search(client: Any) -> Any:
    return client.search("jazz", context={"market": "SE"})


def put(client: Any) -> Any:
    return client.put_items([ROW])


def test_a_query_is_sent_again_until_it_is_answered(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "nearfield.client")
    with scripted(hangs_up, problem(503, "store-unavailable", retry_after="0"), PAGE) as server:
        assert ask(server.address, search).release == "r1"
    assert server.came == ["POST /v1/search"] * 3
    assert [record.message.partition(";")[2] for record in caplog.records] == [" another try in 0.0 s"] * 2


def test_retry_after_is_waited_for(ask: Ask) -> None:
    with scripted(problem(429, "busy", retry_after="1"), PAGE) as server:
        begun = time.monotonic()
        assert ask(server.address, search).hits == ()
        assert time.monotonic() - begun >= 1.0


def test_retry_after_may_be_a_date(ask: Ask) -> None:
    in_two_s = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    with scripted(answers(503, b"", retry_after=in_two_s), PAGE) as server:
        begun = time.monotonic()
        assert ask(server.address, search).hits == ()
        # A date has whole seconds.
        assert time.monotonic() - begun >= 0.5


def test_a_wait_beyond_the_time_is_not_begun(ask: Ask) -> None:
    with scripted(problem(503, "store-unavailable", retry_after="3600")) as server:
        begun = time.monotonic()
        with pytest.raises(UnavailableError) as caught:
            ask(server.address, search)
        # It would have been an hour.
        assert time.monotonic() - begun < 60
    assert caught.value.retry_after_s == 3_600
    assert len(server.came) == 1


def test_the_last_problem_is_raised(ask: Ask) -> None:
    with scripted(problem(503, "store-unavailable", retry_after="0")) as server, pytest.raises(ProblemError) as caught:
        ask(server.address, search)
    assert len(server.came) == QUICK.attempts
    assert caught.value.type == "urn:nearfield:problem:store-unavailable"
    assert caught.value.__notes__ == ["POST /v1/search: after 3 tries"]


@pytest.mark.parametrize("act", [problem(503, "state-unavailable", retry_after="0"), answers(502, b"<h1>Bad</h1>")])
def test_a_change_that_may_have_been_made_is_not_sent_again(ask: Ask, act: Any) -> None:
    with scripted(act, CHANGED) as server, pytest.raises(UnavailableError):
        ask(server.address, put)
    assert server.came == ["PUT /v1/items"]


def test_a_change_whose_answer_was_lost_is_told_as_unsure(ask: Ask) -> None:
    with scripted(hangs_up, CHANGED) as server, pytest.raises(NoAnswerError, match="may have been made, or not"):
        ask(server.address, put)
    assert server.came == ["PUT /v1/items"]


def test_a_change_that_was_not_made_is_sent_again(ask: Ask) -> None:
    with scripted(problem(503, "encoder-loading", retry_after="0"), CHANGED) as server:
        assert ask(server.address, put).items == 1
    assert server.came == ["PUT /v1/items"] * 2


def test_a_takedown_is_sent_until_it_is_answered(ask: Ask) -> None:
    with scripted(hangs_up, answers(504, b""), HIDDEN) as server:
        assert ask(server.address, lambda client: client.take_down("a/b")).taken_down
    assert server.came == ["PUT /v1/items/a%2Fb/takedown"] * 3


def test_nobody_listens(ask: Ask) -> None:
    with refusing_port() as port, pytest.raises(NoAnswerError, match="after 3 tries") as caught:
        ask(f"http://127.0.0.1:{port}", put)
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_an_answer_that_drips_ends_with_its_time(ask: Ask) -> None:
    with scripted(drips) as server:
        begun = time.monotonic()
        with pytest.raises(NoAnswerError, match="did not come in time"):
            ask(server.address, search, timeout_s=0.3, retries=NO_RETRIES)
        assert time.monotonic() - begun < 60


def test_all_tries_share_one_time(ask: Ask) -> None:
    with scripted(drips) as server:
        begun = time.monotonic()
        with pytest.raises(NoAnswerError):
            ask(server.address, search, timeout_s=0.4, retries=Retries(attempts=1_000, total_s=1.0, first_wait_s=0.001))
        # A time for each of them would be 400 s.
        assert time.monotonic() - begun < 60
    assert len(server.came) <= 4


def test_a_fault_of_the_service_is_raised_at_once(ask: Ask) -> None:
    with (
        scripted(problem(500, "internal-error")) as server,
        pytest.raises(ServiceFailedError, match=r"A title: A detail\."),
    ):
        ask(server.address, search)
    assert len(server.came) == 1


def test_what_a_proxy_says_is_told(ask: Ask) -> None:
    with scripted(answers(413, b"<h1>Too large</h1>", content_type="text/html")) as server:
        with pytest.raises(InvalidRequestError, match="Too large") as caught:
            ask(server.address, search)
        assert (caught.value.status, caught.value.type) == (413, "about:blank")


@pytest.mark.parametrize(
    "act",
    [
        answers(200, b"<html>"),
        answers(200, b'{"hits":[]}'),
        answers(200, b'{"hits":7,"release":"r1","revision":0}'),
        answers(307, b"", location="https://127.0.0.1/"),
        answers(204, b""),
    ],
)
def test_an_answer_of_something_else_is_told(ask: Ask, act: Any) -> None:
    with scripted(act) as server, pytest.raises(UnexpectedAnswerError, match=r"POST /v1/search: .* Nearfield service"):
        ask(server.address, search)


def test_a_field_that_a_newer_service_adds_is_passed_over(ask: Ask) -> None:
    body = b'{"hits":[{"id":"a","score":1,"kind":"track","title":"A","creator":"B","creators":["B"],"mood":"calm"}],'
    with scripted(answers(200, body + b'"release":"r1","revision":0,"took_ms":3}')) as server:
        (hit,) = ask(server.address, search).hits
    assert (hit.id, hit.score, hit.explicit) == ("a", 1.0, None)


def test_what_is_sent(ask: Ask) -> None:
    tokens: list[str] = []

    def note(handler: Any) -> None:
        tokens.append(handler.headers["authorization"])
        PAGE(handler)

    at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    with scripted(note) as server:
        ask(
            f"{server.address}/behind/a/proxy/",
            lambda client: client.similar_to("a b", at=at, explicit=False, languages=["en", "it"], limit=None),
            token="a-token",
        )
    parameters = "at=2026-12-01T12%3A00%3A00%2B00%3A00&explicit=false&languages=en%2Cit"
    assert server.came == [f"GET /behind/a/proxy/v1/items/a%20b/similar?{parameters}"]
    assert tokens == ["Bearer a-token"]


def test_numbers_of_numpy_can_be_sent(ask: Ask) -> None:
    with scripted(PAGE) as server:
        assert ask(server.address, lambda client: client.similar([{"id": "a", "weight": np.float32(0.5)}])).hits == ()
        with pytest.raises(TypeError, match="expected what JSON can say"):
            ask(server.address, lambda client: client.similar([{"id": object()}]))


@pytest.mark.parametrize("wrong", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://a/?b=c"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_address_that_is_none_is_refused(kind: Any, wrong: str) -> None:
    with pytest.raises(ValueError, match="base_url: expected an address"):
        kind(wrong)
    with pytest.raises(ValueError, match="timeout_s"):
        kind(timeout_s=0)


def test_every_error_is_a_client_error() -> None:
    for kind in (NoAnswerError, UnexpectedAnswerError, ProblemError, UnavailableError, ServiceFailedError):
        assert issubclass(kind, ClientError)
