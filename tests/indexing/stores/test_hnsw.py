"""Settings of graphs: what only some stores would take is refused by all."""

import pytest

from embedding.errors import UsageError
from indexing.stores.hnsw import HnswSettings


def test_a_threshold_that_a_server_refuses_is_refused_before_it_is_asked() -> None:
    with pytest.raises(UsageError, match="full_scan_threshold_kb: expected 10 or more, came 9; a Qdrant server"):
        HnswSettings(full_scan_threshold_kb=9)
    assert HnswSettings(full_scan_threshold_kb=10).full_scan_threshold_kb == 10
