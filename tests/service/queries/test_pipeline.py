"""The pipeline is the table of contents that it says it is: every stage has its name, its place and its file."""

from pathlib import Path
from typing import get_args, get_type_hints

from indexing.rules.arrangement import Arrangement
from service.arranging.boosts import BOOSTS, BoostName, active_boosts
from service.arranging.caps import CAPS, CapName, active_caps
from service.queries.pipeline import STAGES
from service.queries.query_kinds import KINDS
from service.queries.resolved_query import ResolvedQuery
from service.queries.why import STAGE_OF, Outcome
from service.ranking.search_modes import MODES
from service.schemas.answers import ScoreParts
from service.schemas.requests import SearchRequest
from service.schemas.stages import StageName

SERVICE = Path(__file__).parents[3] / "service"


def test_stages_are_those_that_explanations_name_in_their_order() -> None:
    assert tuple(stage.name for stage in STAGES) == get_args(StageName)


def test_each_stage_names_the_file_that_decides() -> None:
    assert [stage.file for stage in STAGES if not (SERVICE / stage.file).is_file()] == []


def test_each_field_of_a_resolved_query_is_set_by_a_stage_that_runs() -> None:
    text = (SERVICE / "queries" / "stages.py").read_text(encoding="utf-8")
    assert [name for name in get_type_hints(ResolvedQuery) if f"resolved.{name} = " not in text] == []


def test_each_outcome_of_why_has_the_stage_that_decided_it() -> None:
    assert set(STAGE_OF) == set(get_args(Outcome))
    assert {STAGE_OF[cap.name] for cap in CAPS} == {"arrangement"}


def test_requests_name_just_the_search_modes_that_there_are() -> None:
    hint = get_type_hints(SearchRequest)["mode"]
    assert get_args(hint) == tuple(mode.name for mode in MODES)


def test_caps_and_boosts_are_those_that_answers_name() -> None:
    assert {cap.name for cap in CAPS} == set(get_args(CapName))
    assert tuple(boost.name for boost in BOOSTS) == get_args(BoostName)
    assert ScoreParts.__struct_fields__[1 : 1 + len(BOOSTS)] == get_args(BoostName)


def test_nothing_is_capped_or_boosted_unless_asked() -> None:
    asked = Arrangement(same_recording=True)
    assert active_caps(asked) == ()
    assert active_boosts(asked) == ()


def test_each_kind_of_query_has_a_body_of_its_own() -> None:
    assert len({kind.request for kind in KINDS}) == len({kind.name for kind in KINDS}) == len(KINDS)
