"""Embeddings that start from pretrained word vectors."""

import keras
import numpy as np
import pytest
from helpers import small_model

import tf_seq2seq as s2s
from tf_seq2seq.data import WordVectors
from tf_seq2seq.layers.words import Words
from tf_seq2seq.models import set_embeddings


def vectors(size, width):
    matrix = np.random.default_rng(1).normal(size=(size, width)).astype(np.float32)
    covered = np.arange(size) % 2 == 0
    return WordVectors(tuple(map(str, range(size))), matrix, covered)


LAYERS = {
    "encoder": lambda: s2s.Encoder(9, 4, embedding_size=3),
    "decoder": lambda: small_model("initial_state").decoder,
    "language_model": lambda: s2s.LanguageModel(9, 4, embedding_size=3),
    "embedding": lambda: keras.layers.Embedding(9, 3),
    "words": lambda: Words(9, 3),
}


@pytest.mark.parametrize("name", LAYERS)
def test_only_covered_tokens_change(name):
    layer = LAYERS[name]()
    embedding = getattr(layer, "words", layer)
    embedding = getattr(embedding, "embedding", embedding)
    size, width = embedding.input_dim, embedding.output_dim
    if not embedding.built:
        embedding.build((None, None))
    before, given = embedding.embeddings.numpy(), vectors(size, width)
    set_embeddings(layer, given)
    after = embedding.embeddings.numpy()
    np.testing.assert_array_equal(after[::2], given.matrix[::2])
    np.testing.assert_array_equal(after[1::2], before[1::2])
    assert embedding.trainable


def test_frozen_vectors_are_not_trained():
    model = small_model("additive_current")
    set_embeddings(model.encoder, vectors(20, 6), trainable=False)
    set_embeddings(model.decoder, vectors(15, 5))
    trained = {id(weight) for weight in model.trainable_variables}
    assert id(model.encoder.words.matrix()) not in trained
    assert id(model.decoder.words.matrix()) in trained


@pytest.mark.parametrize(
    ("layer", "given", "options", "message"),
    [
        ("encoder", vectors(9, 5), {}, "are 5 wide, but the embeddings 3: .*embedding_size=5"),
        ("encoder", vectors(8, 3), {}, "are for 8 tokens, but the model was built for 9"),
        ("encoder", vectors(9, 3), {"trainable": 1}, "`trainable` must be True or False, got 1"),
    ],
)
def test_vectors_that_do_not_fit(layer, given, options, message):
    with pytest.raises(s2s.InputError, match=message):
        set_embeddings(LAYERS[layer](), given, **options)


def test_layers_without_embeddings():
    for layer in (small_model("context_alone").decoder, keras.layers.Dense(2)):
        with pytest.raises(s2s.InputError, match="`layer` must be an Encoder, a Decoder that"):
            set_embeddings(layer, vectors(15, 5))
