import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq.layers.kept import keeping, weight

VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")


def test_without_keeping_a_weight_is_read_in_float32():
    variable = keras.Variable(VALUES)
    graph = tf.function(lambda: (weight(variable, "bfloat16"), weight(variable, "bfloat16", True)))
    variable.assign(2 * VALUES)
    matrix, transposed = graph()
    assert matrix.dtype == tf.float32
    np.testing.assert_array_equal(matrix, 2 * VALUES)
    np.testing.assert_array_equal(transposed, 2 * VALUES.T)


def test_weights_that_are_cast_are_kept_for_all_graphs():
    variable, kept = keras.Variable(VALUES), {}

    def read(transposed):
        with keeping(kept):
            return weight(variable, "bfloat16", transposed)

    graphs = [tf.function(lambda flag=flag: read(flag)) for flag in (False, True, False)]
    first = [graph() for graph in graphs]
    assert {each.dtype for each in first} == {tf.bfloat16}
    assert len(kept) == 2, "the first and the third graph share a weight"
    variable.assign(2 * VALUES)
    for graph, expected in zip(graphs, (VALUES, VALUES.T, VALUES), strict=True):
        np.testing.assert_array_equal(tf.cast(graph(), tf.float32), expected)


def test_only_variables_that_need_a_cast_are_kept():
    kept = {}
    with keeping(kept), keeping(None):
        assert weight(tf.constant(VALUES), "bfloat16").dtype == tf.float32
        assert weight(keras.Variable(VALUES), "float32", transposed=True).shape == (3, 2)
    assert not kept
