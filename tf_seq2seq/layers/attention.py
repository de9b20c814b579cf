"""Attention: each decoder step looks at the encoder outputs with a query and gets its own context.

Both layers have one interface. The memory is an argument, never a state of the layer, so the same
layer serves any number of sentences, a SavedModel, and a beam search:

    context, weights = attention(query, memory, mask)

Whoever asks the same memory many times, as a decoder does, projects it once per sentence:

    keys = attention.project_memory(memory)
    context, weights = attention(query, memory, mask, keys)
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_integer
from tf_seq2seq.layers.linear import Linear
from tf_seq2seq.layers.recurrent import build_once


class Attention(keras.layers.Layer):
    """Base of the attention layers: the weighted sum of the memory (S5 of the notes).

        alpha_ij  = softmax_i e(h_i, s_j)
        context_j = sum_i alpha_ij h_i

    A subclass gives `project_memory`, which does the part of the score `e` that depends on the
    memory alone, `query_projection` for the part that depends on the query alone, and `score`,
    which does the rest.

    Call arguments:
        query: `(batch, query_size)`, the decoder's state `s_j`.
        memory: `(batch, source_length, memory_size)`, the encoder outputs `h_1, ..., h_T`.
        mask: bool `(batch, source_length)`, False where a position must not be looked at, or None.
            A row without any True gets weights of zero and a context of zero.
        keys: `(batch, source_length, key_size)`, from `project_memory(memory)`; None to project
            the memory here.

    Returns:
        `(context, weights)`: `(batch, memory_size)` and `(batch, source_length)`; the weights of
        a row sum to 1.
    """

    def project_memory(self, memory):
        """Keys of a memory, `(batch, source_length, memory_size)` -> `(..., key_size)`.

        The layer must be built: by a call, or by `build(query_shape, memory_shape)`.
        """
        raise NotImplementedError(f"{type(self).__name__} gives no `project_memory`.")

    def query_projection(self):
        """The function that each query goes through, `(batch, query_size)` -> `(batch, ...)`.

        Its weights are read here, so that a loop over many queries does not read them each time.
        """
        return lambda query: query

    def score(self, query, keys):
        """Scores `e(h_i, s)`: projected query, keys -> float32 `(batch, source_length)`."""
        raise NotImplementedError(f"{type(self).__name__} gives no `score`.")

    def call(self, query, memory, mask=None, keys=None):
        if keys is None:
            keys = self.project_memory(memory)
        project_query = self.query_projection()
        weights = masked_softmax(self.score(project_query(query), keys), mask)
        context = weighted_sum(weights, memory)
        return context, ops.cast(weights, self.compute_dtype)


def weighted_sum(weights, values):
    """`sum_i weights_i values_i`: `(batch, length)`, `(batch, length, size)` -> `(batch, size)`."""
    weights = tf.cast(weights, values.dtype)
    return tf.squeeze(tf.matmul(weights[:, None], values), 1)


def masked_softmax(scores, mask=None):
    """Softmax over the last axis where `mask` is True, zero elsewhere; all zero without any True.

    Args:
        scores: float32 `(batch, length)`.
        mask: bool `(batch, length)`, or None for all True.
    """
    if mask is None:
        return tf.nn.softmax(scores)
    # A finite floor keeps a row without any True free of NaN; the product makes it zero.
    return tf.nn.softmax(tf.where(mask, scores, -1e30)) * tf.cast(mask, tf.float32)


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class BahdanauAttention(Attention):
    """Additive attention: the score is a network with one hidden layer (S6 of the notes).

        e(h, s) = U tanh(V h + W s)

    with `V` = `memory_kernel`, `W` = `query_layer` (with a bias) and the vector `U` = `scorer`.

    Args:
        units: width of the hidden layer.

    Source: Bahdanau et al. 2015, "Neural Machine Translation by Jointly Learning to Align and
    Translate", section 3.1 and appendix A.1.2; the book, section 9.3.3.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = check_integer("units", units, minimum=1)
        self.query_layer = keras.layers.Dense(units, name="query_layer", dtype=self.dtype_policy)

    def build(self, query_shape, memory_shape):
        self.memory_kernel = self.add_weight(
            shape=(memory_shape[-1], self.units), initializer="glorot_uniform", name="memory_kernel"
        )
        build_once(self.query_layer, query_shape)
        self.scorer = self.add_weight(
            shape=(self.units, 1), initializer="glorot_uniform", name="scorer"
        )
        self.built = True

    def project_memory(self, memory):
        """`V h_i` for each i: float32 `(batch, source_length, units)`."""
        return Linear(self.memory_kernel.value, None, self.compute_dtype)(memory)

    def query_projection(self):
        """`W s`: a function, `(batch, query_size)` -> float32 `(batch, units)`."""
        return Linear.of(self.query_layer)

    def score(self, query, keys):
        hidden = tf.tanh(tf.cast(keys, tf.float32) + query[:, None])
        scorer = tf.cast(self.scorer.value, tf.float32)
        scores = tf.matmul(tf.reshape(hidden, [-1, self.units]), scorer)
        return tf.reshape(scores, tf.shape(keys)[:2])

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class DotAttention(Attention):
    """Multiplicative attention: the score is an inner product (S7 of the notes).

        "dot":      e(h, s) = h^T s
        "scaled":   e(h, s) = h^T s / sqrt(size)
        "general":  e(h, s) = h^T W s

    The first two need a memory as wide as the query; `"general"` fits any widths. The keys of
    every form are the memory itself.

    Args:
        form: `"dot"`, `"scaled"` or `"general"`.

    Raises:
        ValueError: for an unknown `form`, or when built on widths that `form` cannot multiply.

    Source: Luong et al. 2015, "Effective Approaches to Attention-based Neural Machine
    Translation", section 3.1; the scale from Vaswani et al. 2017, section 3.2.1.
    """

    def __init__(self, form: str = "dot", **kwargs):
        super().__init__(**kwargs)
        if form not in ("dot", "scaled", "general"):
            raise ValueError(
                "Received an unknown `form` of attention: expected 'dot', 'scaled' or 'general', "
                f"got {form!r}."
            )
        self.form = form

    def build(self, query_shape, memory_shape):
        query_size, memory_size = query_shape[-1], memory_shape[-1]
        if self.form == "general":
            self.query_layer = keras.layers.Dense(
                memory_size, use_bias=False, name="query_layer", dtype=self.dtype_policy
            )
            self.query_layer.build(query_shape)
        elif query_size != memory_size:
            raise ValueError(
                f"Attention of form {self.form!r} needs a query as wide as the memory, got "
                f"{query_size} (the decoder's state) and {memory_size} (the encoder's outputs); "
                "use DotAttention('general') or make the widths equal."
            )
        self.built = True

    def project_memory(self, memory):
        """The memory itself: `(batch, source_length, memory_size)`."""
        return memory

    def query_projection(self):
        """`W s` of the general form: a function, `(batch, query_size)` -> the memory's width."""
        return Linear.of(self.query_layer) if self.form == "general" else lambda query: query

    def score(self, query, keys):
        query = tf.cast(query, keys.dtype)
        scores = tf.cast(tf.matmul(keys, query[:, :, None])[..., 0], tf.float32)
        return scores / keys.shape[-1] ** 0.5 if self.form == "scaled" else scores

    def get_config(self):
        return {**super().get_config(), "form": self.form}
