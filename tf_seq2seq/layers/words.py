"""Words as vectors: the embedding and its dropout."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from tf_seq2seq.checks import check_integer, check_rate
from tf_seq2seq.layers.dropout import Dropout
from tf_seq2seq.layers.linear import check_not_quantized
from tf_seq2seq.layers.recurrent import build_once
from tf_seq2seq.layers.tracking import FullyTracked


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Words(FullyTracked, keras.layers.Layer):
    """Look up the embeddings of words, and apply dropout in training.

        x_i = E w_i

    where `E w_i` is row `w_i` of `E` = `embedding.embeddings`.

    Args:
        vocabulary_size: number of ids.
        embedding_size: width of the vectors.
        dropout: rate of dropout on the features of the vectors.
        word_dropout: rate at which whole vectors are dropped, independently for each word of a
            sentence.
        embeddings_initializer: a Keras initializer for `E`.

    Call arguments:
        ids: int `(batch, length)`; outside training, any shape.

    Returns:
        `(batch, length, embedding_size)`.

    Raises:
        InputError: if an argument is out of range.

    Example:

    >>> words = Words(vocabulary_size=100, embedding_size=8, word_dropout=0.1)
    >>> words(np.array([[5, 6, 7]])).shape
    TensorShape([1, 3, 8])

    Source: Gal and Ghahramani 2016, "A Theoretically Grounded Application of Dropout in Recurrent
    Neural Networks", section 4.2 (word dropout; drawn here for each occurrence of a word).
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        *,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        embeddings_initializer: str | keras.initializers.Initializer = "uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, minimum=1)
        self.embedding_size = check_integer("embedding_size", embedding_size, minimum=1)
        self.dropout = check_rate("dropout", dropout)
        self.word_dropout = check_rate("word_dropout", word_dropout)
        self.embedding = keras.layers.Embedding(
            self.vocabulary_size,
            self.embedding_size,
            embeddings_initializer=embeddings_initializer,
            name="embedding",
            dtype=self.dtype_policy,
        )
        self.dropout_layer = Dropout(self.dropout, name="dropout", dtype=self.dtype_policy)
        self.word_dropout_layer = Dropout(
            self.word_dropout,
            noise_shape=(None, None, 1),
            name="word_dropout",
            dtype=self.dtype_policy,
        )

    def build(self, ids_shape: tuple | None = None) -> None:
        build_once(self.embedding, (None, None))
        self.built = True

    def call(self, ids: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        vectors = self.word_dropout_layer(self.embedding(ids), training=training)
        return self.dropout_layer(vectors, training=training)

    def lookup(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Return the function from ids to embeddings, without dropout.

        It reads the embeddings here, so that a loop over many steps reads them only once.

        Raises:
            InputError: if the embedding is quantized.
        """
        embeddings = tf.convert_to_tensor(self.matrix())
        return lambda ids: tf.gather(embeddings, ids)

    def matrix(self) -> tf.Tensor:
        """Return `E`, `(vocabulary_size, embedding_size)`, for a tied readout.

        Raises:
            InputError: if the embedding is quantized.
        """
        check_not_quantized(self.embedding)
        return self.embedding.embeddings

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_size": self.embedding_size,
            "dropout": self.dropout,
            "word_dropout": self.word_dropout,
            "embeddings_initializer": keras.initializers.serialize(
                self.embedding.embeddings_initializer
            ),
        }
