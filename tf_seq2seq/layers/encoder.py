"""The encoder: an RNN that reads the source sentence."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_flag, check_integer, check_rate
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.cells import CellState, check_cell
from tf_seq2seq.layers.dropout import Dropout
from tf_seq2seq.layers.recurrent import State, build_once, check_ids, recurrent_layer, run_layer
from tf_seq2seq.layers.tracking import FullyTracked
from tf_seq2seq.layers.words import Words
from tf_seq2seq.text import PAD_ID


class EncoderOutput(NamedTuple):
    """The result of an encoder: both forms of the context, of which a decoder uses one.

    Attributes:
        outputs: `(batch, source_length, output_size)`, all states `[h_1, ..., h_T]` of the last
            layer (S2 in docs/notes.md), zero where the source is padding.
        state: each layer's state after the last word: `(h,)`, or `(h, c)` for an LSTM, each
            `(batch, output_size)`. `state[-1][0]` is `h_T` (S1).
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
class Encoder(FullyTracked, keras.layers.Layer):
    """Read a sentence with an RNN: `h_i = RNN(h_{i-1}, x_i)`.

    `x_i` is the embedding of the i-th source id. A bidirectional layer runs a second RNN from the
    end to the start and concatenates both outputs, `h_i = [forward h_i ; backward h_i]` (Bahdanau
    et al. 2015, section 3.2). Its final state concatenates the final states of both directions in
    the same order: the forward one, after the last word, and the backward one, after the first.

    Args:
        vocabulary_size: number of source ids.
        units: width of each RNN.
        embedding_size: width of the word embeddings; `units` if None.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        num_layers: number of stacked layers.
        bidirectional: whether each layer reads in both directions.
        go_backwards: whether to read only from the end to the start, so that the words that the
            decoder needs first are read last (Sutskever et al. 2014, section 3.3). The outputs are
            in the order of the words.
        dropout: rate of dropout on the embeddings and on each layer's outputs; the recurrent state
            itself is never dropped.
        embedding_dropout: the rate on the embeddings; None for the same rate as `dropout`.
        word_dropout: rate at which whole embeddings of words are dropped.

    Call arguments:
        source: int `(batch, source_length)`, padded on the right with 0.

    Returns:
        An `EncoderOutput`.

    Raises:
        InputError: if an argument is out of range, if both `bidirectional` and `go_backwards` are
            set, or if `source` does not have two dimensions.

    Example:

    >>> encoder = Encoder(vocabulary_size=100, units=16, bidirectional=True)
    >>> encoder(np.array([[5, 6, 7, 3, 0]])).outputs.shape
    TensorShape([1, 5, 32])

    Source: S1 and S2 in docs/notes.md; the book, section 9.3: rows 9-5 (stacked) and
    9-7 (bidirectional).
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
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, minimum=1)
        self.units = check_integer("units", units, minimum=1)
        if embedding_size is None:
            embedding_size = self.units
        self.embedding_size = check_integer("embedding_size", embedding_size, minimum=1)
        self.cell = check_cell(cell)
        self.num_layers = check_integer("num_layers", num_layers, minimum=1)
        self.bidirectional = check_flag("bidirectional", bidirectional)
        self.go_backwards = check_flag("go_backwards", go_backwards)
        if self.bidirectional and self.go_backwards:
            raise InputError(
                "A bidirectional encoder already reads backwards: leave go_backwards set to False."
            )
        self.dropout = check_rate("dropout", dropout)
        if embedding_dropout is None:
            embedding_dropout = self.dropout
        self.embedding_dropout = check_rate("embedding_dropout", embedding_dropout)
        self.word_dropout = check_rate("word_dropout", word_dropout)

        # Keras draws a seed for each initializer and each dropout layer when it is created. Keep
        # this order: a different one would change the weights for a given random seed.
        policy = self.dtype_policy
        embeddings_initializer = keras.initializers.RandomUniform()
        forward_layers = [
            recurrent_layer(self.cell, self.units, f"forward_{i}", policy)
            for i in range(0 if self.go_backwards else self.num_layers)
        ]
        backward_layers = [
            recurrent_layer(self.cell, self.units, f"backward_{i}", policy, go_backwards=True)
            for i in range(self.num_layers if self.bidirectional or self.go_backwards else 0)
        ]
        self.words = Words(
            self.vocabulary_size,
            self.embedding_size,
            dropout=self.embedding_dropout,
            word_dropout=self.word_dropout,
            embeddings_initializer=embeddings_initializer,
            name="words",
            dtype=policy,
        )
        self.forward_layers, self.backward_layers = forward_layers, backward_layers
        self.dropout_layer = Dropout(self.dropout, name="dropout", dtype=policy)

    @property
    def output_size(self) -> int:
        """Width of the outputs and of each state: `units`, or `2 * units` if bidirectional."""
        return self.units * (2 if self.bidirectional else 1)

    @property
    def recurrent_layers(self) -> list[keras.layers.RNN]:
        """Keras' recurrent layers of both directions."""
        return [*self.forward_layers, *self.backward_layers]

    def build(self, source_shape: tuple | None = None) -> None:
        build_once(self.words, (None, None))
        for layers in (self.forward_layers, self.backward_layers):
            width = self.embedding_size
            for layer in layers:
                build_once(layer, (None, None, width))
                width = self.output_size
        self.built = True

    def __call__(self, source, *args, **kwargs) -> EncoderOutput:
        # Check here: in `call`, Keras would add to the message.
        check_ids("source", source)
        return super().__call__(source, *args, **kwargs)

    def call(self, source: tf.Tensor, training: bool | None = None) -> EncoderOutput:
        mask = ops.not_equal(source, PAD_ID)
        outputs, states = self.words(source, training=training), []
        for i in range(self.num_layers):
            outputs, state = self._run(i, outputs, mask, training)
            outputs = self.dropout_layer(outputs, training=training)
            states.append(state)
        return EncoderOutput(outputs, tuple(states), mask)

    def _run(self, i, inputs, mask, training) -> tuple[tf.Tensor, CellState]:
        """Run layer `i` in one direction or both."""
        runs = []
        for layers in (self.forward_layers, self.backward_layers):
            if layers:
                runs.append(run_layer(layers[i], inputs, mask=mask, training=training))
        if len(runs) == 1:
            return runs[0]
        (forward, forward_state), (backward, backward_state) = runs
        state = tuple(
            ops.concatenate(parts, axis=-1)
            for parts in zip(forward_state, backward_state, strict=True)
        )
        return ops.concatenate([forward, backward], axis=-1), state

    def get_config(self) -> dict:
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
