"""The decoder: an RNN that generates the target sentence, with or without attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_choice, check_flag, check_integer, check_rate
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.attention import Attention
from tf_seq2seq.layers.cells import CELLS, check_cell
from tf_seq2seq.layers.dropout import Dropout
from tf_seq2seq.layers.encoder import EncoderOutput
from tf_seq2seq.layers.operation import Operation, answering
from tf_seq2seq.layers.readout import Readout, check_activation, selected, serialized_activation
from tf_seq2seq.layers.recurrent import (
    State,
    build_once,
    check_ids,
    check_rows,
    describe_shapes,
    recurrent_layer,
)
from tf_seq2seq.layers.steps import DecoderMemory, DecoderState, kind_of_step
from tf_seq2seq.layers.tracking import FullyTracked
from tf_seq2seq.layers.words import Words


class Feeding(NamedTuple):
    """The inputs of a step in addition to its state."""

    word: bool
    context: bool


Stepper = Callable[
    [tf.Tensor, DecoderState, DecoderMemory], tuple[tf.Tensor, tf.Tensor | None, DecoderState]
]

FEEDINGS = {
    "initial_state": Feeding(word=True, context=False),
    "context": Feeding(word=False, context=True),
    "context_and_previous": Feeding(word=True, context=True),
}
QUERIES = ("current_state", "previous_state")


class DecoderOutput(NamedTuple):
    """The result for whole target sentences.

    Attributes:
        logits: `(batch, target_length, vocabulary_size)`, or `(n, vocabulary_size)` for the `n`
            positions that were selected, row by row.
        alignment: attention weights `(batch, target_length, source_length)`; an empty tuple
            without attention.
        state: the `DecoderState` after the last step.
    """

    logits: tf.Tensor
    alignment: tf.Tensor | tuple[()]
    state: DecoderState


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Decoder(FullyTracked, keras.layers.Layer):
    """Unfold a context into the target sentence, `s_j = RNN(s_{j-1}, x_j)`.

    The **feeding** scheme determines the input `x_j` of step `j`, where `y_{j-1}` is the embedding
    of the previous word and `c_j` is the context of the step:

        "initial_state":         x_j = y_{j-1}           S3 in docs/notes.md (Sutskever et al. 2014)
        "context":               x_j = c_j               S4, first form (the original notes)
        "context_and_previous":  x_j = [y_{j-1} ; c_j]   S4, second form (Cho et al. 2014)

    Without **attention**, every step has the same context `c_j = c = h_T`, and the logits are
    computed from `s_j`. With attention, `c_j` is a weighted sum of the encoder outputs, and the
    logits are computed from the readout `a_j = tanh(W [s_j ; c_j] + b)`. The argument `query`
    determines which state is the query:

        "current_state":   s_j. The readout a_j is fed into the next step in place of c_{j+1}
                           (S8; input feeding, Luong et al. 2015, section 3.3; the book's
                           `AttentionWrapper`, section 9.3, with a linear readout)
        "previous_state":  s_{j-1}. The context c_j is fed into step j (S8; Bahdanau et al. 2015,
                           section 3)

    `steps.py` has a class with the equations for each kind of step. There are two ways to run the
    decoder, which give the same numbers: a call takes whole target sentences (teacher forcing), and
    `step` takes one id of each sentence and the state of the previous step.

    Args:
        vocabulary_size: number of target ids.
        units: width of each RNN.
        embedding_size: width of the word embeddings; `units` if None.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        num_layers: number of stacked layers.
        feeding: a feeding scheme; None means `"context_and_previous"` with attention and
            `"initial_state"` without.
        attention: an `Attention` layer, or None.
        query: which state is the query, see above; no effect without attention.
        readout_units: width of the readout `a_j`; None means `embedding_size` if tied, else
            `units`. Without attention, there is a readout `tanh(W s_j + b)` only if this is set.
        readout_activation: activation of the readout, or None for a linear one.
        tie_embeddings: whether the embeddings of the target words are also the weights of the
            logits (Press and Wolf 2017), as in the book. Use a linear readout with tied embeddings:
            `tanh` keeps the logits so small that a small model barely learns.
        dropout: rate of dropout on the embeddings, on each layer's outputs and on the readout; the
            recurrent state itself is never dropped.
        embedding_dropout: the rate on the embeddings; None for the same rate as `dropout`.
        word_dropout: rate at which whole embeddings of the previous words are dropped.

    Call arguments:
        target: int `(batch, target_length)`, each sentence shifted to the right by `<sos>`.
        initial_state: for each layer `(h,)` or `(h, c)`, each `(batch, units)`; see `Bridge`.
        encoded: the `EncoderOutput` of the source sentences.
        select: bool `(batch, target_length)`, the positions whose logits to compute; None for all.

    Returns:
        A `DecoderOutput`.

    Raises:
        InputError: if an argument is out of range, if the arguments contradict each other, or if
            the call arguments do not match the decoder.

    Example:

    >>> encoded = s2s.Encoder(100, 8, bidirectional=True)(np.array([[5, 6, 7, 3, 0]]))
    >>> state = s2s.Bridge("dense", cell="gru", units=16)(encoded.state)
    >>> decoder = Decoder(80, 16, attention=s2s.BahdanauAttention(16))
    >>> output = decoder(np.array([[2, 8, 9]]), state, encoded)
    >>> output.logits.shape, output.alignment.shape
    (TensorShape([1, 3, 80]), TensorShape([1, 3, 5]))
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        embedding_size: int | None = None,
        cell: str = "gru",
        num_layers: int = 1,
        feeding: str | None = None,
        attention: Attention | None = None,
        query: str = "current_state",
        readout_units: int | None = None,
        readout_activation: str | None = "tanh",
        tie_embeddings: bool = False,
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
        if feeding is None:
            feeding = "initial_state" if attention is None else "context_and_previous"
        self.feeding = check_choice("feeding", feeding, tuple(FEEDINGS))
        self.attention = self._check_attention(attention)
        self.query = check_choice("query", query, QUERIES)
        self.tie_embeddings = check_flag("tie_embeddings", tie_embeddings)
        if readout_units is None and attention is not None:
            readout_units = self.embedding_size if self.tie_embeddings else self.units
        if readout_units is not None:
            readout_units = check_integer("readout_units", readout_units, minimum=1)
        # `Any` rather than `int | None`: code that needs an `int` runs only if there is a readout.
        self.readout_units: Any = readout_units
        self.readout_activation = check_activation("readout_activation", readout_activation)
        self.dropout = check_rate("dropout", dropout)
        if embedding_dropout is None:
            embedding_dropout = self.dropout
        self.embedding_dropout = check_rate("embedding_dropout", embedding_dropout)
        self.word_dropout = check_rate("word_dropout", word_dropout)
        logits_from = readout_units or self.units
        if self.tie_embeddings and logits_from != self.embedding_size:
            raise InputError(
                "Tied embeddings need logits computed from a vector as wide as the embeddings, "
                f"got {logits_from} and embedding_size={self.embedding_size}; pass "
                f"readout_units={self.embedding_size}."
            )
        self._kind = kind_of_step(self.attention, self.query)

        # Keras draws a seed for each initializer and each dropout layer when it is created. Keep
        # this order: a different one would change the weights for a given random seed.
        policy = self.dtype_policy
        has_words = self.feeds.word or self.tie_embeddings
        embeddings_initializer = keras.initializers.RandomUniform() if has_words else None
        recurrent_layers = [
            recurrent_layer(self.cell, self.units, f"layer_{i}", policy)
            for i in range(self.num_layers)
        ]
        readout = Readout(
            self.vocabulary_size,
            self.readout_units,
            activation=readout_activation,
            tied=self.tie_embeddings,
            name="readout",
            dtype=policy,
        )
        self.words: Any = None
        if has_words:
            self.words = Words(
                self.vocabulary_size,
                self.embedding_size,
                dropout=self.embedding_dropout,
                word_dropout=self.word_dropout,
                embeddings_initializer=embeddings_initializer,
                name="words",
                dtype=policy,
            )
        self.recurrent_layers = recurrent_layers
        self.dropout_layer = Dropout(self.dropout, name="dropout", dtype=policy)
        # The layers and the readout share one stream of random masks; each use draws the next one.
        readout.dropout_layer = self.dropout_layer
        self.readout = readout

    def _check_attention(self, attention):
        if attention is None:
            return None
        if not isinstance(attention, Attention):
            raise InputError(
                "`attention` must be a layer such as BahdanauAttention(256), or None, got "
                f"{attention!r}."
            )
        if attention.compute_dtype != self.compute_dtype:
            raise InputError(
                f"The attention layer computes in {attention.compute_dtype}, but the decoder "
                f"computes in {self.compute_dtype}; use the same `dtype` for both."
            )
        return attention

    @property
    def feeds(self) -> Feeding:
        """The inputs of a step in addition to its state."""
        return FEEDINGS[self.feeding]

    def build(self, target_shape: tuple, initial_state_shape: tuple, encoded_shape: tuple) -> None:
        memory_size = encoded_shape[0][-1]
        width = self.feeds.word * self.embedding_size
        width += self.feeds.context * self._kind.context_size(self, memory_size)
        for layer in self.recurrent_layers:
            build_once(layer, (None, None, width))
            width = self.units
        if self.words is not None:
            build_once(self.words, (None, None))
        if self.attention is not None:
            build_once(self.attention, (None, self.units), (None, None, memory_size))
            width += memory_size
        build_once(self.readout, (None, width))
        self.built = True

    def __call__(self, target, initial_state, encoded, **kwargs) -> DecoderOutput:
        # Check here, before Keras builds the layer. In `call`, Keras would add to the message.
        check_ids("target", target)
        self._check_state(initial_state)
        self._check_encoded(encoded)
        check_rows(target=target, initial_state=initial_state[0][0], encoded=encoded[0])
        return super().__call__(target, initial_state, encoded, **kwargs)

    def call(
        self,
        target: tf.Tensor,
        initial_state: State,
        encoded: EncoderOutput,
        select: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> DecoderOutput:
        encoded, state = EncoderOutput(*encoded), self.start(initial_state)
        words = self._embed(target, training)
        features, alignment, state = self._kind.unfold(self, words, state, encoded, training)
        if select is not None:
            features = tuple(selected(each, select) for each in features)
        logits = self._logits(self._kind.attended(self, features), training)
        return DecoderOutput(logits, alignment, state)

    def remember(self, encoded: EncoderOutput) -> DecoderMemory:
        """Compute everything that all steps share, such as the keys of the attention.

        Args:
            encoded: the `EncoderOutput` of the source sentences.

        Returns:
            A `DecoderMemory`, for `step`.

        Raises:
            InputError: if `encoded` is not an `EncoderOutput`.
        """
        self._check_encoded(encoded)
        return self._kind.remember_for_search(self, EncoderOutput(*encoded))

    def start(self, initial_state: State) -> DecoderState:
        """Return the state before the first step, for `step`.

        Args:
            initial_state: for each layer `(h,)` or `(h, c)`, each `(batch, units)`.

        Raises:
            InputError: if `initial_state` does not match the decoder.
        """
        self._check_state(initial_state)
        cells = tuple(tuple(tf.cast(part, tf.float32) for part in parts) for parts in initial_state)
        return self._kind.start(self, cells)

    def step(
        self, previous: tf.Tensor, state: DecoderState, memory: DecoderMemory
    ) -> tuple[tf.Tensor, tf.Tensor | None, DecoderState]:
        """Take one decoding step for each sentence.

        Args:
            previous: int `(batch,)`, the ids chosen at the previous step, `<sos>` at first.
            state: from `start` or the previous step.
            memory: from `remember`.

        Returns:
            `(logits, weights, state)`: `(batch, vocabulary_size)`, the attention weights
            `(batch, source_length)` (None without attention), and the state for the next step.

        Raises:
            InputError: if `previous` and the memory differ in their number of rows. A beam search,
                whose hypotheses share the memory of their sentence, needs `stepper(width)`.
        """
        shared = [part.shape[0] for part in memory if part is not None]
        rows = previous.shape[0]
        if shared and None not in (rows, shared[0]) and rows != shared[0]:
            raise InputError(
                f"`previous` has {rows} rows and `memory` has {shared[0]}: a beam search of width "
                "n needs `stepper(n)` in place of `step`."
            )
        return self.stepper()(previous, state, memory)

    def stepper(self, width: int = 1, candidates: tf.Tensor | None = None) -> Stepper:
        """Return the function `step` for a loop, which reads, casts and splits the weights once.

        Args:
            width: the number of adjacent rows of `previous` and of the state for each row of the
                memory, such as the hypotheses of a beam search.
            candidates: int32 `(n,)`, the ids whose logits to compute; None for all.

        Returns:
            `step` for these rows. With candidates, it is the step of a decoder with a vocabulary of
            `n` ids, the places in `candidates`: `previous` are places, and the logits are
            `(batch * width, n)`. Its memory is then `(memory, mask)`, with `mask` float32
            `(batch, n)`, which is added to the logits: 0, or minus infinity where a sentence may
            not have a candidate.
        """
        take_step, attended = self._kind(self, None), self._kind.attended_map(self)
        embed = self.words.lookup() if self.feeds.word else None
        embeddings = self.words.matrix() if self.tie_embeddings else None
        options = {} if candidates is None else {"candidates": candidates}
        logits_of = self.readout.logits_map(embeddings, **options)

        def step(previous, state, memory):
            y = tf.zeros([tf.size(previous), 0]) if embed is None else embed(previous)
            with answering(Operation.compute):
                from_word = take_step.from_word(y)
                features, alignment, state = take_step.over(memory, width).search(from_word, state)
                return logits_of(attended(features)), alignment, state

        def step_among_candidates(places, state, memory):
            memory, mask = memory
            logits, alignment, state = step(tf.gather(candidates, places), state, memory)
            by_sentence = tf.reshape(logits, [-1, width, tf.size(candidates)]) + mask[:, None]
            return tf.reshape(by_sentence, tf.shape(logits)), alignment, state

        return step if candidates is None else step_among_candidates

    def _embed(self, ids, training):
        """Return `y_{j-1}`, `(..., embedding_size)`, or a width of 0 if words are not inputs."""
        if not self.feeds.word:
            return ops.zeros((*ops.shape(ids), 0), dtype=self.compute_dtype)
        return self.words(ids, training=training)

    def _logits(self, attended, training):
        embeddings = self.words.matrix() if self.tie_embeddings else None
        return self.readout.logits(attended, embeddings, training)

    def _check_state(self, state):
        parts = CELLS[self.cell].state_parts
        fits = (
            isinstance(state, list | tuple)
            and len(state) == self.num_layers
            and all(isinstance(layer, list | tuple) and len(layer) == parts for layer in state)
            and all(part.shape[-1] in (self.units, None) for layer in state for part in layer)
        )
        if not fits:
            layer = "(h, c)" if parts == 2 else "(h,)"
            raise InputError(
                f"`initial_state` must hold {layer} of {self.units} units for each layer of this "
                f"{self.cell} decoder ({self.num_layers} in all), got {describe_shapes(state)}; "
                f'pass Bridge("dense", cell="{self.cell}", units={self.units}, '
                f"num_layers={self.num_layers})(encoded.state)."
            )

    def _check_encoded(self, encoded):
        fits = (
            isinstance(encoded, list | tuple)
            and len(encoded) == len(EncoderOutput._fields)
            and len(getattr(encoded[0], "shape", ())) == 3
        )
        if not fits:
            raise InputError(
                "`encoded` must be the EncoderOutput that the encoder returned (outputs, state and "
                f"mask), got {describe_shapes(encoded)}; pass `encoded` itself, not "
                "`encoded.outputs`."
            )

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "embedding_size": self.embedding_size,
            "cell": self.cell,
            "num_layers": self.num_layers,
            "feeding": self.feeding,
            "attention": keras.saving.serialize_keras_object(self.attention),
            "query": self.query,
            "readout_units": self.readout_units,
            "readout_activation": serialized_activation(self.readout_activation),
            "tie_embeddings": self.tie_embeddings,
            "dropout": self.dropout,
            "embedding_dropout": self.embedding_dropout,
            "word_dropout": self.word_dropout,
        }

    @classmethod
    def from_config(cls, config: dict) -> Decoder:
        attention = keras.saving.deserialize_keras_object(config["attention"])
        return cls(**{**config, "attention": attention})
