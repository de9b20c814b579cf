"""What only a GPU can break, for `make test-gpu`. Without a GPU, only the slow tests are run."""

from pathlib import Path

import pytest
import tensorflow as tf

GPUS = tf.config.list_physical_devices("GPU")
for gpu in GPUS:
    tf.config.experimental.set_memory_growth(gpu, True)


def pytest_collection_modifyitems(items):
    if not GPUS:
        for item in items:
            if Path(__file__).parent in item.path.parents and "slow" not in item.keywords:
                item.add_marker(pytest.mark.skip("TensorFlow finds no GPU"))
