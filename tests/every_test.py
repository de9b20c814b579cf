"""The settings and fixtures of all tests; see `conftest.py`.

Quiet, deterministic, and on two logical CPU devices so that strategies can be tried.
"""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf
from serving_fixtures import committed, exported, exports, no_fresh_process, repository, served  # noqa: F401  (fixtures for all tests)

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

# Tracing creates millions of objects, and nearly all of them stay. Look for garbage less often.
gc.freeze()
gc.set_threshold(100_000, 50, 100)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(1)
    yield
    keras.config.set_dtype_policy("float32")
