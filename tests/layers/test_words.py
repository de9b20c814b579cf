import numpy as np
import pytest
from helpers import assert_smallest, defaults
from layer_contract import LayerContract

from tf_seq2seq.layers import Words

IDS = np.array([[5, 6, 7, 3], [9, 4, 0, 0]])


class TestContract(LayerContract):
    def make(self):
        return Words(12, 4, dropout=0.1, word_dropout=0.2)

    def inputs(self):
        return (IDS,)


def masks(words, ids=IDS):
    """Dropout factors of one training call, for embeddings of ones: (batch, length, size)."""
    words(ids)
    words.embedding.set_weights([np.ones((words.vocabulary_size, words.embedding_size))])
    return np.array(words(ids, training=True))


def test_the_rows_of_the_embedding_are_the_words():
    words = Words(12, 4)
    np.testing.assert_array_equal(words(IDS), np.array(words.embedding.embeddings)[IDS])


def test_dropout_hides_single_features_in_training():
    factors = masks(Words(12, 500, dropout=0.3))
    assert set(np.unique(factors)) == {0.0, np.float32(1 / 0.7)}
    np.testing.assert_allclose((factors == 0).mean(axis=-1), 0.3, atol=0.1)
    assert np.any(factors[0, 0] != factors[0, 1])
    assert np.any(factors[0, 0] != factors[1, 0])


def test_word_dropout_hides_whole_words_in_training():
    factors = masks(Words(12, 5, word_dropout=0.4), np.full((40, 30), 5))
    np.testing.assert_array_equal(factors, np.repeat(factors[..., :1], 5, axis=-1))
    dropped = factors[..., 0] == 0
    np.testing.assert_allclose(dropped.mean(), 0.4, atol=0.05)
    assert np.any(dropped[0] != dropped[1])
    assert np.any(dropped[:, 0] != dropped[:, 1])


def test_both_dropouts_act_together():
    factors = masks(Words(12, 50, dropout=0.5, word_dropout=0.5), np.full((20, 20), 5))
    words = factors.any(axis=-1)
    np.testing.assert_allclose(words.mean(), 0.5, atol=0.1)
    np.testing.assert_allclose((factors[words] == 0).mean(), 0.5, atol=0.05)


def test_nothing_is_dropped_outside_training():
    words = Words(12, 4, dropout=0.5, word_dropout=0.5)
    np.testing.assert_array_equal(words(IDS, training=False), words.embedding(IDS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 0}, "`vocabulary_size`.*got 0"),
        ({"embedding_size": True}, "`embedding_size`.*got True"),
        ({"dropout": 1.0}, "`dropout`.*got 1.0"),
        ({"word_dropout": -0.1}, "`word_dropout`.*got -0.1"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Words(**{"vocabulary_size": 12, "embedding_size": 4, **arguments})


def test_defaults_and_smallest_sizes():
    options = {"dropout": 0.0, "word_dropout": 0.0, "embeddings_initializer": "uniform"}
    assert defaults(Words) == options
    sizes = {"vocabulary_size": 1, "embedding_size": 1}
    assert_smallest(
        lambda **size: Words(**{"vocabulary_size": 9, "embedding_size": 4, **size}), **sizes
    )


def test_the_matrix_of_a_quantized_embedding_is_refused():
    words = Words(9, 4)
    words.build()
    assert words.matrix() is words.embedding.embeddings
    words.embedding.quantize("int8")
    with pytest.raises(ValueError, match=r"embedding.* is quantized"):
        words.matrix()
