"""How many queries the Qdrant nodes have answered, by their own counters."""

import re

import httpx

from tests.qdrant_cluster import QdrantCluster

# A counter for each status; those between nodes are counted elsewhere.
_QUERIES = re.compile(r'^grpc_responses_total\{endpoint="/qdrant\.Points/Query"[^}]*\} (\d+)$', re.MULTILINE)


def reads_of(cluster: QdrantCluster) -> int:
    """Of all nodes together, since each was started."""
    told = [httpx.get(f"{url}/metrics").raise_for_status().text for url in cluster.urls]
    return sum(int(count) for text in told for count in _QUERIES.findall(text))
