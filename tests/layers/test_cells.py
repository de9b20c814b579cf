import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq.layers import reference
from tf_seq2seq.layers.cells import CELLS, Cell, cell_of, check_cell
from tf_seq2seq.layers.recurrent import Recurrence, recurrent_layer

RNG = np.random.default_rng(5)


def random(*shape):
    return tf.constant(RNG.normal(size=shape), tf.float32)


@pytest.mark.parametrize("kind", CELLS)
def test_the_equation_equals_the_cell_of_keras(kind):
    layer = recurrent_layer(kind, 4, "layer", "float32")
    layer.build((None, None, 3))
    layer.set_weights([RNG.normal(size=weight.shape) for weight in layer.weights])
    inputs, state = random(2, 3), tuple(random(2, 4) for _ in range(CELLS[kind].state_parts))
    _, expected = layer.cell(inputs, list(state))
    cell = Recurrence(layer)
    for part, same in zip(cell(cell.from_input(inputs), state), expected, strict=True):
        np.testing.assert_allclose(part, same, atol=1e-6)


@pytest.mark.parametrize("kind", CELLS)
def test_a_layer_finds_its_entry(kind):
    assert cell_of(recurrent_layer(kind, 4, "layer", "float32")) is CELLS[kind]


def test_an_unknown_cell():
    with pytest.raises(ValueError, match="`cell` must be 'simple_rnn', 'gru' or 'lstm', got 'rnn'"):
        check_cell("rnn")


@keras.saving.register_keras_serializable("tests")
class ReluRNN(keras.layers.SimpleRNN):
    def __init__(self, units, **kwargs):
        super().__init__(units, **{**kwargs, "activation": "relu"})


def relu_step(from_input, from_state, state):
    return (tf.nn.relu(from_input + from_state),)


@pytest.mark.parametrize("system", ["initial_state", "additive_current", "additive_previous"])
def test_a_new_cell_takes_one_entry(system, monkeypatch):
    monkeypatch.setitem(CELLS, "relu_rnn", Cell(ReluRNN, relu_step))
    model = small_model(system, "relu_rnn", num_layers=2, bidirectional=True)
    inputs, _ = random_batch()
    encoded = reference.encode(model.encoder, inputs["source"])
    expected = reference.decode(
        model.decoder, inputs["target"], model.bridge(encoded.state), encoded
    ).logits
    np.testing.assert_allclose(model(inputs), expected, atol=1e-5)
    assert not np.allclose(expected, small_model(system, "simple_rnn", 2, True)(inputs))


def test_entries_are_read_only():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CELLS["gru"].state_parts = 2
