"""What only a GPU can break. `make test-gpu` runs these tests; without a GPU they are skipped."""

import pytest
import tensorflow as tf

GPUS = tf.config.list_physical_devices("GPU")
for gpu in GPUS:
    tf.config.experimental.set_memory_growth(gpu, True)


@pytest.fixture(autouse=True, scope="session")
def _gpu():
    if not GPUS:
        pytest.skip("TensorFlow finds no GPU")
