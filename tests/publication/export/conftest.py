"""One run with everything recorded, that the tests of all formats export."""

import pytest

import marketsim
from marketsim.datasets.run import Run
from tests.publication.export.exported_world import WORLD


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of `WORLD`."""
    done = marketsim.run(WORLD, out=tmp_path_factory.mktemp("exported"), report=False)
    return Run(done.path)
