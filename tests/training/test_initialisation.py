import numpy as np
import pytest
from helpers import small_model

from tf_seq2seq.training import draw_glorot_uniform


def test_matrices_are_drawn_within_their_limits_and_vectors_stay():
    model = small_model("additive_current", "lstm")
    before = model.get_weights()
    draw_glorot_uniform(model)
    for weight, old in zip(model.get_weights(), before, strict=True):
        if weight.ndim != 2:
            np.testing.assert_array_equal(weight, old)
            continue
        limit = np.sqrt(6 / sum(weight.shape))
        assert np.max(np.abs(weight)) <= limit
        if weight.size > 100:
            assert np.std(weight) == pytest.approx(limit / np.sqrt(3), rel=0.15)
        assert np.all(weight != old)
