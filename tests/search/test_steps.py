import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import InputError
from tf_seq2seq.search import repeat_rows
from tf_seq2seq.search.steps import check_size, first_step, log_sum_exp, top_k


def test_the_copies_of_a_row_are_next_to_each_other():
    structure = {"state": (tf.constant([[1, 2], [3, 4]]), None), "step": tf.constant(7)}
    repeated = repeat_rows(structure, np.int64(2))
    np.testing.assert_array_equal(repeated["state"][0], [[1, 2], [1, 2], [3, 4], [3, 4]])
    assert repeated["state"][1] is None
    assert repeated["step"] == 7, "a scalar belongs to all rows"


def test_sizes_are_integers_or_tensors():
    size = tf.constant(0)
    assert check_size("max_length", size, minimum=1) is size
    assert check_size("max_length", np.int64(1), minimum=1) == 1
    for value in (0, 1.0, True, "1"):
        with pytest.raises(InputError, match=r"^`max_length` must be an integer of at least 1"):
            check_size("max_length", value, minimum=1)
    with pytest.raises(InputError, match=r"^`times`"):
        repeat_rows(size, 0)


def test_a_search_starts_with_sos_and_no_row_is_finished():
    finished, start = first_step(2, None, None)
    np.testing.assert_array_equal(finished, [False, False])
    np.testing.assert_array_equal(start, [2, 2])
    given = tf.constant([True, False]), tf.constant([5, 6])
    assert first_step(2, *given) == given


@pytest.mark.parametrize("size", [5, 40, 2000, 2016])
@pytest.mark.parametrize("is_known", [False, True])
def test_the_largest_logits_are_those_of_tensorflow_even_if_some_are_equal(size, is_known):
    logits = np.random.default_rng(0).integers(0, 12, (7, size)).astype("float32")
    logits[0] = -np.inf
    spec = tf.TensorSpec([None, size if is_known else None], tf.float32)
    found = tf.function(lambda logits: top_k(logits, 11), input_signature=[spec])(logits)
    for ours, theirs in zip(found, tf.math.top_k(logits, min(11, size)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_more_logits_than_there_are():
    assert top_k(tf.zeros([2, 3]), 5)[0].shape == (2, 3)


def test_logarithm_of_the_sum_of_exponentials():
    logits = np.random.default_rng(0).normal(0, 30, (5, 50)).astype("float32")
    logits[1, 2], logits[2] = -np.inf, -1000.0
    expected = tf.reduce_logsumexp(logits, axis=1)
    np.testing.assert_allclose(log_sum_exp(tf.constant(logits)), expected, rtol=1e-6)
    ids = tf.argmax(logits, axis=1, output_type=tf.int32)
    np.testing.assert_allclose(log_sum_exp(tf.constant(logits), ids), expected, rtol=1e-6)
    assert not np.any(np.isfinite(log_sum_exp(tf.constant([[0.0, np.nan]]))))
