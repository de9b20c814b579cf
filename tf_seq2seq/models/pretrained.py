"""Initialize embeddings with pretrained word vectors."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tf_seq2seq.checks import check_flag
from tf_seq2seq.data import WordVectors
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.recurrent import build_once


def set_embeddings(layer: Any, vectors: WordVectors, *, trainable: bool = True) -> None:
    """Set the embeddings of a model's tokens to pretrained vectors.

    Tokens without a vector keep their embeddings. With tied embeddings, these are also the weights
    of the logits.

    Args:
        layer: an `Encoder`, a `Decoder`, a `LanguageModel`, or a Keras `Embedding`.
        vectors: from `data.read_word_vectors`, for the tokenizer that the model is built for.
        trainable: whether training changes the embeddings. False freezes all of them, also those
            of tokens without a vector. Set it before `compile`.

    Raises:
        InputError: if the layer has no embeddings, if their number or width is not that of the
            vectors, or if `trainable` is not a flag.

    Example:

    >>> tokenizer = s2s.text.WordTokenizer()
    >>> tokenizer.adapt(["the book"])
    >>> _ = (tmp_path / "vectors.txt").write_text("the 0.1 0.2\\nbook 0.3 0.4\\n")
    >>> encoder = s2s.Encoder(tokenizer.vocabulary_size, 8, embedding_size=2)
    >>> vectors = s2s.data.read_word_vectors(tmp_path / "vectors.txt", tokenizer)
    >>> set_embeddings(encoder, vectors, trainable=False)
    >>> encoder.words.embedding.embeddings[-1].numpy().tolist() == vectors.matrix[-1].tolist()
    True

    Source: Qi et al. 2018, "When and Why Are Pre-Trained Word Embeddings Useful for Neural Machine
    Translation?".
    """
    trainable = check_flag("trainable", trainable)
    embedding = getattr(layer, "words", layer)
    embedding = getattr(embedding, "embedding", embedding)
    if not isinstance(embedding, keras.layers.Embedding):
        raise InputError(
            "`layer` must be an Encoder, a Decoder that reads words, a LanguageModel or an "
            f"Embedding, got {layer!r}."
        )
    size, width = embedding.input_dim, embedding.output_dim
    if vectors.width != width:
        raise InputError(
            f"The vectors are {vectors.width} wide, but the embeddings {width}: build the model "
            f"with embedding_size={vectors.width}."
        )
    if len(vectors.tokens) != size:
        raise InputError(
            f"The vectors are for {len(vectors.tokens)} tokens, but the model was built for "
            f"{size}: read them for the tokenizer of the model."
        )
    build_once(embedding, (None, None))
    old = embedding.embeddings.numpy()
    embedding.embeddings.assign(np.where(vectors.covered[:, None], vectors.matrix, old))
    embedding.trainable = trainable
