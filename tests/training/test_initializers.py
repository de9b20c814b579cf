import keras
import numpy as np
import pytest
from helpers import small_model

from tf_seq2seq import LanguageModel, training


def test_matrices_are_drawn_within_their_limits_and_vectors_stay():
    model = small_model("additive_current", "lstm")
    before = model.get_weights()
    training.draw_glorot_uniform(model)
    for weight, old in zip(model.get_weights(), before, strict=True):
        if weight.ndim != 2:
            np.testing.assert_array_equal(weight, old)
            continue
        limit = np.sqrt(6 / sum(weight.shape))
        assert np.max(np.abs(weight)) <= limit
        if weight.size > 100:
            assert np.std(weight) == pytest.approx(limit / np.sqrt(3), rel=0.15)
        assert np.all(weight != old)


def test_uniform_matrices_start_in_their_range_and_forget_gates_open():
    model = LanguageModel(40, 6)
    training.draw_uniform(model, 0.05)
    matrices = [weight for weight in model.get_weights() if weight.ndim == 2]
    for matrix in matrices:
        assert 0.04 < np.abs(matrix).max() <= 0.05
    np.testing.assert_array_equal(model.recurrent_layers[0].cell.bias[6:12], 1)


@pytest.mark.parametrize(
    "draw", [lambda model: training.draw_uniform(model, 0.1), training.draw_glorot_uniform]
)
def test_matrices_of_one_shape_start_different_and_the_seed_decides(draw):
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        model = LanguageModel(40, 6)  # has four matrices of one shape
        draw(model)
        weights.append([weight for weight in model.get_weights() if weight.shape == (6, 24)])
    first, same, other = weights
    assert len({matrix.tobytes() for matrix in first}) == 4
    np.testing.assert_array_equal(first, same)
    assert np.all(np.not_equal(first, other).mean(axis=(1, 2)) > 0.9)
