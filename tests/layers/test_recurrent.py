import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_contract import assert_close

from tf_seq2seq import Decoder, Encoder, LanguageModel
from tf_seq2seq.layers import Words
from tf_seq2seq.layers.cells import CELLS
from tf_seq2seq.layers.recurrent import (
    Recurrence,
    build_once,
    check_ids,
    check_rows,
    describe_shapes,
    recurrent_layer,
    run_layer,
)

RNG = np.random.default_rng(6)


def random(*shape):
    return tf.constant(RNG.normal(size=shape), tf.float32)


def make(cell, dtype="float32"):
    layer = recurrent_layer(cell, 4, "layer", dtype)
    layer.build((None, None, 3))
    return layer


def test_a_layer_that_is_built_stays_as_it_is():
    dense = keras.layers.Dense(3)
    build_once(dense, (None, 2))
    kernel = np.array(dense.kernel)
    build_once(dense, (None, 5))
    np.testing.assert_array_equal(dense.kernel, kernel)


@pytest.mark.parametrize("cell", CELLS)
def test_single_steps_equal_the_whole_sequence(cell):
    layer, inputs = make(cell), random(2, 5, 3)
    state = tuple(random(2, 4) for _ in range(CELLS[cell].state_parts))
    outputs, last = run_layer(layer, inputs, state)
    for t in range(5):
        step = Recurrence(layer)
        state = step(step.from_input(inputs[:, t]), state)
        np.testing.assert_allclose(state[0], outputs[:, t], atol=1e-6)
    assert_close(state, last, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_xla_may_compile_a_recurrent_layer(cell):
    assert make(cell).supports_jit


def test_shapes_of_objects_that_are_not_tensors():
    assert describe_shapes([None, (np.zeros([2, 1]),)]) == "(None, (a tensor of shape (2, 1),))"


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("go_backwards", [False, True])
def test_a_masked_sequence_equals_keras(cell, go_backwards):
    """Rows with the mask on different sides: padding, a gap, and no word at all."""
    layer = recurrent_layer(cell, 4, "layer", "float32", go_backwards=go_backwards)
    layer.build((None, None, 3))
    inputs = random(4, 5, 3)
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]], bool)
    outputs, state = run_layer(layer, inputs, mask=tf.constant(mask))
    expected, *expected_state = layer(inputs, mask=tf.constant(mask))
    assert_close(state, expected_state, atol=1e-6)
    expected = np.flip(expected, axis=1) if go_backwards else expected
    np.testing.assert_allclose(outputs, expected * mask[..., None], atol=1e-6)


def test_shapes_of_empty_and_single_tuples():
    assert describe_shapes(()) == "()"
    assert describe_shapes((1, 2)) == "(1, 2)"
    assert describe_shapes((1,)) == "(1,)"


def test_ids_have_two_dimensions():
    check_ids("ids", np.zeros([2, 3]))
    check_ids("ids", keras.Input((None,)))
    for wrong in (np.zeros([2]), np.zeros([2, 3, 4]), [[1, 2]], 1):
        with pytest.raises(ValueError, match=r"`ids` must be ids \(batch, length\), got"):
            check_ids("ids", wrong)
    with pytest.raises(ValueError, match="got a ragged tensor: convert it"):
        check_ids("ids", tf.ragged.constant([[1, 2], [3]]))


@pytest.mark.parametrize("rows", [0, 2, None])
def test_ids_have_a_length(rows):
    message = (
        "`ids` has the length 0: pass at least one id for each sentence, such as that of <eos>."
    )
    ids = np.zeros([rows, 0]) if rows is not None else keras.Input((0,))
    with pytest.raises(ValueError, match=f"^{message}$"):
        check_ids("ids", ids)
    check_ids("ids", np.zeros([0, 3]))


def test_rows_are_compared_where_they_are_known():
    check_rows(a=np.zeros([2, 3]), b=np.zeros([2]))
    check_rows(a=np.zeros([2, 3]), b=keras.Input((None,)))
    with pytest.raises(ValueError, match=r"rows differ: 2 in `a`, None in `b`, 1 in `c`"):
        check_rows(a=np.zeros([2, 3]), b=keras.Input((None,)), c=np.zeros([1]))


@pytest.mark.parametrize("cell", CELLS)
def test_a_context_is_an_input_of_every_step(cell):
    layer, inputs, context = (
        recurrent_layer(cell, 4, "layer", "float32"),
        random(2, 5, 3),
        random(2, 2),
    )
    layer.build((None, None, 5))
    everywhere = tf.concat([inputs, tf.repeat(context[:, None], 5, axis=1)], axis=2)
    assert_close(run_layer(layer, inputs, context=context), run_layer(layer, everywhere), atol=1e-5)


@pytest.mark.parametrize(
    "policy", ["float64", "bfloat16", "int8_from_float32", "float8_from_float32"]
)
def test_other_dtype_policies_are_refused(policy):
    message = f"`dtype` must be 'float32', .*, got '{policy}'"
    with pytest.raises(ValueError, match=message):
        Encoder(20, 4, dtype=policy)
    with pytest.raises(ValueError, match=message):
        LanguageModel(20, 4, dtype=policy)
    keras.config.set_dtype_policy(policy)
    with pytest.raises(ValueError, match=message):
        Decoder(20, 4)


def test_sublayers_of_a_layer_that_is_not_trained_are_not_trained():
    words = Words(9, 4, trainable=False)
    build_once(words, (None, None))
    assert [weight.trainable for weight in words.weights] == [False]
