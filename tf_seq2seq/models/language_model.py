"""The recurrent language model as a Keras model."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_integer
from tf_seq2seq.layers.recurrent import State, build_once, recurrent_layer, run_cell, run_layer
from tf_seq2seq.losses import SequenceCrossEntropy
from tf_seq2seq.metrics import Perplexity


class LanguageModelOutput(NamedTuple):
    """The result over whole pieces of text.

    Attributes:
        logits: `(batch, length, vocabulary_size)`, of the word after each word.
        state: the state after the last word, for the piece that follows.
    """

    logits: tf.Tensor
    state: State


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class LanguageModel(keras.Model):
    """Predicts each word of a text from all words before it, with a stack of LSTMs.

        x_t          = E w_t
        h_t, c_t     = LSTM(x_t, h_{t-1}, c_{t-1}), a layer on top of the other
        P(w_{t+1})   = softmax(E h_t + b)

    The embedding `E` is the softmax's matrix too (Press and Wolf 2017; the book, section 9.2.3),
    for which the last layer is as wide as the embedding.

    The state goes in and comes out. A text is so read in pieces, each from the state in which the
    one before left off; gradients end at the border of a piece (truncated back-propagation
    through time). `training.fit` carries the state along.

    Args:
        vocabulary_size: number of ids.
        units: width of each LSTM but the last, which is `embedding_size` wide.
        embedding_size: width of the embeddings; `units` if None.
        num_layers: how many layers are stacked.
        dropout: rate of dropout on the embeddings and on each layer's outputs (Zaremba et al.
            2014).
        locked_dropout: whether dropout hides the same features in all words of a piece (Gal and
            Ghahramani 2016), instead of others in each word.
        word_dropout: share of the vocabulary whose embeddings are zero for a whole batch (Gal and
            Ghahramani 2016).

    Call arguments:
        ids: int `(batch, length)`.
        state: for each layer `(h, c)`, each `(batch, width)`; None for `initial_state`.
        valid: bool `(batch, length)`, False where a row has no word and its state stands still;
            None for all True. Padding is not recognised by itself: a text has none.

    Returns:
        A `LanguageModelOutput`.

    Raises:
        ValueError: if an argument is out of its range.

    Example:

    >>> model = LanguageModel(vocabulary_size=100, units=16)
    >>> first = model(np.array([[5, 6, 7]]))
    >>> second = model(np.array([[8, 9]]), first.state)
    >>> second.logits.shape
    TensorShape([1, 2, 100])

    Source: the book, section 9.2; Zaremba et al. 2014, "Recurrent Neural Network Regularization".
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        embedding_size: int | None = None,
        num_layers: int = 2,
        dropout: float = 0.0,
        locked_dropout: bool = False,
        word_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, minimum=1)
        self.units = check_integer("units", units, minimum=1)
        embedding_size = units if embedding_size is None else embedding_size
        self.embedding_size = check_integer("embedding_size", embedding_size, minimum=1)
        self.num_layers = check_integer("num_layers", num_layers, minimum=1)
        self.dropout = dropout
        self.locked_dropout = locked_dropout
        self.word_dropout = word_dropout

        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            vocabulary_size, self.embedding_size, name="embedding", dtype=policy
        )
        widths = [units] * (num_layers - 1) + [self.embedding_size]
        self.recurrent_layers = [
            recurrent_layer("lstm", width, f"layer_{i}", policy) for i, width in enumerate(widths)
        ]
        self.dropout_layer = keras.layers.Dropout(
            dropout,
            noise_shape=(None, 1, None) if locked_dropout else None,
            name="dropout",
            dtype=policy,
        )
        # It draws a number for each word of the vocabulary, not for each word of the text.
        self.word_dropout_layer = keras.layers.Dropout(
            word_dropout, name="word_dropout", dtype=policy
        )
        self.build()

    def compile(self, optimizer="adam", loss=None, metrics=None, **kwargs):
        """As `keras.Model.compile`; the loss is summed over time and averaged over the rows."""
        if loss is None:
            loss = SequenceCrossEntropy(average="sentences")
        if metrics is None:
            metrics = [Perplexity()]
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def compile_from_config(self, config):
        # Keras leaves a model with a `compile` of its own uncompiled after loading.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def build(self, input_shape=None):
        """Make all weights; the layers tell every shape, so the constructor does it."""
        build_once(self.embedding, (None, None))
        width = self.embedding_size
        for layer in self.recurrent_layers:
            build_once(layer, (None, None, width))
            width = layer.units
        self.bias = self.add_weight(
            shape=(self.vocabulary_size,), initializer="zeros", name="softmax_bias"
        )
        self.built = True

    def initial_state(self, batch_size) -> State:
        """The state before a text: for each layer `(h, c)` of zeros, each `(batch_size, width)`."""
        return tuple(
            (tf.zeros([batch_size, layer.units], self.compute_dtype),) * 2
            for layer in self.recurrent_layers
        )

    def call(self, ids, state=None, valid=None, training=None) -> LanguageModelOutput:
        if state is None:
            state = self.initial_state(ops.shape(ids)[0])
        x = self.embedding(ids)
        if training and self.word_dropout:
            known = ops.ones((self.vocabulary_size, 1), x.dtype)
            x *= ops.take(self.word_dropout_layer(known, training=True), ids, axis=0)
        x = self.dropout_layer(x, training=training)
        states = []
        for layer, layer_state in zip(self.recurrent_layers, state, strict=True):
            x, layer_state = run_layer(layer, x, layer_state, valid)
            x = self.dropout_layer(x, training=training)
            states.append(layer_state)
        return LanguageModelOutput(self._logits(x), tuple(states))

    def step(self, ids, state: State) -> tuple[tf.Tensor, None, State]:
        """Read one word of each text: a step function for `search`.

        Args:
            ids: int `(batch,)`.
            state: as in the call.

        Returns:
            `(logits, None, state)`, the logits of the next words `(batch, vocabulary_size)`.
        """
        x = self.embedding(ids)
        states = []
        for layer, layer_state in zip(self.recurrent_layers, state, strict=True):
            x, layer_state = run_cell(layer, x, layer_state)
            states.append(layer_state)
        return self._logits(x), None, tuple(states)

    def _logits(self, features):
        return ops.matmul(features, ops.transpose(self.embedding.embeddings)) + self.bias

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "embedding_size": self.embedding_size,
            "num_layers": self.num_layers,
            "dropout": self.dropout,
            "locked_dropout": self.locked_dropout,
            "word_dropout": self.word_dropout,
        }
