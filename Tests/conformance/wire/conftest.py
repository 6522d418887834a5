"""Puts the shared kit on the path and starts what several files share: one raw provider and one Weir in front of it."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "kit")]

import pytest  # noqa: E402

from wiregateway import gateway  # noqa: E402


@pytest.fixture(scope="session")
def shared():
    """A gateway with the default limits; tests tell their own traffic apart by request id or by the x-case header."""
    with gateway() as running:
        yield running
