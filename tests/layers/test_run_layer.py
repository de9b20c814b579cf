"""The loops for CPUs against Keras' own layers, in numbers and in gradients."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_layer

from tf_seq2seq.layers.cells import CELLS
from tf_seq2seq.layers.recurrent import run_layer

run_in_training = functools.partial(run_layer, training=True)

UNITS, FEATURES = 4, 3
KINDS = ("simple_rnn", "gru", "lstm")
LENGTHS = [5, 0, 3, 1]
"""Of the rows of a masked batch: full, without any word, and two with padding."""


def make(kind, go_backwards=False, dtype="float32"):
    return random_layer(kind, FEATURES, UNITS, go_backwards, dtype)


def arguments(layer, batch_size=4, length=5, with_state=True):
    rng = np.random.default_rng(2)
    parts = 2 if isinstance(layer, keras.layers.LSTM) else 1
    shapes = [(batch_size, length, FEATURES)] + with_state * parts * [(batch_size, UNITS)]
    inputs, *state = (tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes)
    return inputs, tuple(state) or None


def plain(layer, inputs, initial_state=None, mask=None):
    """Keras' layer itself, but with the outputs in the order of the inputs."""
    state = None if initial_state is None else list(initial_state)
    outputs, *state = layer(inputs, initial_state=state, mask=mask)
    return tf.reverse(outputs, [1]) if layer.go_backwards else outputs, tuple(state)


def gradients(run, layer, inputs, state, mask=None):
    """Of a function of all outputs and states, by all that goes in."""
    sources = [inputs, *(state or ()), *(weight.value for weight in layer.weights)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        results = tf.nest.flatten(run(layer, inputs, state, mask=mask))
        # Each output has another weight, so that none can replace another.
        loss = sum(
            tf.reduce_sum(tf.cast(result, tf.float32) ** 2 * (i + 1.0))
            + tf.reduce_sum(tf.sin(tf.cast(result, tf.float32)))
            for i, result in enumerate(results)
        )
    return tape.gradient(loss, sources)


gradients_in_graph = tf.function(gradients, autograph=False)


def assert_same(ours, expected, atol=1e-5):
    ours, expected = tf.nest.flatten(ours), tf.nest.flatten(expected)
    for mine, other in zip(ours, expected, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(
            tf.cast(mine, tf.float32), tf.cast(other, tf.float32), rtol=1e-5, atol=atol
        )


@pytest.mark.parametrize(
    ("with_state", "go_backwards", "masked"),
    [(True, False, False), (False, True, True), (True, False, True)],
)
@pytest.mark.parametrize("kind", KINDS)
class TestEqualsKeras:
    def given(self, kind, with_state, go_backwards, masked):
        layer = make(kind, go_backwards)
        mask = tf.sequence_mask(LENGTHS, 5) if masked else None
        return layer, *arguments(layer, with_state=with_state), mask

    def test_outputs_and_states(self, kind, with_state, go_backwards, masked):
        given = self.given(kind, with_state, go_backwards, masked)
        assert_same(run_layer(*given), plain(*given))

    def test_gradients(self, kind, with_state, go_backwards, masked):
        given = self.given(kind, with_state, go_backwards, masked)
        assert_same(gradients_in_graph(run_in_training, *given), gradients(plain, *given))


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_mask_is_false_the_state_does_not_change(kind):
    layer = make(kind)
    inputs, state = arguments(layer)
    mask = tf.constant([[True, False, True, True, False]] * 4)  # with a hole
    assert_same(run_layer(layer, inputs, state, mask), plain(layer, inputs, state, mask))
    outputs, last = run_layer(layer, inputs, state, tf.zeros([4, 5], tf.bool))
    assert not np.any(outputs)
    assert_same(last, state, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_inside_a_function_of_unknown_shapes(kind):
    layer = make(kind)
    vector = tf.TensorSpec([None, UNITS])
    signature = (
        tf.TensorSpec([None, None, FEATURES]),
        (vector,) * CELLS[kind].state_parts,
        tf.TensorSpec([None, None], tf.bool),
    )

    def in_graph(run):
        @tf.function(input_signature=signature)
        def both(inputs, state, mask):
            given = (layer, inputs, state, mask)
            return run(*given), gradients(run, *given)

        return both

    ours, theirs = in_graph(run_in_training), in_graph(plain)
    for batch_size, length in ((0, 5), (4, 1), (1, 1)):
        inputs, state = arguments(layer, batch_size, length)
        mask = tf.sequence_mask(LENGTHS[:batch_size], length)
        assert_same(ours(inputs, state, mask), theirs(inputs, state, mask))


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_close_to_full(kind):
    full, half = make(kind), make(kind, dtype="mixed_bfloat16")
    inputs, state = arguments(full)
    mask = tf.sequence_mask(LENGTHS, 5)
    results = run_layer(half, tf.cast(inputs, tf.bfloat16), state, mask)
    assert all(result.dtype == tf.bfloat16 for result in tf.nest.flatten(results))
    for mine, other in zip(
        tf.nest.flatten(results), tf.nest.flatten(run_layer(full, inputs, state, mask)), strict=True
    ):
        np.testing.assert_allclose(tf.cast(mine, tf.float32), other, atol=0.05)
    for mine, other in zip(
        gradients_in_graph(run_in_training, half, inputs, state, mask),
        gradients_in_graph(run_in_training, full, inputs, state, mask),
        strict=True,
    ):
        assert mine.dtype == tf.float32
        np.testing.assert_allclose(mine, other, atol=0.03 * np.abs(other).max())


@pytest.mark.parametrize("kind", KINDS)
def test_a_context_goes_into_every_step_behind_the_inputs(kind):
    layer = make(kind)
    inputs, state = arguments(layer)
    words, context = inputs[..., :1], inputs[:, 0, 1:]
    joined = tf.concat([words, tf.repeat(context[:, None], 5, axis=1)], axis=-1)
    assert_same(run_layer(layer, words, state, context=context), plain(layer, joined, state))


@pytest.mark.parametrize("kind", KINDS)
def test_replicas_get_the_gradients_of_one_device(kind):
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        layer = make(kind)
    inputs, state = arguments(layer)

    def weight_gradients(run, inputs, state):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(run(layer, inputs, state)[0] ** 2)
        return tape.gradient(loss, layer.trainable_variables)

    @tf.function
    def on_replicas(inputs, state):
        return strategy.run(weight_gradients, (run_in_training, inputs, state))

    halves = strategy.experimental_distribute_values_from_function(
        lambda replica: tf.nest.map_structure(
            lambda x: x[2 * replica.replica_id_in_sync_group :][:2], (inputs, state)
        )
    )
    ours = [sum(strategy.experimental_local_results(part)) for part in on_replicas(*halves)]
    assert_same(ours, weight_gradients(plain, inputs, state))


@pytest.mark.parametrize("kind", KINDS)
def test_dropped_weights_of_the_state_equal_keras_with_these_weights(kind):
    """The gradient passes through the mask, in the loop of training and in the plain one."""
    layer, same = make(kind), make(kind)
    given = *arguments(layer), tf.sequence_mask(LENGTHS, 5)
    shape = layer.cell.recurrent_kernel.shape
    factors = tf.constant(np.random.default_rng(3).choice([0, 2], shape), tf.float32)
    same.cell.recurrent_kernel.assign(layer.cell.recurrent_kernel * factors)

    def run(training):
        def run(layer, inputs, state, mask):
            kernel = layer.cell.recurrent_kernel * factors
            return run_layer(layer, inputs, state, mask, training=training, recurrent_kernel=kernel)

        return run

    assert_same(run(False)(layer, *given), plain(same, *given))
    expected = gradients(plain, same, *given)
    of_kernel = [w is same.cell.recurrent_kernel for w in same.weights].index(True)
    expected[of_kernel - len(same.weights)] *= factors
    assert_same(gradients_in_graph(run(True), layer, *given), expected)
    assert_same(gradients(run(False), layer, *given), expected)
