"""For all tests: quiet TensorFlow; no test leaves its precision policy or the state of its random numbers to the next one."""

import os
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    """Each fixture, and so each test (it has the one below), starts from the same random numbers, whichever tests ran before."""
    if "keras" in sys.modules:
        import keras

        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def restore_precision_policy():
    yield
    if "keras" in sys.modules:
        import keras

        keras.mixed_precision.set_global_policy("float32")
