"""Attention: each decoder step has a query, and gets its own context from the encoder outputs.

Both layers have the same interface. The memory is an argument, never a state of the layer, so the
same layer works for any sentences, in a SavedModel and in a beam search:

    context, weights = attention(query, memory, mask)

For many queries of the same memory, as in a decoder, project the memory once:

    keys = attention.project_memory(memory)
    context, weights = attention(query, memory, mask, keys)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_choice, check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.linear import Linear, LinearPerRow
from tf_seq2seq.layers.operation import Backward, Forward, Operation
from tf_seq2seq.layers.recurrent import build_once
from tf_seq2seq.layers.tracking import FullyTracked

FORMS = ("dot", "scaled", "general")


class Attention(FullyTracked, keras.layers.Layer):
    """Base class of the attention layers: a weighted sum of the memory (S5 in docs/notes.md).

        alpha_ij  = softmax_i e(h_i, s_j)
        context_j = sum_i alpha_ij h_i

    with `h_i` = `memory`, `s_j` = `query`, `alpha_ij` = the weights.

    To add a score `e`, subclass this class, define `score`, and create any weights in
    `build(query_shape, memory_shape)`. Computations that depend only on the memory belong in
    `project_memory`, which a decoder runs once per sentence; those that depend only on the query
    belong in `query_projection`. If the weights are not a softmax over all positions, but are
    limited to a window, for example, override `align`. The layer and all decoder steps use these
    methods. Overriding `call` is an error, because a decoder does not use it.

    In a beam search, each row of the memory has several queries, one for each hypothesis. If the
    class attribute `several_queries` is True, the methods also take queries `(batch, n,
    query_size)`, keys `(batch, 1, source_length, key_size)` and a mask `(batch, 1, source_length)`,
    and return scores or weights `(batch, n, source_length)`. If it is False, as in a subclass that
    overrides one of the methods and does not set it, they get `n` copies of the keys instead,
    which takes longer.

    TensorFlow differentiates a score. Its gradient is faster if it consists of operations with
    written-out gradients, such as `Linear` and `LinearPerRow`; see `operation.py`.

    Call arguments:
        query: `(batch, query_size)`, the decoder's state.
        memory: `(batch, source_length, memory_size)`, the encoder outputs.
        mask: bool `(batch, source_length)`, False at positions to ignore, or None. A row without
            any True gets weights of zero and a context of zero.
        keys: `(batch, source_length, key_size)`, from `project_memory(memory)`; None to project
            the memory here.

    Returns:
        `(context, weights)`: `(batch, memory_size)` and `(batch, source_length)`; the weights of
        a row with any True sum to 1.

    Raises:
        TypeError: when a subclass that overrides `call` is defined.
    """

    several_queries = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if {"query_projection", "score", "align"} & vars(cls).keys():
            cls.several_queries = vars(cls).get("several_queries", False)
        if cls.call is not Attention.call:  # defined here or in another base class
            raise TypeError(
                f"{cls.__name__} overrides `call`, which a decoder does not use; override `score` "
                "or `align` instead."
            )

    def build(self, query_shape: tuple, memory_shape: tuple) -> None:
        """Create the weights, by default none.

        Args:
            query_shape: `(batch, query_size)`.
            memory_shape: `(batch, source_length, memory_size)`.
        """
        self.built = True

    def project_memory(self, memory: tf.Tensor) -> tf.Tensor:
        """Compute the keys of a memory, by default the memory itself.

        The layer must be built, by a call or by `build(query_shape, memory_shape)`.

        Args:
            memory: `(batch, source_length, memory_size)`.

        Returns:
            `(batch, source_length, key_size)`.
        """
        return memory

    def query_projection(self) -> Callable[[tf.Tensor], Any]:
        """Return the function to apply to each query, by default the identity.

        Read the weights here and not inside the function, so that a loop over many queries reads
        them only once.

        Returns:
            A function of a query, `(batch, query_size)`. Its result, any structure of tensors, is
            the argument `query` of `score` and `align`.
        """
        return lambda query: query

    def score(self, query: Any, keys: tf.Tensor) -> tf.Tensor:
        """Compute the scores `e(h_i, s)`.

        Args:
            query: the projected query.
            keys: `(batch, source_length, key_size)`.

        Returns:
            float32 `(batch, source_length)`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `score`.")

    def align(self, query: Any, keys: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
        """Compute the weights `alpha_i`, by default a softmax of the scores.

        Args:
            query: the projected query.
            keys: `(batch, source_length, key_size)`.
            mask: bool `(batch, source_length)`, or None.

        Returns:
            float32 `(batch, source_length)`, zero where `mask` is False.
        """
        return masked_softmax(self.score(query, keys), mask)

    def attend(
        self, query: Any, keys: tf.Tensor, values: tf.Tensor, mask: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Compute the weights of a query, and the weighted sum of the values.

        Args:
            query: the projected query.
            keys: `(batch, source_length, key_size)`.
            values: `(batch, source_length, value_size)`: the memory, or a linear map of it.
            mask: bool `(batch, source_length)`, or None.

        Returns:
            `(context, weights)`: `(batch, value_size)` and float32 `(batch, source_length)`.
        """
        weights = self.align(query, keys, mask)
        return weighted_sum(weights, values), weights

    def attend_beams(
        self,
        project: Callable[[tf.Tensor], Any],
        query: tf.Tensor,
        keys: tf.Tensor,
        values: tf.Tensor,
        mask: tf.Tensor | None,
        width: int,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Compute the same as `attend` for `width` adjacent queries of each row of the memory.

        Args:
            project: the result of `query_projection`.
            query: `(batch * width, query_size)`, not projected.
            keys, values, mask: as for `attend`, `batch` rows.
            width: the number of queries of each row.

        Returns:
            `(context, weights)`: `(batch * width, value_size)` and float32 `(batch * width,
            source_length)`.
        """
        length = tf.shape(keys)[1]
        if self.several_queries:
            keys, mask = keys[:, None], None if mask is None else mask[:, None]
            query = tf.reshape(query, [-1, width, query.shape[-1]])
            weights = self.align(project(query), keys, mask)
        else:
            keys, mask = (None if x is None else tf.repeat(x, width, axis=0) for x in (keys, mask))
            weights = tf.reshape(self.align(project(query), keys, mask), [-1, width, length])
        context = tf.matmul(tf.cast(weights, values.dtype), values)
        return tf.reshape(context, [-1, values.shape[-1]]), tf.reshape(weights, [-1, length])

    def call(
        self,
        query: tf.Tensor,
        memory: tf.Tensor,
        mask: tf.Tensor | None = None,
        keys: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        if keys is None:
            keys = self.project_memory(memory)
        context, weights = self.attend(self.query_projection()(query), keys, memory, mask)
        return context, ops.cast(weights, self.compute_dtype)


def weighted_sum(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Compute `sum_i weights_i values_i`.

    Args:
        weights: `(batch, length)`.
        values: `(batch, length, size)`.

    Returns:
        `(batch, size)`, in the dtype of `values`.
    """
    return tf.cast(LinearPerRow(values)(weights), values.dtype)


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Compute a softmax over the positions where `mask` is True.

    Args:
        scores: float32 `(..., length)`.
        mask: bool `(..., length)`, or None for all True.

    Returns:
        float32 `(..., length)`, zero where `mask` is False, even in a row without any True.

    Example:

    >>> masked_softmax(tf.zeros([1, 3]), tf.constant([[True, True, False]])).numpy()
    array([[0.5, 0.5, 0. ]], dtype=float32)
    """
    if mask is None:
        return tf.nn.softmax(scores)
    return _MaskedSoftmax(mask)(scores)


class _MaskedSoftmax(Operation):
    """`y = softmax(x)` where the mask is True:    `d_x = y (d_y - sum(d_y y))`."""

    cheap = True

    def __init__(self, mask):
        self._mask = mask

    def forward(self, scores):
        # -1e30 rather than -inf, so that a row without any True is not NaN but zero.
        weights = tf.nn.softmax(tf.where(self._mask, scores, -1e30))
        weights *= tf.cast(self._mask, tf.float32)
        return Forward(weights, kept=(weights,))

    def backward(self, kept, d):
        (weights,) = kept
        d *= weights
        return Backward((d - weights * tf.reduce_sum(d, axis=-1, keepdims=True),))


class _AdditiveScore(Operation):
    """The score of Bahdanau's attention, of a projected query.

    e_i = U tanh(k_i + q),    d_k_i = d_q_i = d_e_i U (1 - tanh^2(k_i + q))
    """

    def __init__(self, keys, scorer):
        self._keys, self._scorer = keys, scorer

    @property
    def shared(self):
        return [self._keys, self._scorer]

    def forward(self, query):
        hidden = tf.tanh(tf.cast(self._keys, tf.float32) + query[..., None, :])
        scores = tf.matmul(tf.reshape(hidden, [-1, hidden.shape[-1]]), self._scorer)
        return Forward(tf.reshape(scores, tf.shape(hidden)[:-1]), kept=(hidden,))

    def backward(self, kept, d):
        (hidden,) = kept
        d = tf.reshape(d, [-1, 1])
        d_hidden = tf.reshape(tf.matmul(d, self._scorer, transpose_b=True), tf.shape(hidden))
        d_sum = tf.raw_ops.TanhGrad(y=hidden, dy=d_hidden)
        d_scorer = tf.matmul(tf.reshape(hidden, [-1, hidden.shape[-1]]), d, transpose_a=True)
        return Backward((tf.reduce_sum(d_sum, axis=-2),), terms=(d_sum, d_scorer))

    def d_shared(self, forward, backward, sums):
        d_keys, d_scorer = sums
        return [tf.cast(d_keys, self._keys.dtype), d_scorer]

    def no_terms(self):
        return tuple(tf.zeros(tf.shape(tensor)) for tensor in self.shared)


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class BahdanauAttention(Attention):
    """Additive attention: the score is a network with one hidden layer (S6 in docs/notes.md).

        e(h, s) = U tanh(V h + W s + b)

    with `V` = `memory_kernel`, `W` and `b` = `query_layer`, and `U` = `scorer`, `(units, 1)`.

    Args:
        units: width of the hidden layer.

    Raises:
        InputError: if `units` is not a positive integer.

    Example:

    >>> attention = BahdanauAttention(units=4)
    >>> context, weights = attention(tf.ones([1, 3]), tf.ones([1, 5, 2]))
    >>> context.shape, weights.shape
    (TensorShape([1, 2]), TensorShape([1, 5]))

    Source: Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and
    Translate", section 3.1 and appendix A.1.2; the book, section 9.3 (row 9-7).
    """

    several_queries = True

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer("units", units, minimum=1)
        self.query_layer = keras.layers.Dense(
            self.units, name="query_layer", dtype=self.dtype_policy
        )

    def build(self, query_shape: tuple, memory_shape: tuple) -> None:
        self.memory_kernel = self.add_weight(
            shape=(memory_shape[-1], self.units), initializer="glorot_uniform", name="memory_kernel"
        )
        build_once(self.query_layer, query_shape)
        self.scorer = self.add_weight(
            shape=(self.units, 1), initializer="glorot_uniform", name="scorer"
        )
        self.built = True

    def project_memory(self, memory: tf.Tensor) -> tf.Tensor:
        """Compute `V h_i` for each i: float32 `(batch, source_length, units)`."""
        return Linear(self.memory_kernel, None, self.compute_dtype)(memory)

    def query_projection(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """Return the function `s -> (W s, U)`, float32 `(batch, units)` and `(units, 1)`."""
        linear = Linear.of(self.query_layer)
        scorer = tf.cast(tf.convert_to_tensor(self.scorer.value), tf.float32)
        return lambda query: (linear(query), scorer)

    def score(self, query: tuple[tf.Tensor, tf.Tensor], keys: tf.Tensor) -> tf.Tensor:
        projected, scorer = query
        return _AdditiveScore(keys, scorer)(projected)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class DotAttention(Attention):
    """Dot-product attention: the score is an inner product (S7 in docs/notes.md).

        "dot":      e(h, s) = h^T s
        "scaled":   e(h, s) = h^T s / sqrt(size)
        "general":  e(h, s) = h^T W s

    with `W` = `query_layer` and `size` the width of `h`. The first two need a memory as wide as the
    query; `"general"` works for any widths. In all forms, the keys are the memory itself.

    Args:
        form: `"dot"`, `"scaled"` or `"general"`.

    Raises:
        InputError: if `form` is unknown, or if the widths differ and `form` is not `"general"`.

    Example:

    >>> context, weights = DotAttention()(tf.ones([1, 2]), tf.ones([1, 4, 2]))
    >>> weights.numpy()
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)

    Source: Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine
    Translation", section 3.1; Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1
    (scaled).
    """

    several_queries = True

    def __init__(self, form: str = "dot", **kwargs):
        super().__init__(**kwargs)
        self.form = check_choice("form", form, FORMS)

    def build(self, query_shape: tuple, memory_shape: tuple) -> None:
        query_size, memory_size = query_shape[-1], memory_shape[-1]
        if self.form == "general":
            self.query_layer = keras.layers.Dense(
                memory_size, use_bias=False, name="query_layer", dtype=self.dtype_policy
            )
            self.query_layer.build(query_shape)
        elif query_size != memory_size:
            raise InputError(
                f"Attention of form {self.form!r} needs a query as wide as the memory, got "
                f"{query_size} (the decoder's state) and {memory_size} (the encoder's outputs); "
                "use DotAttention('general') or make the widths equal."
            )
        self.built = True

    def query_projection(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Return the map `W s` of the general form, or the identity."""
        return Linear.of(self.query_layer) if self.form == "general" else super().query_projection()

    def score(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        if query.shape.rank == 3:
            query = tf.cast(query, keys.dtype)
            scores = tf.cast(tf.matmul(query, keys[:, 0], transpose_b=True), tf.float32)
        else:
            scores = LinearPerRow(keys, transpose=True)(query)
        return scores / keys.shape[-1] ** 0.5 if self.form == "scaled" else scores

    def get_config(self) -> dict:
        return {**super().get_config(), "form": self.form}
