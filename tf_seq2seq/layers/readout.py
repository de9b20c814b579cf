"""The readout: from the features of a decoder step to the logits of a word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_flag, check_integer, check_rate
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.dense import Dense, with_bias
from tf_seq2seq.layers.dropout import Dropout
from tf_seq2seq.layers.kept import weight
from tf_seq2seq.layers.linear import Linear, check_not_quantized
from tf_seq2seq.layers.recurrent import build_once
from tf_seq2seq.layers.tracking import FullyTracked


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Readout(FullyTracked, keras.layers.Layer):
    """Compute the logits of a word from the features of a decoder step.

        a_j      = f(W_a x_j + b_a)         a_j = x_j if `units` is None
        logits_j = W_o a_j + b_o            W_o = E if `tied`

    with `x_j` = `features`, such as `s_j` or `[s_j ; c_j]`; `W_a`, `b_a` = `hidden`; `W_o`, `b_o` =
    `projection`, or `E` = `embeddings` and `b_o` = `bias` if tied.

    Args:
        vocabulary_size: number of logits.
        units: width of `a_j`; None for no hidden layer.
        activation: `f`, or None for a linear layer.
        tied: whether the embeddings of the words are also the weights of the logits (Press and
            Wolf 2017, "Using the Output Embedding to Improve Language Models").
        dropout: rate of dropout on `a_j`; no effect if `units` is None.

    Call arguments:
        features: `(..., size)`.
        embeddings: `E`, `(vocabulary_size, units)`, if tied.

    Returns:
        `(..., vocabulary_size)`.

    Raises:
        InputError: if an argument is out of range, or if `embeddings` are missing although the
            readout is tied, or passed although it is not.

    Example:

    >>> readout = Readout(vocabulary_size=100, units=16)
    >>> readout(np.ones([2, 3, 24], "float32")).shape
    TensorShape([2, 3, 100])

    Source: the book, section 9.3 (linear and tied); Luong et al. 2015, equation 5 (`tanh`).
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int | None = None,
        *,
        activation: str | None = "tanh",
        tied: bool = False,
        dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, minimum=1)
        self.units = None if units is None else check_integer("units", units, minimum=1)
        self.activation = check_activation("activation", activation)
        self.tied = check_flag("tied", tied)
        rate = check_rate("dropout", dropout)
        self.hidden: Any = None
        self.projection: Dense | None = None
        if self.units is not None:
            self.hidden = Dense(
                self.units, activation=activation, name="hidden", dtype=self.dtype_policy
            )
        if not self.tied:
            self.projection = Dense(
                self.vocabulary_size, name="projection", dtype=self.dtype_policy
            )
        self.dropout_layer = Dropout(rate, name="dropout", dtype=self.dtype_policy)

    def build(self, features_shape: tuple, embeddings_shape: tuple | None = None) -> None:
        size = features_shape[-1]
        if self.hidden is not None:
            build_once(self.hidden, (None, size))
            size = self.units
        if self.tied:
            self.bias = self.add_weight(
                shape=(self.vocabulary_size,), initializer="zeros", name="bias"
            )
        else:
            build_once(self.projection, (None, size))
        self.built = True

    def call(
        self, features: tf.Tensor, embeddings: tf.Tensor | None = None, training: bool | None = None
    ) -> tf.Tensor:
        return self.logits(self.attended(features), embeddings, training)

    def attended(self, features: tf.Tensor) -> tf.Tensor:
        """Compute `a_j`.

        Args:
            features: `(..., size)`.

        Returns:
            `(..., units)`, or the features if `units` is None.
        """
        return features if self.hidden is None else self.hidden(features)

    def logits(
        self, attended: tf.Tensor, embeddings: tf.Tensor | None = None, training: bool | None = None
    ) -> tf.Tensor:
        """Compute the logits from `a_j`.

        Args:
            attended: `a_j`, `(..., units)`.
            embeddings: `E`, `(vocabulary_size, units)`, if tied.
            training: whether to apply dropout.

        Returns:
            `(..., vocabulary_size)`.

        Raises:
            InputError: if `embeddings` are missing or not needed.
        """
        if self.tied == (embeddings is None):
            raise InputError(
                "Pass `embeddings` if and only if the readout is tied, got "
                f"tied={self.tied} and {'no' if embeddings is None else 'some'} embeddings."
            )
        if self.hidden is not None:
            attended = self.dropout_layer(attended, training=training)
        if self.projection is not None:
            return self.projection(attended)
        return with_bias(ops.matmul(attended, ops.transpose(embeddings)), self.bias)

    def attended_map(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Return the function `attended` for a loop, which reads the weights only once."""
        if self.hidden is None:
            return lambda features: features
        linear, activation = Linear.of(self.hidden), self.hidden.activation
        return lambda features: activation(linear(features))

    def logits_map(
        self, embeddings: tf.Tensor | None = None, candidates: tf.Tensor | None = None
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """Return the function `logits` for a loop without dropout, which reads the weights once.

        Args:
            embeddings: `E`, `(vocabulary_size, units)`, if tied.
            candidates: int32 `(n,)`, the ids whose logits to compute, in any order; None for all.

        Returns:
            A function from float32 `(rows, units)` to float32 `(rows, vocabulary_size)`, or
            `(rows, n)`.
        """
        if candidates is None and self.projection is not None:
            return Linear.of(self.projection)
        if candidates is None:
            kernel = weight(embeddings, self.compute_dtype, transposed=True)
            return Linear(kernel, self.bias.value, self.compute_dtype)
        if self.projection is not None:
            check_not_quantized(self.projection)
            kernel = tf.gather(
                weight(self.projection.kernel, self.compute_dtype), candidates, axis=1
            )
            bias = self.projection.bias
        else:
            kernel = tf.transpose(tf.gather(weight(embeddings, self.compute_dtype), candidates))
            bias = self.bias
        return Linear(kernel, tf.gather(tf.convert_to_tensor(bias), candidates), self.compute_dtype)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "activation": serialized_activation(self.activation),
            "tied": self.tied,
            "dropout": self.dropout_layer.rate,
        }


def selected(vectors: tf.Tensor, select: tf.Tensor) -> tf.Tensor:
    """Return the vectors at some positions of a batch, row by row.

    Args:
        vectors: `(batch, length, size)`.
        select: bool `(batch, length)`.

    Returns:
        `(n, size)`, if `n` positions are selected.

    Example:

    >>> selected(tf.constant([[[5.0], [6.0]], [[7.0], [8.0]]]), tf.constant([[0, 1], [1, 0]]) > 0)
    <tf.Tensor: shape=(2, 1), dtype=float32, numpy=
    array([[6.],
           [7.]], dtype=float32)>
    """
    select = tf.reshape(select, [-1])
    size = vectors.shape[-1]

    @tf.custom_gradient
    def take(vectors):
        def gradient(d):
            # Each vector is taken at most once, so the gradient can be gathered too, which is
            # faster than adding it to zeros.
            padded = tf.concat([d, tf.zeros([1, size], d.dtype)], axis=0)
            places = tf.cumsum(tf.cast(select, tf.int32)) - 1
            return tf.gather(padded, tf.where(select, places, tf.shape(d)[0]))

        return tf.gather(vectors, tf.where(select)[:, 0]), gradient

    return take(tf.reshape(vectors, [-1, size]))


def check_activation(name: str, value: Any) -> Any:
    """Return `value` if it is an activation for Keras: a name, a function or None.

    Raises:
        InputError: if it is not.
    """
    if isinstance(value, dict):  # a function in a configuration
        return keras.activations.get(value)
    try:
        keras.activations.get(value)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"`{name}` must be the name of a Keras activation such as 'tanh', a function or None, "
            f"got {value!r}."
        ) from error
    return value


def serialized_activation(value: Any) -> Any:
    """Return an activation for a configuration, from which `check_activation` restores it."""
    return keras.activations.serialize(value) if callable(value) else value
