"""Clients beside the faults: so many queries and changes a second, due whether those before were answered or not.

Every answer is held against what was acknowledged when it was asked for.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from msgspec import Struct

from benchmarks.cluster.acknowledged import Acknowledged, Kind
from benchmarks.cluster.hosts import TOKEN, Host

QUERIES_PER_S, CHANGES_PER_S = 50.0, 1.0
LIMIT = 50
# How many items are taken down at a time, more or less.
_TAKEN = 20
_PATIENCE_S = 30.0
_ACCEPTED = 202
_LOOK_EVERY_S = 0.5


class Asked(Struct, frozen=True, kw_only=True):
    """A query: when it was due, how long it took from then, what came (status 0: no answer)."""

    at: float
    took_s: float
    status: int
    degraded: bool = False
    wrongly_shown: Sequence[str] = ()
    trouble: str = ""


class Changed(Struct, frozen=True, kw_only=True):
    """A change: when it was sent, how long the first answer took, its status (0: no answer)."""

    at: float
    took_s: float
    status: int
    trouble: str = ""

    @property
    def answered_at(self) -> float:
        """When the answer was there."""
        return self.at + self.took_s


class Load:
    """Asks for what is near `seeds`, and takes down and lifts `items`, at all `hosts` in turns."""

    def __init__(
        self, hosts: Sequence[Host], seeds: Sequence[str], items: Sequence[str], changes_per_s: float = CHANGES_PER_S
    ) -> None:
        self._hosts, self._seeds, self._items = hosts, seeds, items
        self._changes_per_s = changes_per_s
        self._dice = random.Random(0)
        self._stopped = threading.Event()
        self._busy: set[str] = set()
        self.acknowledged = Acknowledged()
        self.queries: list[Asked] = []
        self.changes: list[Changed] = []

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """In a thread of its own, until the block ends and all that was sent is answered."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._run())
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()
        if failed:
            raise failed[0]

    async def _run(self) -> None:
        # A connection for each request: so every worker is asked, and none is asked by habit.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(timeout=_PATIENCE_S, limits=limits, headers=headers) as client:
            await asyncio.gather(
                self._at_rate(QUERIES_PER_S, lambda number, due: self._query(client, number, due)),
                self._at_rate(self._changes_per_s, lambda number, due: self._change(client, number, due)),
            )

    async def _at_rate(self, per_second: float, send: Callable[[int, float], Coroutine[Any, Any, None]]) -> None:
        start, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as sent:
            while not self._stopped.is_set():
                due = start + number / per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                sent.create_task(send(number, due))
                number += 1

    async def _query(self, client: httpx.AsyncClient, number: int, due: float) -> None:
        body = {"seeds": [{"id": self._dice.choice(self._seeds)}], "limit": LIMIT}
        asked_at, taken_down = time.monotonic(), self.acknowledged.taken_down
        try:
            response = await client.post(f"{self._url(number)}/v1/similar", json=body)
        except httpx.HTTPError as error:
            self.queries.append(Asked(at=due, took_s=time.monotonic() - due, status=0, trouble=repr(error)))
            return
        took_s = time.monotonic() - due
        if response.status_code != httpx.codes.OK:
            trouble = f"{response.status_code}: {response.text[:300]}"
            self.queries.append(Asked(at=due, took_s=took_s, status=response.status_code, trouble=trouble))
            return
        answer = response.json()
        shown = [hit["id"] for hit in answer["hits"]]
        self.queries.append(
            Asked(
                at=due,
                took_s=took_s,
                status=response.status_code,
                degraded="degraded" in answer,
                wrongly_shown=self.acknowledged.wrongly_shown(shown, taken_down, asked_at),
            )
        )

    async def _change(self, client: httpx.AsyncClient, number: int, _due: float) -> None:
        kind, item_id = self._next_change()
        url, sent_at = self._url(number), time.monotonic()
        self._busy.add(item_id)
        self.acknowledged.sent(kind, item_id)
        try:
            method = "PUT" if kind == "takedown" else "DELETE"
            response = await client.request(method, f"{url}/v1/items/{item_id}/takedown")
        except httpx.HTTPError as error:
            took_s = time.monotonic() - sent_at
            self.changes.append(Changed(at=sent_at, took_s=took_s, status=0, trouble=repr(error)))
            return
        took_s, status = time.monotonic() - sent_at, response.status_code
        trouble = "" if response.is_success else f"{status}: {response.text[:300]}"
        self.changes.append(Changed(at=sent_at, took_s=took_s, status=status, trouble=trouble))
        if not response.is_success:
            # It may have been written all the same: nothing more is said of this item.
            return
        log_number = response.json()["number"]
        if status == _ACCEPTED and not await self._comes_everywhere(client, url, log_number):
            return
        self.acknowledged.acknowledge(kind, item_id, log_number)
        self._busy.discard(item_id)

    async def _comes_everywhere(self, client: httpx.AsyncClient, url: str, log_number: int) -> bool:
        while not self._stopped.is_set():
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                response = await client.get(f"{url}/v1/changes/{log_number}")
            except httpx.HTTPError:
                continue
            if response.is_success and response.json()["everywhere"]:
                return True
        return False

    def _next_change(self) -> tuple[Kind, str]:
        taken = [item_id for item_id in sorted(self.acknowledged.taken_down) if item_id not in self._busy]
        if len(taken) > self._dice.randrange(2 * _TAKEN):
            return "lift", self._dice.choice(taken)
        free = [one for one in self._items if one not in self._busy and one not in self.acknowledged.taken_down]
        return "takedown", self._dice.choice(free)

    def _url(self, number: int) -> str:
        return self._hosts[number % len(self._hosts)].url
