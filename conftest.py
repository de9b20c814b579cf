"""TensorFlow's settings for all tests, and the names that examples in docstrings may use."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests are small, and the workers take all cores: more threads would only wait for each other.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import pytest


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
