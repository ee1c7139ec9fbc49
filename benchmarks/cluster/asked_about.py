"""What is asked for and what is taken down: seeds, and items that stand in their answers."""

from benchmarks.cluster.hosts import Host
from benchmarks.cluster.load import LIMIT

_NUM_SEEDS = 40
# One of two workers of a host is missed by as many connections of their own once in a thousand times.
_CONNECTIONS = 10


def seeds_and_items(host: Host) -> tuple[list[str], list[str]]:
    """Seeds, and what is shown near them and is no seed itself: a seed that is taken down is refused."""
    seeds, items = [], set()
    number = 0
    while len(seeds) < _NUM_SEEDS:
        status, answer = near(host, f"item:{number}")
        if status == 200 and answer:
            seeds.append(f"item:{number}")
            items |= set(answer)
        number += 1
    return seeds, sorted(items - set(seeds))


def near(host: Host, seed: str) -> tuple[int, list[str]]:
    """Status, and ids of what is shown near an item."""
    status, answer = host.call("POST", "/v1/similar", {"seeds": [{"id": seed}], "limit": LIMIT})
    return status, [hit["id"] for hit in answer.get("hits", ())]


def still_shown(hosts: list[Host], seeds: list[str], hidden: frozenset[str]) -> list[str]:
    """Which of `hidden` any worker shows near any seed."""
    found = set()
    for host in hosts:
        for at, seed in enumerate(seeds):
            for _ in range(_CONNECTIONS if at == 0 else 2):
                found |= hidden & set(near(host, seed)[1])
    return sorted(found)
