"""What the quality benchmark holds out for each question, on rows whose folds are counted here."""

from benchmarks.quality.questions import CUT, QUESTIONS, Question, Rows, cold_items, later, unseen_listeners

ROWS: Rows = [
    {"user_id": f"u{user}", "item_id": f"i{(user * 7 + place) % 60}", "at": f"20{20 + place % 2}-0{1 + place % 9}-01"}
    for user in range(80)
    for place in range(12)
]


def pairs(rows: Rows) -> set[tuple[str, str]]:
    return {(row["user_id"], row["item_id"]) for row in rows}


def check_that_nothing_to_be_found_is_known(question: Question) -> None:
    assert question.test
    assert not pairs(question.test) & pairs(question.history)
    for rows in question.trained.values():
        assert pairs(rows) <= pairs(question.history)


def test_cold_items_have_all_their_pairs_held_out() -> None:
    question = cold_items(ROWS)

    check_that_nothing_to_be_found_is_known(question)
    cold, known = ({item for _, item in pairs(rows)} for rows in (question.test, question.history))
    assert not cold & known
    assert len(cold) + len(known) == 60
    assert 4 <= len(cold) <= 22


def test_unseen_listeners_are_in_no_pair_that_one_of_the_models_learns_from() -> None:
    question = unseen_listeners(ROWS)

    check_that_nothing_to_be_found_is_known(question)
    known, unseen = question.trained.values()
    asked = {user for user, _ in pairs(question.test)}
    assert asked <= {user for user, _ in pairs(known)}
    assert not asked & {user for user, _ in pairs(unseen)}
    assert 1 <= len(asked) <= 20
    # Of those who ask, what the common split would hold out, and no more.
    of_them = {pair for pair in pairs(ROWS) if pair[0] in asked}
    assert pairs(question.test) | {pair for pair in pairs(known) if pair[0] in asked} == of_them


def test_later_is_what_came_on_the_day_or_after() -> None:
    question = later([*ROWS, {"user_id": "u0", "item_id": "new", "at": f"{CUT}T00:00:00Z"}])

    check_that_nothing_to_be_found_is_known(question)
    assert {row["at"][:4] for row in question.history} == {"2020"}
    assert ("u0", "new") in pairs(question.test)


def test_every_question_names_a_data_set_with_a_config() -> None:
    assert set(QUESTIONS) == {"hetrec2011_lastfm", "taste_profile", "playlist_archive"}
