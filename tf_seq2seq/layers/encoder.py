"""The encoder: an RNN that reads the source sentence."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_integer
from tf_seq2seq.layers.cells import check_cell
from tf_seq2seq.layers.recurrent import State, build_once, recurrent_layer, run_layer
from tf_seq2seq.text import PAD_ID


class EncoderOutput(NamedTuple):
    """What the encoder has read; nothing is lost, so each decoder takes the context it wants.

    Attributes:
        outputs: `(batch, source_length, output_size)`, all the states `[h_1, ..., h_T]` of the
            last layer (S2 of the notes), zero where the source is padding.
        state: each layer's state after the last word: `(h,)`, or `(h, c)` of an LSTM, each
            `(batch, output_size)`. `state[-1][0]` is `h_T` (S1 of the notes).
        mask: bool `(batch, source_length)`, False where the source is padding.
    """

    outputs: tf.Tensor
    state: State
    mask: tf.Tensor

    @property
    def context(self) -> tf.Tensor:
        """The fixed context `c = h_T`, `(batch, output_size)`."""
        return self.state[-1][0]


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Encoder(keras.layers.Layer):
    """Reads a sentence with an RNN: `h_i = RNN(h_{i-1}, x_i)`.

    `x_i` is the embedding of the i-th source id. A bidirectional layer runs a second RNN from the
    end to the start and joins both: `h_i = [forward h_i ; backward h_i]` (Bahdanau et al. 2015,
    section 3.2); its final state joins the two directions' final states in the same way.

    Args:
        vocabulary_size: number of source ids.
        units: width of each RNN.
        embedding_size: width of the word embeddings; `units` if None.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        num_layers: how many layers are stacked.
        bidirectional: whether each layer reads in both directions.
        go_backwards: whether the one direction is from the end to the start, so that the state
            after the last step has just read the first word, with which the decoder begins
            (Sutskever et al. 2014, section 3.3). The outputs keep the order of the words.
        dropout: rate of dropout on the embeddings and on each layer's outputs.
        embedding_dropout: another rate on the embeddings; None for `dropout`.
        word_dropout: share of the words whose whole embedding is dropped.

    Call arguments:
        source: int `(batch, source_length)`, padded on the right with 0. On a GPU, cuDNN wants
            at least one word in each row and no padding before a word.

    Returns:
        An `EncoderOutput`.

    Raises:
        ValueError: if an argument is out of its range.

    Example:

    >>> encoder = Encoder(vocabulary_size=100, units=16, bidirectional=True)
    >>> encoder(np.array([[5, 6, 7, 3, 0]])).outputs.shape
    TensorShape([1, 5, 32])

    Source: the notes, S1 and S2; the book, sections 9.3.2 (stacked) and 9.3.3 (bidirectional).
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        embedding_size: int | None = None,
        cell: str = "gru",
        num_layers: int = 1,
        bidirectional: bool = False,
        go_backwards: bool = False,
        dropout: float = 0.0,
        embedding_dropout: float | None = None,
        word_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if bidirectional and go_backwards:
            raise ValueError(
                "A bidirectional encoder reads backwards already: leave go_backwards False."
            )
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, minimum=1)
        self.units = check_integer("units", units, minimum=1)
        embedding_size = units if embedding_size is None else embedding_size
        self.embedding_size = check_integer("embedding_size", embedding_size, minimum=1)
        self.cell = check_cell(cell)
        self.num_layers = check_integer("num_layers", num_layers, minimum=1)
        self.bidirectional = bidirectional
        self.go_backwards = go_backwards
        self.dropout = dropout
        self.embedding_dropout = dropout if embedding_dropout is None else embedding_dropout
        self.word_dropout = word_dropout

        self.embedding = keras.layers.Embedding(
            vocabulary_size, self.embedding_size, name="embedding", dtype=self.dtype_policy
        )
        self.forward_layers = [
            recurrent_layer(cell, units, f"forward_{i}", self.dtype_policy)
            for i in range(0 if go_backwards else num_layers)
        ]
        self.backward_layers = [
            recurrent_layer(cell, units, f"backward_{i}", self.dtype_policy, go_backwards=True)
            for i in range(num_layers if bidirectional or go_backwards else 0)
        ]
        self.embedding_dropout_layer = keras.layers.Dropout(
            self.embedding_dropout, name="embedding_dropout", dtype=self.dtype_policy
        )
        self.word_dropout_layer = keras.layers.Dropout(
            word_dropout, noise_shape=(None, None, 1), name="word_dropout", dtype=self.dtype_policy
        )
        self.dropout_layer = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    @property
    def output_size(self) -> int:
        """Width of the outputs and of each state: `units`, or `2 * units` if bidirectional."""
        return self.units * (2 if self.bidirectional else 1)

    @property
    def recurrent_layers(self) -> list[keras.layers.Layer]:
        """Keras' recurrent layers of both directions."""
        return [*self.forward_layers, *self.backward_layers]

    def build(self, source_shape=None):
        build_once(self.embedding, (None, None))
        for layers in (self.forward_layers, self.backward_layers):
            width = self.embedding_size
            for layer in layers:
                build_once(layer, (None, None, width))
                width = self.output_size
        self.built = True

    def call(self, source, training=None) -> EncoderOutput:
        mask = ops.not_equal(source, PAD_ID)
        outputs = self.word_dropout_layer(self.embedding(source), training=training)
        outputs = self.embedding_dropout_layer(outputs, training=training)
        states = []
        for i in range(self.num_layers):
            outputs, state = self._run(i, outputs, mask)
            outputs = self.dropout_layer(outputs, training=training)
            states.append(state)
        return EncoderOutput(outputs, tuple(states), mask)

    def _run(self, i, inputs, mask):
        runs = []
        if self.forward_layers:
            runs.append(run_layer(self.forward_layers[i], inputs, mask=mask))
        if self.backward_layers:
            outputs, state = run_layer(self.backward_layers[i], inputs, mask=mask)
            # The backward layer puts its outputs out in the order in which it made them.
            runs.append((ops.flip(outputs, axis=1), state))
        if len(runs) == 1:
            return runs[0]
        (ahead, ahead_state), (behind, behind_state) = runs
        state = tuple(
            ops.concatenate(parts, axis=-1) for parts in zip(ahead_state, behind_state, strict=True)
        )
        return ops.concatenate([ahead, behind], axis=-1), state

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "embedding_size": self.embedding_size,
            "cell": self.cell,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "go_backwards": self.go_backwards,
            "dropout": self.dropout,
            "embedding_dropout": self.embedding_dropout,
            "word_dropout": self.word_dropout,
        }
