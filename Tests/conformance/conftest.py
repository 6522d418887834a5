"""Puts the shared kit on the path and gives each module its own Weir in front of a simulated provider."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kit"))

import pytest

from gateway import gateway_with


@pytest.fixture(scope="module")
def gateway(request):
    """One running gateway for a module; the module's CONFIGURATION, if it has one, is added to the configuration."""
    with gateway_with(getattr(request.module, "CONFIGURATION", "")) as made:
        yield made
