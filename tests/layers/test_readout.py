import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_smallest, defaults
from layer_contract import LayerContract

from tf_seq2seq.layers import Readout
from tf_seq2seq.layers.kept import keeping

RNG = np.random.default_rng(2)
FEATURES = RNG.normal(size=(2, 3, 6)).astype("float32")
EMBEDDINGS = RNG.normal(size=(9, 5)).astype("float32")


class TestContract(LayerContract):
    def make(self):
        return Readout(9, 5, dropout=0.1)

    def inputs(self):
        return (FEATURES,)


class TestTiedContract(LayerContract):
    def make(self):
        return Readout(9, 5, activation=None, tied=True)

    def inputs(self):
        return FEATURES, EMBEDDINGS


def test_equals_numpy():
    readout = Readout(9, 5)
    logits = readout(FEATURES)
    w, b, w_o, b_o = readout.get_weights()
    np.testing.assert_allclose(logits, np.tanh(FEATURES @ w + b) @ w_o + b_o, atol=1e-6)


def test_without_units_the_logits_are_linear_in_the_features():
    readout = Readout(9)
    logits = readout(FEATURES)
    w_o, b_o = readout.get_weights()
    np.testing.assert_allclose(logits, FEATURES @ w_o + b_o, atol=1e-6)


def test_tied_uses_the_embeddings_and_a_bias():
    readout = Readout(9, 5, activation=None, tied=True)
    readout(FEATURES, EMBEDDINGS)
    readout.bias.assign(np.arange(9.0))
    _, w, b = readout.get_weights()
    expected = (FEATURES @ w + b) @ EMBEDDINGS.T + np.arange(9)
    np.testing.assert_allclose(readout(FEATURES, EMBEDDINGS), expected, atol=1e-5)


@pytest.mark.parametrize("tied", [False, True])
def test_embeddings_must_match_the_tie(tied):
    with pytest.raises(ValueError, match=f"tied={tied}"):
        Readout(9, 5, tied=tied)(FEATURES, None if tied else EMBEDDINGS)


def test_dropout_hides_features_of_the_hidden_layer_in_training():
    readout = Readout(400, 400, activation=None, dropout=0.3)
    readout(FEATURES)
    readout.hidden.set_weights([np.zeros((6, 400)), np.ones(400)])
    readout.projection.set_weights([np.eye(400), np.zeros(400)])
    factors = np.array(readout(FEATURES, training=True))
    np.testing.assert_allclose(np.unique(factors), [0, 1 / 0.7], rtol=1e-5)
    np.testing.assert_allclose((factors == 0).mean(axis=-1), 0.3, atol=0.1)
    assert np.any(factors[0, 0] != factors[0, 1])
    np.testing.assert_array_equal(readout(FEATURES), np.ones((2, 3, 400)))


def test_without_units_nothing_is_dropped():
    readout = Readout(9, dropout=0.5)
    np.testing.assert_array_equal(readout(FEATURES, training=True), readout(FEATURES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 0}, "`vocabulary_size`.*got 0"),
        ({"units": 0}, "`units`.*got 0"),
        ({"tied": 1}, "`tied`.*got 1"),
        ({"dropout": 1}, "`dropout`.*got 1"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Readout(**{"vocabulary_size": 9, **arguments})


def test_defaults_and_smallest_sizes():
    assert defaults(Readout) == {"units": None, "activation": "tanh", "tied": False, "dropout": 0.0}
    sizes = {"vocabulary_size": 1, "units": 1}
    assert_smallest(lambda **size: Readout(**{"vocabulary_size": 9, **size}), **sizes)


def square(x):
    return x * x


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("relu", "relu"), (None, None), (keras.activations.relu, "relu"), (tf.nn.relu, "relu")],
)
def test_activations_in_a_configuration(activation, expected):
    config = keras.saving.serialize_keras_object(Readout(9, 4, activation=activation))
    again = keras.saving.deserialize_keras_object(config)
    assert again.hidden.activation == keras.activations.get(expected)
    assert Readout.from_config(again.get_config()).hidden.activation == again.hidden.activation


def test_an_activation_of_a_user_in_a_configuration():
    config = keras.saving.serialize_keras_object(Readout(9, 4, activation=square))
    with keras.saving.custom_object_scope({"square": square}):
        again = keras.saving.deserialize_keras_object(config)
        assert again.activation is again.hidden.activation is square
        assert keras.saving.serialize_keras_object(again) == config
    with pytest.raises((TypeError, ValueError), match="Could not locate function 'square'"):
        keras.saving.deserialize_keras_object(config)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("tied", [False, True])
def test_logits_of_candidates_are_those_among_all(tied, dtype):
    readout = Readout(9, 5, tied=tied, dtype=dtype)
    embeddings = keras.Variable(EMBEDDINGS) if tied else None
    readout(FEATURES, *([EMBEDDINGS] if tied else []))
    (readout.bias if tied else readout.projection.bias).assign(np.arange(9.0))
    attended, candidates = RNG.normal(size=(4, 5)).astype("float32"), [7, 0, 8]
    kept = {}
    for context in (None, kept, kept):
        with keeping(context):
            every = readout.logits_map(embeddings)(attended)
            some = readout.logits_map(embeddings, tf.constant(candidates))(attended)
        assert some.dtype == tf.float32
        np.testing.assert_allclose(some, tf.gather(every, candidates, axis=1), rtol=1e-5, atol=1e-5)
    assert len(kept) == (2 if tied else 1) * (dtype != "float32")
