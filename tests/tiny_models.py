"""Models without a recurrence, for tests of the training: their graph is built in no time."""

import keras
import tensorflow as tf
from helpers import SOURCE_SIZE, TARGET_SIZE

from tf_seq2seq.models import SequenceModel
from tf_seq2seq.models.language_model import LanguageModelOutput


class Tiny(SequenceModel):
    """An embedding, dropout and a dense layer.

    The logits of a target word depend on this word, and on the mean of the source.
    """

    recurrent_layers = ()

    def __init__(self, size=TARGET_SIZE, dropout=0.2, units=6):
        super().__init__()
        self.source = keras.layers.Embedding(SOURCE_SIZE, units)
        self.words = keras.layers.Embedding(size, units)
        self.dropout = keras.layers.Dropout(dropout, seed=5)
        self.layer = keras.layers.Dense(size)
        for part in (self.source, self.words):
            part.build()
        self.layer.build((None, None, units))

    def call(self, inputs, training=None):
        context = tf.reduce_mean(self.source(inputs["source"]), axis=1, keepdims=True)
        return self.layer(self.dropout(self.words(inputs["target"]) + context, training=training))


class TinyWithState(SequenceModel):
    """An embedding, dropout and a dense layer; the state is half of itself and of each mean."""

    recurrent_layers = ()

    def __init__(self, size=12, dropout=0.2, units=6):
        super().__init__()
        self.words = keras.layers.Embedding(size, units)
        self.dropout = keras.layers.Dropout(dropout, seed=5)
        self.layer = keras.layers.Dense(size)
        self.words.build()
        self.layer.build((None, None, units))

    def initial_state(self, batch_size):
        return tf.zeros([batch_size, self.words.output_dim], self.compute_dtype)

    def call(self, ids, state=None, training=None):
        if state is None:
            state = self.initial_state(tf.shape(ids)[0])
        words = self.words(ids)
        features = self.dropout(words + state[:, None], training=training)
        state = (state + tf.reduce_mean(words, axis=1)) / 2
        return LanguageModelOutput(self.layer(features), state)
