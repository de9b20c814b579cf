import keras
import numpy as np
import pytest
import tensorflow as tf
from layer_contract import LayerContract

from tf_seq2seq import LanguageModel
from tf_seq2seq.layers import Bridge, Readout
from tf_seq2seq.layers.dense import Dense

RNG = np.random.default_rng(4)
FEATURES = RNG.normal(size=(4000, 6)).astype("float32")


class TestContract(LayerContract):
    def make(self):
        return Dense(3, activation="tanh")

    def inputs(self):
        return (FEATURES[:5],)


def bridge_of_features(dtype):
    bridge = Bridge("dense", cell="gru", units=5, dtype=dtype)
    return bridge, lambda: bridge(((tf.constant(FEATURES),),))[0][0]


def readout(dtype, *embeddings, **options):
    layer = Readout(9, 6, activation=None, dtype=dtype, **options)
    return layer, lambda: layer(FEATURES, *map(tf.constant, embeddings))


def logits_of_a_language_model(dtype):
    model = LanguageModel(9, 6, dtype=dtype)
    return model, lambda: model.logits(tf.cast(FEATURES, model.compute_dtype))


CASES = {
    "language model": logits_of_a_language_model,
    "bridge": bridge_of_features,
    "readout": readout,
    "tied readout": lambda dtype: readout(dtype, FEATURES[:9], tied=True),
}


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("case", CASES)
def test_gradients_of_many_rows_are_not_lost_in_half_precision(case, dtype):
    # All of the same sign, as those of probabilities are.
    d = RNG.uniform(0.5, 1, size=(len(FEATURES), 1)) / 100
    gradients = []
    for each in ("float32", dtype):
        keras.utils.set_random_seed(1)
        layer, call = CASES[case](each)
        call()
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cast(call(), tf.float32) * d)
        found = tape.gradient(loss, layer.trainable_variables)
        gradients.append([tf.convert_to_tensor(each) for each in found if each is not None])
    for exact, half in zip(*gradients, strict=True):
        error = np.linalg.norm(exact - half) / np.linalg.norm(exact)
        assert error < 0.02
