"""What is asked for and what is taken down: seeds, and items that stand in their answers."""

import http.client
from typing import Any

from benchmarks.cluster.hosts import Host
from benchmarks.cluster.load import LIMIT

_NUM_SEEDS = 40
# One of two workers of a host is missed by as many connections of their own once in sixteen times; of 40 seeds, never.
_CONNECTIONS = 4


def seeds_and_items(host: Host) -> tuple[list[str], list[str]]:
    """Seeds, and what is shown near them and is no seed itself: a seed that is taken down is refused."""
    seeds: list[str] = []
    items: set[str] = set()
    number = 0
    while len(seeds) < _NUM_SEEDS:
        status, answer = near(host, f"item:{number}")
        if status == http.client.OK and answer["hits"]:
            seeds.append(f"item:{number}")
            items |= shown_in(answer)
        number += 1
    return seeds, sorted(items - set(seeds))


def near(host: Host, seed: str) -> tuple[int, dict[str, Any]]:
    """Status and answer to what is near an item."""
    return host.call("POST", "/v1/similar", {"seeds": [{"id": seed}], "limit": LIMIT})


def shown_in(answer: dict[str, Any]) -> set[str]:
    """Ids of what an answer shows."""
    return {hit["id"] for hit in answer.get("hits", ())}


def still_shown(hosts: list[Host], seeds: list[str], hidden: frozenset[str]) -> list[str]:
    """Which of `hidden` any worker shows near any seed."""
    found: set[str] = set()
    for host in hosts:
        for seed in seeds:
            for _ in range(_CONNECTIONS):
                found |= hidden & shown_in(near(host, seed)[1])
    return sorted(found)
