import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import InputError
from tf_seq2seq.search import repeat_rows
from tf_seq2seq.search.steps import check_size, first_step


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
