"""The kinds of decoder step, one class each, with their equations.

    FixedContext    no attention: the same context in all steps
    AskBefore       attention before the recurrence; the query is the state of the previous step
    AskAfter        attention after the recurrence; the query is the state of this step

Create a step object outside the loop that uses it: the constructor reads, casts and splits the
weights, so that the loop does not have to. `reference.py` computes the same in plain loops.
"""

from __future__ import annotations

import abc
import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.layers import bptt
from tf_seq2seq.layers.encoder import EncoderOutput
from tf_seq2seq.layers.linear import Linear
from tf_seq2seq.layers.recurrent import Recurrence, State, run_layer

if TYPE_CHECKING:
    from tf_seq2seq.layers.decoder import Decoder


class DecoderMemory(NamedTuple):
    """The tensors that all steps of a sentence share.

    Attributes:
        context: float32 `(batch, n * units)`, the product of a fixed context `c = h_T` with the
            first layer's weights, where `n` is 1 for a simple RNN, 3 for a GRU and 4 for an LSTM;
            None with attention, or if the context is not fed.
        values: `(batch, source_length, value_size)`, the vectors in the weighted sum: the encoder
            outputs, or their products with other weights; None without attention.
        keys: `(batch, source_length, key_size)`, the vectors that a query is compared with; None
            without attention.
        mask: bool `(batch, source_length)`; None without attention.
    """

    context: tf.Tensor | None
    values: tf.Tensor | None
    keys: tf.Tensor | None
    mask: tf.Tensor | None


class DecoderState(NamedTuple):
    """The state that a step passes to the next.

    Attributes:
        cells: for each layer `(h,)` or `(h, c)`, each float32 `(batch, units)`.
        attended: float32 `(batch, readout_units)`, the readout `a_j` if it is fed into the next
            step, otherwise an empty tuple.
    """

    cells: State
    attended: tf.Tensor | tuple[()]


class Step(abc.ABC):
    """Base class of the kinds of step.

    Args:
        decoder: a built decoder.
        memory: the result of `remember` for the sentences; None if `over` follows.

    Attributes:
        from_word: the `Linear` map from `y_{j-1}` to its part of the first layer's `W x_j + b`.
    """

    num_features = 1
    """The number of tensors that a step returns as features."""

    def __init__(self, decoder: Decoder, memory: DecoderMemory | None):
        self._memory: Any = memory
        self._width = 1
        self._attention = decoder.attention
        if self._attention is not None:
            self._project_query = self._attention.query_projection()
        self._recurrences = [Recurrence(layer) for layer in decoder.recurrent_layers]
        self.from_word, self._from_context = _first_layer(decoder)
        self._feeds_context = decoder.feeds.context

    def over(self, memory: DecoderMemory, width: int = 1) -> Step:
        """Return this step for other sentences, without reading the weights again.

        Args:
            memory: the result of `remember` for the sentences.
            width: the number of adjacent rows of the state for each sentence, such as the
                hypotheses of a beam search. They share a row of the memory.
        """
        step = copy.copy(self)
        step._memory, step._width = memory, width
        return step

    @staticmethod
    def context_size(decoder: Decoder, memory_size: int) -> int:
        """Return the width of the context that is fed into a step."""
        return memory_size

    @staticmethod
    @abc.abstractmethod
    def remember(decoder: Decoder, encoded: EncoderOutput) -> DecoderMemory:
        """Compute everything that all steps share."""

    @classmethod
    def remember_for_search(cls, decoder: Decoder, encoded: EncoderOutput) -> DecoderMemory:
        """Compute everything that all steps of a search share; by default the same."""
        return cls.remember(decoder, encoded)

    @staticmethod
    def start(decoder: Decoder, cells: State) -> DecoderState:
        """Return the state before the first step."""
        return DecoderState(cells, ())

    @abc.abstractmethod
    def __call__(
        self, from_word: tf.Tensor, state: DecoderState, dropout: tuple[tf.Tensor, ...] = ()
    ) -> tuple[tuple[tf.Tensor, ...], tf.Tensor | None, DecoderState]:
        """Take one step.

        Args:
            from_word: the result of `self.from_word(y_{j-1})`, float32 `(batch, n * units)`.
            state: the state after the previous step.
            dropout: a factor for each layer's output, float32 `(batch, units)`; empty for none.

        Returns:
            `(features, alignment, state)`: float32 `(batch, ...)` tensors for `attended`, the
            attention weights `(batch, source_length)` or None, and the state after the step.
        """

    def search(
        self, from_word: tf.Tensor, state: DecoderState
    ) -> tuple[tuple[tf.Tensor, ...], tf.Tensor | None, DecoderState]:
        """Take one step of a search, with a memory from `remember_for_search`.

        The features are for `attended_map`; by default, the step is the same as in a call.
        """
        return self(from_word, state)

    @staticmethod
    def attended(decoder: Decoder, features: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Compute `a_j` from the features of all steps."""
        return decoder.readout.attended(_join(features, decoder.compute_dtype))

    @staticmethod
    def attended_map(decoder: Decoder) -> Callable[[tuple[tf.Tensor, ...]], tf.Tensor]:
        """Return the function `attended` for a loop; `a_j` is float32."""
        attended = decoder.readout.attended_map()
        return lambda features: attended(_join(features, tf.float32))

    @classmethod
    def unfold(
        cls,
        decoder: Decoder,
        words: tf.Tensor,
        state: DecoderState,
        encoded: EncoderOutput,
        training: bool | None,
    ) -> tuple[tuple[tf.Tensor, ...], tf.Tensor | tuple[()], DecoderState]:
        """Take all steps of whole sentences, one after another.

        Args:
            decoder: a built decoder.
            words: `y_0`, `y_1`, ..., `(batch, target_length, embedding_size)`.
            state: the state before the first step.
            encoded: the source sentences.
            training: whether to apply dropout.

        Returns:
            `(features, alignment, state)`: each feature `(batch, target_length, ...)`; the
            alignment, `(batch, target_length, source_length)` or an empty tuple; and the state
            after the last step.
        """
        step = cls(decoder, cls.remember(decoder, encoded))
        from_words = tf.cast(step.from_word(tf.transpose(words, [1, 0, 2])), tf.float32)
        masks = []
        if training and decoder.dropout:
            ones = tf.ones([*tf.unstack(tf.shape(from_words)[:2]), decoder.units])
            for _ in decoder.recurrent_layers:
                masks.append(tf.cast(decoder.dropout_layer(ones, training=True), tf.float32))

        def take(from_word, masks, state):
            features, alignment, state = step(from_word, state, tuple(masks))
            return (*features, alignment), state

        outputs, state = bptt.run(take, from_words, masks, state, cls.num_features + 1, training)
        *features, alignment = (tf.transpose(output, [1, 0, 2]) for output in outputs)
        return tuple(features), alignment, state

    def _attend(self, query):
        """Return the context of a query in float32, and the alignment."""
        memory, project = self._memory, self._project_query
        if self._width == 1:
            context, alignment = self._attention.attend(
                project(query), memory.keys, memory.values, memory.mask
            )
        else:
            context, alignment = self._attention.attend_beams(
                project, query, memory.keys, memory.values, memory.mask, self._width
            )
        return tf.cast(context, tf.float32), alignment

    def _first_input(self, from_word, context):
        """Return the first layer's `W x_j + b`."""
        return from_word + self._from_context(context) if self._feeds_context else from_word

    def _recur(self, first_input, cells, dropout):
        """Map the first layer's `W x_j + b` and the states to the last output and the states."""
        x, new_cells = first_input, []
        for i, (recurrence, state) in enumerate(zip(self._recurrences, cells, strict=True)):
            state = recurrence(x if i == 0 else recurrence.from_input(x), state)
            x = state[0] * dropout[i] if dropout else state[0]
            new_cells.append(state)
        return x, tuple(new_cells)


class FixedContext(Step):
    """Without attention: one context `c = h_T` for all steps (S3 and S4 in docs/notes.md).

        s_j = RNN(s_{j-1}, x_j),   x_j = y_{j-1}, c or [y_{j-1} ; c]
        a_j = s_j, or f(W s_j + b) with a readout

    A step needs only the previous state, so whole sentences can be run layer by layer.

    Source: Sutskever et al. 2014 (`y_{j-1}`); Cho et al. 2014 (`[y_{j-1} ; c]`).
    """

    @staticmethod
    def remember(decoder: Decoder, encoded: EncoderOutput) -> DecoderMemory:
        if not decoder.feeds.context:
            return DecoderMemory(None, None, None, None)
        _, from_context = _first_layer(decoder)
        return DecoderMemory(from_context(encoded.context), None, None, None)

    def __call__(self, from_word, state, dropout=()):
        context = self._memory.context  # already multiplied by its weights
        if context is not None and self._width > 1:
            context = tf.repeat(context, self._width, axis=0)
        first_input = from_word if context is None else from_word + context
        s, cells = self._recur(first_input, state.cells, dropout)
        return (s,), None, DecoderState(cells, ())

    @classmethod
    def unfold(cls, decoder, words, state, encoded, training):
        x, cells = words, []
        context = encoded.context if decoder.feeds.context else None
        for layer, cell_state in zip(decoder.recurrent_layers, state.cells, strict=True):
            x, cell_state = run_layer(layer, x, cell_state, context=context, training=training)
            x = decoder.dropout_layer(x, training=training)
            cells.append(cell_state)
            context = None  # only the first layer is fed
        return (x,), (), DecoderState(tuple(cells), ())


class AskBefore(Step):
    """Attention before the recurrence: the query is the previous state (S8 in docs/notes.md).

        c_j = sum_i alpha_ij h_i,   alpha_ij = softmax_i e(h_i, s_{j-1})
        s_j = RNN(s_{j-1}, [y_{j-1} ; c_j])
        a_j = f(W [s_j ; c_j] + b)

    The next step does not need `a_j`, which is computed for all steps at once, after the loop.

    A search computes `a_j` in each step. It needs `c_j` only in products, and as the same words are
    attended to in all steps, the products with `h_i` are computed once:

        W_c c_j = sum_i alpha_ij (W_c h_i)

    Source: Bahdanau et al. 2015, section 3.
    """

    num_features = 2

    def __init__(self, decoder: Decoder, memory: DecoderMemory | None):
        super().__init__(decoder, memory)
        input_size = self._from_context.kernel.shape[1]
        self._product_sizes = [decoder.readout_units, *[input_size] * self._feeds_context]

    @staticmethod
    def remember(decoder: Decoder, encoded: EncoderOutput) -> DecoderMemory:
        keys = decoder.attention.project_memory(encoded.outputs)
        return DecoderMemory(None, encoded.outputs, keys, encoded.mask)

    @classmethod
    def remember_for_search(cls, decoder: Decoder, encoded: EncoderOutput) -> DecoderMemory:
        products = [_readout_parts(decoder)[1](encoded.outputs)]
        if decoder.feeds.context:
            products.append(_first_layer(decoder)[1](encoded.outputs))
        values = tf.cast(tf.concat(products, axis=-1), decoder.compute_dtype)
        return cls.remember(decoder, encoded)._replace(values=values)

    def search(
        self, from_word: tf.Tensor, state: DecoderState
    ) -> tuple[tuple[tf.Tensor, ...], tf.Tensor | None, DecoderState]:
        products, alignment = self._attend(state.cells[-1][0])
        of_readout, *of_input = tf.split(products, self._product_sizes, axis=-1)
        first_input = from_word + of_input[0] if self._feeds_context else from_word
        s, cells = self._recur(first_input, state.cells, ())
        return (s, of_readout), alignment, DecoderState(cells, ())

    @staticmethod
    def attended_map(decoder: Decoder) -> Callable[[tuple[tf.Tensor, ...]], tf.Tensor]:
        of_state, _ = _readout_parts(decoder)
        activation = decoder.readout.hidden.activation
        return lambda features: activation(of_state(features[0]) + features[1])

    def __call__(self, from_word, state, dropout=()):
        c, alignment = self._attend(state.cells[-1][0])
        s, cells = self._recur(self._first_input(from_word, c), state.cells, dropout)
        return (s, c), alignment, DecoderState(cells, ())


class AskAfter(Step):
    """Attention after the recurrence: the query is the current state (S8 in docs/notes.md).

        s_j = RNN(s_{j-1}, [y_{j-1} ; a_{j-1}])
        c_j = sum_i alpha_ij h_i,   alpha_ij = softmax_i e(h_i, s_j)
        a_j = f(W [s_j ; c_j] + b) = f(W_s s_j + b + sum_i alpha_ij (W_c h_i))

    with `a_0 = 0`. `W_c h_i` is the same in all steps, so it is computed once, and the weighted sum
    is taken over this product instead of the memory.

    Source: Luong et al. 2015, section 3.3 (input feeding); the book, section 9.3
    (`AttentionWrapper`, whose readout is linear).
    """

    def __init__(self, decoder: Decoder, memory: DecoderMemory | None):
        super().__init__(decoder, memory)
        self._readout_of_state, _ = _readout_parts(decoder)
        self._activation = decoder.readout.hidden.activation

    @staticmethod
    def context_size(decoder: Decoder, memory_size: int) -> int:
        return decoder.readout_units

    @staticmethod
    def remember(decoder: Decoder, encoded: EncoderOutput) -> DecoderMemory:
        keys = decoder.attention.project_memory(encoded.outputs)
        _, readout_of_memory = _readout_parts(decoder)
        values = ops.cast(readout_of_memory(encoded.outputs), decoder.compute_dtype)
        return DecoderMemory(None, values, keys, encoded.mask)

    @staticmethod
    def start(decoder: Decoder, cells: State) -> DecoderState:
        if not decoder.feeds.context:
            return DecoderState(cells, ())
        batch_size = tf.shape(cells[-1][0])[0]
        return DecoderState(cells, tf.zeros([batch_size, decoder.readout_units]))

    def __call__(self, from_word, state, dropout=()):
        s, cells = self._recur(self._first_input(from_word, state.attended), state.cells, dropout)
        readout_of_context, alignment = self._attend(s)
        a = self._activation(self._readout_of_state(s) + readout_of_context)
        return (a,), alignment, DecoderState(cells, a if self._feeds_context else ())

    @staticmethod
    def attended(decoder: Decoder, features: tuple[tf.Tensor, ...]) -> tf.Tensor:
        return _join(features, decoder.compute_dtype)

    @staticmethod
    def attended_map(decoder: Decoder) -> Callable[[tuple[tf.Tensor, ...]], tf.Tensor]:
        return lambda features: features[0]


def kind_of_step(attention: keras.layers.Layer | None, query: str) -> type[Step]:
    """Return the kind of step for a decoder's `attention` and `query`."""
    if attention is None:
        return FixedContext
    return {"previous_state": AskBefore, "current_state": AskAfter}[query]


def _first_layer(decoder) -> tuple[Linear, Linear]:
    """Return the first layer's `W x_j + b` as two maps: of `y_{j-1}` and of the context."""
    width = decoder.embedding_size if decoder.feeds.word else 0
    return Recurrence(decoder.recurrent_layers[0]).from_input.split(width)


def _readout_parts(decoder) -> tuple[Linear, Linear]:
    """Return the readout's `W [s_j ; c_j] + b` as two maps: of `s_j` and of `c_j`."""
    return Linear.of(decoder.readout.hidden).split(decoder.units)


def _join(features, dtype):
    """Concatenate the features of a step, cast to `dtype`."""
    if len(features) == 1:
        return tf.cast(features[0], dtype)
    return tf.concat([tf.cast(part, dtype) for part in features], axis=-1)
