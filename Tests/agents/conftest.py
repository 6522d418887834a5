"""What every test of this folder starts from: one Weir in front of one simulated provider, and a fresh laptop."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kit"))

import weirkit  # noqa: E402
from laptop import Laptop  # noqa: E402
from tap import Tap  # noqa: E402

# A provider that nobody answers for.
DOWN = """  - name: down
    kind: simulated
    base_url: http://127.0.0.1:{port}
    models: ["down-*"]
"""


@pytest.fixture(scope="session")
def gateway():
    """One server for the whole run: each test has keys of its own."""
    with weirkit.running(DOWN.format(port=weirkit.free_port())) as (weir, simulation):
        yield weir, simulation


@pytest.fixture
def weir(gateway):
    return gateway[0]


@pytest.fixture
def simulation(gateway):
    """The provider, with an empty memory of what arrived."""
    gateway[1].forget()
    return gateway[1]


@pytest.fixture
def tap(weir):
    made = Tap(weir.port)
    yield made
    made.close()


@pytest.fixture
def laptop():
    made = Laptop()
    yield made
    made.remove()
