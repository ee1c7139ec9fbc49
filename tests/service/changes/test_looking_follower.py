"""A worker that looks at the files before each answer: what it could not apply is not passed over."""

import asyncio
from pathlib import Path

import pytest

from indexing.errors import StateError
from indexing.state.files import FilesState
from indexing.state.records import Frame, TakenDown
from service.changes.following import LookingFollower
from tests.service.changes.following_worker import Holding


def test_a_damaged_log_is_a_state_that_cannot_be_used_until_it_is_mended(tmp_path: Path) -> None:
    async def work() -> None:
        state, held = FilesState(tmp_path), Holding()
        follower = LookingFollower(held, state)
        await follower.begin()
        for item_id in ("a", "damaged"):
            await state.append([TakenDown(item_id)])
        path = tmp_path / "journal" / "changes.log"
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"damaged", b"damagex"))
        for _ in range(2):
            with pytest.raises(StateError, match="frame 2 cannot be read"):
                await follower.arrive()
        path.write_bytes(whole)
        await follower.arrive()
        assert held.hidden == {"a", "damaged"}

    asyncio.run(work())


def test_what_could_not_be_applied_is_read_anew_by_the_next_request(tmp_path: Path) -> None:
    async def work() -> None:
        state, held = FilesState(tmp_path), Holding()
        follower = LookingFollower(held, state)
        await state.append([TakenDown("before")])
        await follower.begin()

        def fail(frame: Frame) -> None:
            raise RuntimeError(f"no room for a row of frame {frame.seq}")

        held.releases["r2"].rows.apply = fail  # type: ignore[method-assign]
        await state.append([TakenDown("a")])
        with pytest.raises(RuntimeError, match="frame 2"):
            await follower.arrive()
        await follower.arrive()
        assert held.hidden == {"before", "a"}
        await state.append([TakenDown("b")])
        await follower.arrive()
        assert held.hidden == {"before", "a", "b"}

    asyncio.run(work())
