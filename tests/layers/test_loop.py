import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq.layers.loop import unfold


@pytest.mark.parametrize("backwards", [False, True])
def test_outputs_keep_the_order_of_time(backwards):
    def step(t, history):
        history = 10 * history + t + 1
        return (tf.cast(history, tf.float32)[None],), history

    (outputs,), last = unfold(step, 3, 0, num_outputs=1, backwards=backwards)
    np.testing.assert_array_equal(outputs[:, 0], [321, 32, 3] if backwards else [1, 12, 123])
    assert int(last) == (321 if backwards else 123)


def test_a_length_known_only_in_the_graph():
    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def powers(length):
        return unfold(lambda t, x: ((x, -x), 2 * x), length, tf.constant(1.0), num_outputs=2)

    (outputs, negated), last = powers(4)
    np.testing.assert_array_equal(outputs, [1, 2, 4, 8])
    np.testing.assert_array_equal(negated, [-1, -2, -4, -8])
    assert last == 16
