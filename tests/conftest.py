"""What the tests of all rooms share: a service with data, made once, and which process runs which test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.running_sample import RunningSample, run_sample

# How long an example takes, or takes to be made, says something of the machine beside it, nothing of the rule.
hypothesis.settings.register_profile(
    "nearfield", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("nearfield")


# Hundreds of releases are built, each flushed file by file: in memory where there is room, they wait for no disk.
_IN_MEMORY, _ENOUGH_BYTES = Path("/dev/shm"), 6 << 30
if _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > _ENOUGH_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))


@pytest.fixture(scope="session")
def running_sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSample]:
    """A service that answers from the sample, with the folder in which `nearfield run` made it all."""
    with run_sample(tmp_path_factory.mktemp("sample")) as sample:
        yield sample


@pytest.fixture(scope="session", autouse=True)
def few_canaries() -> Iterator[None]:
    """Builds ask the engine for fewer rows than a real one does, each under every shape: half of a small build's time.

    The doctor's own tests have the real number.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexing.building.gate._CANARIES", 6)
        yield


# Not `--dist loadgroup`: xdist 3.8 writes the group into a name that pytest 9.2 no longer reads.
class _ByWhatTheyShare(LoadScopeScheduling):  # type: ignore[misc]  # the library is not typed
    def _split_scope(self, nodeid: str) -> str:
        return _group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """With several processes, what is made once is used in one of them."""
    return _ByWhatTheyShare(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    order = {"sample": 0, "service": 1}
    items.sort(key=lambda item: order.get(_group_of(item.nodeid), 2))


def _group_of(nodeid: str) -> str:
    file = nodeid.split("::")[0]
    if file in {"tests/test_run.py", "tests/test_docs.py", "tests/embedding/sample/test_trained_on_sample.py"}:
        return "sample"
    if file.startswith("tests/nearfield/notebook/"):
        return "notebook"
    # The HTTP tests share their two releases.
    return "service" if file.startswith("tests/service/") else file
