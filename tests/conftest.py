"""What the tests of several rooms share: made once for all of them."""

from collections.abc import Iterator

import pytest

from tests.running_sample import RunningSample, run_sample


@pytest.fixture(scope="session")
def running_sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSample]:
    """A service that answers from the sample, with the folder in which `nearfield run` made it all."""
    with run_sample(tmp_path_factory.mktemp("sample")) as sample:
        yield sample
