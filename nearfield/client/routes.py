"""The API's routes, in the order of docs/api.md: one line each, for both clients.

A change is `repeatable` where doing it again can undo nothing that others did between: a takedown is. The others are
sent again only where it is certain that nothing was done (nearfield/client/retries.py).
"""

from typing import Any

from nearfield.client import answers, operation_answers, requests
from nearfield.client.route import Route

# A change that some worker may not know of yet is 202.
_KEPT = frozenset({200, 202})
# It says in its own words why it is not ready.
_READY_OR_NOT = frozenset({200, 503})
# Ids and names may hold a comma.
_AS_JSON = frozenset({"blocked_items", "blocked_creators", "exclude", "filter", "switches"})

SIMILAR = Route(name="similar", method="POST", path="/v1/similar", answer=answers.Answer, body=requests.SimilarQuery)
RECOMMEND = Route(
    name="recommend", method="POST", path="/v1/recommend", answer=answers.Answer, body=requests.RecommendQuery
)
SEARCH = Route(name="search", method="POST", path="/v1/search", answer=answers.Answer, body=requests.SearchQuery)
BATCH = Route(name="batch", method="POST", path="/v1/batch", answer=answers.BatchAnswer, body=requests.BatchBody)
WHY = Route(name="why", method="POST", path="/v1/items/{item_id}/why", answer=answers.WhyAnswer, body=requests.AnyQuery)
FACETS = Route(name="facets", method="POST", path="/v1/facets", answer=answers.FacetsAnswer, body=requests.FacetsQuery)
SUGGEST = Route(
    name="suggest",
    method="GET",
    path="/v1/suggest",
    answer=answers.SuggestAnswer,
    parameters=requests.SuggestParameters,
    as_json=_AS_JSON,
)
ITEMS = Route(
    name="items",
    method="GET",
    path="/v1/items",
    answer=answers.ItemsAnswer,
    parameters=requests.ItemsParameters,
    as_json=_AS_JSON,
)
ITEM = Route(name="item", method="GET", path="/v1/items/{item_id}", answer=answers.Item)
SIMILAR_TO = Route(
    name="similar_to",
    method="GET",
    path="/v1/items/{item_id}/similar",
    answer=answers.Answer,
    parameters=requests.SimilarToParameters,
)
PUT_ITEMS = Route(
    name="put_items",
    method="PUT",
    path="/v1/items",
    answer=operation_answers.Changed,
    body=requests.RowsBody,
    repeatable=False,
    statuses=_KEPT,
)
REMOVE_ITEM = Route(
    name="remove_item",
    method="DELETE",
    path="/v1/items/{item_id}",
    answer=operation_answers.Changed,
    repeatable=False,
    statuses=_KEPT,
)
TAKE_DOWN = Route(
    name="take_down",
    method="PUT",
    path="/v1/items/{item_id}/takedown",
    answer=operation_answers.Hidden,
    parameters=requests.TakeDownParameters,
    statuses=_KEPT,
)
LIFT = Route(
    name="lift",
    method="DELETE",
    path="/v1/items/{item_id}/takedown",
    answer=operation_answers.Hidden,
    parameters=requests.LiftParameters,
    repeatable=False,
    statuses=_KEPT,
)
TAKEDOWNS = Route(
    name="takedowns",
    method="GET",
    path="/v1/takedowns",
    answer=operation_answers.TakedownList,
    parameters=requests.TakedownsParameters,
)
CHANGE = Route(name="change", method="GET", path="/v1/changes/{number}", answer=operation_answers.Everywhere)
PUT_RULES = Route(
    name="put_rules",
    method="PUT",
    path="/v1/rules",
    answer=operation_answers.RulesAccepted,
    body=requests.RulesBody,
    repeatable=False,
    statuses=_KEPT,
)
RELEASES = Route(name="releases", method="GET", path="/v1/releases", answer=operation_answers.ReleaseList)
ACTIVATE = Route(
    name="activate",
    method="POST",
    path="/v1/releases/{release_id}/activate",
    answer=operation_answers.Activated,
    parameters=requests.ActivateParameters,
    repeatable=False,
)
LIVE = Route(name="live", method="GET", path="/health/live", answer=operation_answers.Live)
READY = Route(name="ready", method="GET", path="/health/ready", answer=operation_answers.Ready, statuses=_READY_OR_NOT)

ROUTES: tuple[Route[Any], ...] = (
    SIMILAR,
    RECOMMEND,
    SEARCH,
    BATCH,
    WHY,
    FACETS,
    SUGGEST,
    ITEMS,
    ITEM,
    SIMILAR_TO,
    PUT_ITEMS,
    REMOVE_ITEM,
    TAKE_DOWN,
    LIFT,
    TAKEDOWNS,
    CHANGE,
    PUT_RULES,
    RELEASES,
    ACTIVATE,
    LIVE,
    READY,
)
