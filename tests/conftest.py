"""What the tests of all rooms share: a service with data, made once, and which process runs which test."""

from collections.abc import Iterator

import hypothesis
import pytest

from tests.running_sample import RunningSample, run_sample

# How long an example takes says something of the machine beside it, nothing of the rule that it tries.
hypothesis.settings.register_profile("nearfield", deadline=None)
hypothesis.settings.load_profile("nearfield")

SAMPLE_GROUP = "running_sample"


@pytest.fixture(scope="session")
def running_sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSample]:
    """A service that answers from the sample, with the folder in which `nearfield run` made it all."""
    with run_sample(tmp_path_factory.mktemp("sample")) as sample:
        yield sample


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes: what is made once is used in one of them, and what takes longest begins first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group_of(item)))
    items.sort(key=lambda item: _group_of(item) != SAMPLE_GROUP)


def _group_of(item: pytest.Item) -> str:
    if SAMPLE_GROUP in getattr(item, "fixturenames", ()):
        return SAMPLE_GROUP
    module = item.nodeid.split("::")[0]
    # The HTTP tests share their two releases.
    return "service" if module.startswith("tests/service/") else module
