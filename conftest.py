"""TensorFlow's settings for all tests, and the names that examples in docstrings may use."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests are small, and the workers take all cores: more threads would only wait for each other.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import pytest


def pytest_addoption(parser):
    parser.addoption(
        "--optimize-graphs",
        action="store_true",
        help="let TensorFlow optimize the graphs of the tests, as it does in programs",
    )


def pytest_configure(config):
    # Most graphs run once or twice here, which takes less time than to optimize them. Exports and
    # programs, which tests start in fresh processes, are optimized in any case.
    if not config.getoption("--optimize-graphs"):
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True)
def _example_names(request):
    if not isinstance(request.node, pytest.DoctestItem):
        return
    import keras
    import numpy as np
    import tensorflow as tf

    import tf_seq2seq as s2s

    keras.utils.set_random_seed(1)
    names = request.getfixturevalue("doctest_namespace")
    names.update(keras=keras, np=np, tf=tf, s2s=s2s, tmp_path=request.getfixturevalue("tmp_path"))
