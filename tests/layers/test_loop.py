import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq.layers.loop import UNROLLED, unfold


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


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("length", [1, UNROLLED - 1, UNROLLED, 2 * UNROLLED, 2 * UNROLLED + 1])
def test_an_unrolled_loop_is_the_same(length, backwards):
    """Compiled by XLA, where a turn takes several steps, and as it is."""

    def run(inputs, unroll):
        def step(t, state):
            state = tf.tanh(state + inputs[t])
            return (state, 2.0 * inputs[t]), state

        return unfold(step, tf.shape(inputs)[0], inputs[0], 2, backwards, unroll)

    inputs = tf.constant(np.random.default_rng(0).normal(size=[length, 3]), tf.float32)
    spec = [tf.TensorSpec([None, 3])]
    compiled = tf.function(lambda x: run(x, True), jit_compile=True, input_signature=spec)
    for (outputs, doubled), last in (compiled(inputs), run(inputs, True)):
        (expected, _), expected_last = run(inputs, False)
        np.testing.assert_allclose(outputs, expected, atol=1e-6)
        np.testing.assert_allclose(doubled, 2.0 * inputs, atol=1e-6)
        np.testing.assert_allclose(last, expected_last, atol=1e-6)


def test_only_loops_in_xla_are_unrolled():
    def steps_traced(**options):
        traced = []

        def step(t, state):
            traced.append(t)
            return (state,), state

        graph = tf.function(lambda: unfold(step, 9, tf.zeros([2]), 1, unroll=True), **options)
        graph.get_concrete_function()
        return len(traced)

    assert steps_traced() == 1
    assert steps_traced(jit_compile=True) == UNROLLED + 1  # a turn, and a step of the rest
