"""Users come back with the history and the heard items that their interactions say, worked out by hand."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.rows.id_table import IdTable
from embedding.rows.schema import Interaction
from indexing.release import users as users_module
from indexing.release.users import HISTORY_LIMIT, Users, UsersWriter

ITEMS = IdTable.build(["a", "b", "c", "d"])


def written(folder: Path, interactions: list[Interaction], items: IdTable = ITEMS) -> tuple[UsersWriter, Users]:
    writer = UsersWriter(items)
    writer.add(interactions)
    writer.write(folder / "users")
    return writer, Users(folder / "users")


def test_history_is_by_time_newest_last_and_a_repeat_moves_to_its_newest_place(tmp_path: Path) -> None:
    _, users = written(
        tmp_path,
        [
            Interaction("u", "a", 30.0, 2.0),
            Interaction("v", "d", 1.0),
            Interaction("u", "b", 10.0),
            Interaction("u", "c", 20.0, -1.0),
            Interaction("u", "b", 40.0, 5.0),
        ],
    )
    history = users.find("u")
    assert history is not None
    assert history.rows.tolist() == [2, 0, 1]
    assert history.weights.tolist() == [-1.0, 2.0, 6.0]
    assert history.heard.tolist() == [0, 1, 2]
    assert users.find("nobody") is None


def test_likes_and_skips_that_cancel_are_heard_and_say_nothing(tmp_path: Path) -> None:
    _, users = written(
        tmp_path,
        [Interaction("u", "a", 1.0, 2.0), Interaction("u", "b", 2.0), Interaction("u", "a", 3.0, -2.0)],
    )
    history = users.find("u")
    assert history is not None
    assert history.rows.tolist() == [1]
    assert history.heard.tolist() == [0, 1]


def test_without_times_the_order_of_the_file_counts(tmp_path: Path) -> None:
    _, users = written(tmp_path, [Interaction("u", "c"), Interaction("u", "a")])
    history = users.find("u")
    assert history is not None
    assert history.rows.tolist() == [2, 0]


def test_old_listens_leave_the_history_but_stay_heard(tmp_path: Path) -> None:
    items = IdTable.build(f"i{number}" for number in range(HISTORY_LIMIT + 50))
    listens = [Interaction("u", f"i{number}", float(number)) for number in range(HISTORY_LIMIT + 50)]
    _, users = written(tmp_path, listens, items)
    history = users.find("u")
    assert history is not None
    assert history.rows.tolist() == list(range(50, HISTORY_LIMIT + 50))
    assert len(history.heard) == HISTORY_LIMIT + 50


def test_popularity_counts_each_user_once_and_no_skip(tmp_path: Path) -> None:
    writer, _ = written(
        tmp_path,
        [
            Interaction("u", "a"),
            Interaction("u", "a"),
            Interaction("v", "a"),
            Interaction("w", "a"),
            Interaction("v", "b"),
            Interaction("w", "c", None, -1.0),
        ],
    )
    # log(1 + 3), log(1 + 1), 0, 0, over the largest.
    np.testing.assert_allclose(writer.popularity(), [1.0, 0.5, 0.0, 0.0])


def test_nobody_listened(tmp_path: Path) -> None:
    writer, users = written(tmp_path, [])
    assert len(users) == 0
    assert users.find("u") is None
    assert writer.popularity().tolist() == [0.0] * 4


LISTENS = st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from("abcd"), st.integers(0, 5)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(LISTENS)
def test_agrees_with_a_plain_loop(tmp_path_factory: "object", listens: list[tuple[str, str, int]]) -> None:
    folder = tmp_path_factory.mktemp("users")  # type: ignore[attr-defined]
    _, users = written(folder, [Interaction(user, item, float(at)) for user, item, at in listens])
    for user in "uvw":
        mine = sorted((at, place, item) for place, (who, item, at) in enumerate(listens) if who == user)
        order = list(dict.fromkeys(item for _, _, item in reversed(mine)))[::-1]
        history = users.find(user)
        if not mine:
            assert history is None
            continue
        assert history is not None
        assert ["abcd"[row] for row in history.rows] == order
        assert history.heard.tolist() == sorted("abcd".index(item) for item in order)
    assert users_module.HISTORY_LIMIT >= 40
