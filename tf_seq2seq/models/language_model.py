"""The recurrent language model as a Keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_flag, check_integer, check_number, check_rate
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.dense import with_bias
from tf_seq2seq.layers.dropout import Dropout
from tf_seq2seq.layers.kept import weight
from tf_seq2seq.layers.linear import Linear, check_not_quantized
from tf_seq2seq.layers.operation import Operation, answering
from tf_seq2seq.layers.recurrent import (
    Recurrence,
    State,
    build_once,
    check_ids,
    check_rows,
    describe_shapes,
    recurrent_layer,
    run_layer,
)
from tf_seq2seq.losses import SequenceCrossEntropy
from tf_seq2seq.metrics import Perplexity
from tf_seq2seq.models.base import SequenceModel


class LanguageModelOutput(NamedTuple):
    """The result for a segment of each text.

    Attributes:
        logits: `(batch, length, vocabulary_size)`, which predict the word after each word.
        state: the state after the last word, for the next segment.
    """

    logits: tf.Tensor
    state: State


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class LanguageModel(SequenceModel):
    """Predict each word of a text from all words before it, with a stack of LSTMs.

        x_t          = E w_t
        h_t, c_t     = LSTM(x_t, h_{t-1}, c_{t-1})   stacked: each layer reads the one below
        P(w_{t+1})   = softmax(E h_t + b)

    with `E` = `embedding` and `b` = `bias`. The embedding is also the matrix of the softmax (Press
    and Wolf 2017; the book, section 9.2.3), so the last layer is as wide as the embedding.

    The state is both an input and an output. A text is read in segments, each of which starts from
    the state after the previous one; gradients stop at the start of a segment (truncated
    backpropagation through time). `training.fit` passes the state from segment to segment.

    Args:
        vocabulary_size: number of ids.
        units: width of each LSTM except the last, which is `embedding_size` wide.
        embedding_size: width of the embeddings; `units` if None.
        num_layers: number of stacked layers.
        dropout: rate of dropout on the embeddings and on each layer's outputs (Zaremba et al.
            2014); the recurrent state itself is never dropped.
        locked_dropout: whether dropout uses the same mask for all words of a segment (Gal and
            Ghahramani 2016), instead of a new one for each word.
        word_dropout: rate at which words of the vocabulary are dropped: their embeddings are zero
            throughout a batch (Gal and Ghahramani 2016).
        weight_dropout: rate at which the weights of `U`, the matrices by which the LSTMs multiply
            `h_{t-1}`, are dropped throughout a batch (Merity et al. 2018).
        activation_penalty: `alpha`, at least 0, the weight of the penalty on large outputs (AR).
        change_penalty: `beta`, at least 0, the weight of the penalty on outputs that change from
            word to word (TAR).

    In training, the penalties (Merity et al. 2017) are part of the loss but not of the perplexity.
    Like the default loss, they are summed over the words of a row and averaged over the rows:

        L = loss + alpha sum_t mean(d_t^2) + beta sum_t mean((h_t - h_{t-1})^2)

    where `h_t` is the output of the last layer and `d_t` is `h_t` after dropout.

    Call arguments:
        ids: int `(batch, length)`.
        state: for each layer `(h, c)`, each `(batch, width)`; None for `initial_state`.
        valid: bool `(batch, length)`, False where a row has no word and its state does not change;
            None for all True. An id of 0 is not treated as padding.

    Returns:
        A `LanguageModelOutput`.

    Raises:
        InputError: if an argument is out of range, if `ids` does not have two dimensions, or if
            `state` is not a state of this model with as many rows.

    Example:

    >>> model = LanguageModel(vocabulary_size=100, units=16)
    >>> first = model(np.array([[5, 6, 7]]))
    >>> second = model(np.array([[8, 9]]), first.state)
    >>> second.logits.shape
    TensorShape([1, 2, 100])

    Source: the book, section 9.2; Zaremba et al. 2014, "Recurrent Neural Network Regularization";
    Gal and Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent Neural
    Networks"; Merity et al. 2017, "Revisiting Activation Regularization for Language RNNs"; Merity
    et al. 2018, "Regularizing and Optimizing LSTM Language Models".
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
        weight_dropout: float = 0.0,
        activation_penalty: float = 0.0,
        change_penalty: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, minimum=1)
        self.units = check_integer("units", units, minimum=1)
        if embedding_size is None:
            embedding_size = self.units
        self.embedding_size = check_integer("embedding_size", embedding_size, minimum=1)
        self.num_layers = check_integer("num_layers", num_layers, minimum=1)
        self.dropout = check_rate("dropout", dropout)
        self.locked_dropout = check_flag("locked_dropout", locked_dropout)
        self.word_dropout = check_rate("word_dropout", word_dropout)
        self.weight_dropout = check_rate("weight_dropout", weight_dropout)
        self.activation_penalty = check_number("activation_penalty", activation_penalty, minimum=0)
        self.change_penalty = check_number("change_penalty", change_penalty, minimum=0)

        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            self.vocabulary_size, self.embedding_size, name="embedding", dtype=policy
        )
        widths = [self.units] * (self.num_layers - 1) + [self.embedding_size]
        self.recurrent_layers = [
            recurrent_layer("lstm", width, f"layer_{i}", policy) for i, width in enumerate(widths)
        ]
        self.dropout_layer = Dropout(
            self.dropout,
            noise_shape=(None, 1, None) if self.locked_dropout else None,
            name="dropout",
            dtype=policy,
        )
        # Drops words of the vocabulary, whereas `layers.Words` drops single occurrences of words.
        self.word_dropout_layer = Dropout(self.word_dropout, name="word_dropout", dtype=policy)
        # In bfloat16, `1 / (1 - rate)` would be rounded, and the scale of all weights be wrong.
        self.weight_dropout_layer = Dropout(
            self.weight_dropout, name="weight_dropout", dtype="float32"
        )
        self.build()

    def default_loss(self) -> keras.losses.Loss:
        """Return the cross-entropy summed over time and averaged over the rows."""
        return SequenceCrossEntropy(average="sentences")

    def default_metrics(self) -> list[keras.metrics.Metric]:
        return [Perplexity()]

    def input_specs(self) -> keras.InputSpec:
        return keras.InputSpec(shape=(None, None), dtype="int32", name="ids")

    def fit(self, *args, **kwargs) -> NoReturn:
        _refuse("fit", "tf_seq2seq.training.fit")

    def evaluate(self, *args, **kwargs) -> NoReturn:
        _refuse("evaluate", "tf_seq2seq.training.evaluate")

    def train_on_batch(self, *args, **kwargs) -> NoReturn:
        _refuse("train_on_batch", "tf_seq2seq.training.fit")

    def test_on_batch(self, *args, **kwargs) -> NoReturn:
        _refuse("test_on_batch", "tf_seq2seq.training.evaluate")

    def export(self, *args, **kwargs) -> None:
        raise InputError(
            "Keras cannot export a language model, because it also returns a state; add "
            "`lambda ids: model(ids).logits` to a keras.export.ExportArchive as an endpoint."
        )

    def build(self, input_shape: tuple | None = None) -> None:
        """Create all weights. All shapes are known, so the constructor calls this method."""
        build_once(self.embedding, (None, None))
        width = self.embedding_size
        for layer in self.recurrent_layers:
            build_once(layer, (None, None, width))
            width = layer.units
        self.bias = self.add_weight(
            shape=(self.vocabulary_size,), initializer="zeros", name="softmax_bias"
        )
        self.built = True

    def initial_state(self, batch_size: int | tf.Tensor) -> State:
        """Return the state before a text.

        Args:
            batch_size: number of texts.

        Returns:
            For each layer `(h, c)`, each zeros `(batch_size, width)`.
        """
        return tuple(
            (tf.zeros([batch_size, layer.units], self.compute_dtype),) * 2
            for layer in self.recurrent_layers
        )

    def __call__(
        self, ids: tf.Tensor, state: State | None = None, *args, **kwargs
    ) -> LanguageModelOutput:
        # Here and not in `call`, where Keras would add its own text to the message.
        check_ids("ids", ids)
        if state is not None:
            self._check_state(state)
            check_rows(ids=ids, state=state[0][0])
        return super().__call__(ids, state, *args, **kwargs)

    def call(
        self,
        ids: tf.Tensor,
        state: State | None = None,
        valid: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> LanguageModelOutput:
        features, state = self.features(ids, state, valid, training)
        return LanguageModelOutput(self.logits(features), state)

    def features(
        self,
        ids: tf.Tensor,
        state: State | None = None,
        valid: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> tuple[tf.Tensor, State]:
        """Compute `h_t` of the last layer, from which `logits` predicts the next word.

        Args:
            ids, state, valid: as in the call.
            training: whether to apply dropout, and to add the penalties to `losses`, which only a
                call of the model clears.

        Returns:
            `(batch, length, embedding_size)`, and the state after the last word.
        """
        if state is None:
            state = self.initial_state(ops.shape(ids)[0])
        x = self.embedding(ids)
        if training and self.word_dropout:
            known = ops.ones((self.vocabulary_size, 1), x.dtype)
            x *= ops.take(self.word_dropout_layer(known, training=True), ids, axis=0)
        x = self.dropout_layer(x, training=training)
        states = []
        for layer, layer_state in zip(self.recurrent_layers, state, strict=True):
            kernel = None
            if training and self.weight_dropout:
                kernel = tf.convert_to_tensor(layer.cell.recurrent_kernel)
                kernel = self.weight_dropout_layer(kernel, training=True)
            outputs, layer_state = run_layer(
                layer, x, layer_state, valid, training=training, recurrent_kernel=kernel
            )
            x = self.dropout_layer(outputs, training=training)
            states.append(layer_state)
        if training and (self.activation_penalty or self.change_penalty):
            self.add_loss(self._penalty(outputs, x, valid))
        return x, tuple(states)

    def _penalty(self, outputs, dropped, valid):
        """Compute `alpha sum_t mean(d_t^2) + beta sum_t mean((h_t - h_{t-1})^2)`."""
        h, d = tf.cast(outputs, tf.float32), tf.cast(dropped, tf.float32)
        counted = tf.ones(tf.shape(h)[:2]) if valid is None else tf.cast(valid, tf.float32)

        def total(x, counted):
            sums = tf.reduce_sum(tf.reduce_mean(x**2, axis=2) * counted, axis=1)
            return tf.reduce_sum(sums) / tf.cast(tf.maximum(tf.shape(x)[0], 1), tf.float32)

        change = total(h[:, 1:] - h[:, :-1], counted[:, 1:] * counted[:, :-1])
        return self.activation_penalty * total(d, counted) + self.change_penalty * change

    def logits(self, features: tf.Tensor) -> tf.Tensor:
        """Compute `E h_t + b`: map `(..., embedding_size)` to `(..., vocabulary_size)`."""
        check_not_quantized(self.embedding)
        return with_bias(ops.matmul(features, ops.transpose(self.embedding.embeddings)), self.bias)

    def step(self, ids: tf.Tensor, state: State) -> tuple[tf.Tensor, None, State]:
        """Read one word of each text. This is a step function for `search`.

        Args:
            ids: int `(batch,)`.
            state: as in the call.

        Returns:
            `(logits, None, state)`, with the logits of the next word `(batch, vocabulary_size)`.
        """
        return self.stepper()(ids, state)

    def stepper(self) -> Callable[..., tuple[tf.Tensor, None, State]]:
        """Return the function `step` for a loop, which reads and casts the weights only once.

        It ignores a third argument, the memory that `search` passes to step functions.
        """
        check_not_quantized(self.embedding)
        embeddings = tf.convert_to_tensor(self.embedding.embeddings)
        recurrences = [Recurrence(layer) for layer in self.recurrent_layers]
        kernel = weight(self.embedding.embeddings, self.compute_dtype, transposed=True)
        logits_of = Linear(kernel, self.bias.value, self.compute_dtype)

        def step(ids, state, memory=()):
            self._check_state(state)
            x, states = tf.gather(embeddings, ids), []
            with answering(Operation.compute):
                for recurrence, old in zip(recurrences, state, strict=True):
                    new = recurrence(
                        recurrence.from_input(x), [tf.cast(h, tf.float32) for h in old]
                    )
                    # The state keeps its dtype, as a loop needs it.
                    states.append(tuple(tf.cast(h, old[0].dtype) for h in new))
                    x = new[0]
                return logits_of(x), None, tuple(states)

        return step

    def _check_state(self, state):
        widths = [layer.units for layer in self.recurrent_layers]
        fits = (
            isinstance(state, list | tuple)
            and len(state) == len(widths)
            and all(isinstance(layer, list | tuple) and len(layer) == 2 for layer in state)
            and all(
                part.shape[-1] in (width, None)
                for layer, width in zip(state, widths, strict=True)
                for part in layer
            )
        )
        if not fits:
            raise InputError(
                f"`state` must hold (h, c) for each layer, with the widths {widths}, got "
                f"{describe_shapes(state)}; pass the `state` of an output of this model, or "
                "`initial_state(batch_size)`."
            )

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "embedding_size": self.embedding_size,
            "num_layers": self.num_layers,
            "dropout": self.dropout,
            "locked_dropout": self.locked_dropout,
            "word_dropout": self.word_dropout,
            "weight_dropout": self.weight_dropout,
            "activation_penalty": self.activation_penalty,
            "change_penalty": self.change_penalty,
        }


def _refuse(method: str, instead: str) -> NoReturn:
    raise InputError(
        f"Keras' `{method}` cannot carry the state of a language model from batch to batch: use "
        f"`{instead}`."
    )
