"""Quiet, deterministic, and on two logical CPU devices so that strategies can be tried."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf
from helpers import ROOT
from serving_fixtures import committed, exported, exports, no_fresh_process, repository, served  # noqa: F401  (fixtures for all tests)

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

# Tracing creates millions of objects, and nearly all of them stay. Look for garbage less often.
gc.freeze()
gc.set_threshold(100_000, 50, 100)

# What `make check` leaves to `make test`: these train, export, start processes or run large grids.
LONG = (
    *("chapters", "cli", "models", "serving", "training"),
    *("test_benchmarks", "test_learning", "test_readme", "test_saving", "test_translator"),
    *("data/test_batching", "layers/test_decoder", "layers/test_fused", "layers/test_reference"),
    "layers/test_steps",
)


def pytest_collection_modifyitems(items):
    """Mark the tests that `make check` runs, and run them last: short files keep all cores busy."""
    for item in items:
        path = item.path.relative_to(ROOT).as_posix()
        is_example = isinstance(item, pytest.DoctestItem)
        if not path.startswith(tuple(f"tests/{name}" for name in LONG)) and not is_example:
            item.add_marker("fast")
    items.sort(key=lambda item: item.get_closest_marker("fast") is not None)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(1)
    yield
    keras.config.set_dtype_policy("float32")
