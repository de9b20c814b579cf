import keras
import numpy as np
import pytest
from helpers import pad_columns

from tf_seq2seq import Encoder
from tf_seq2seq.layers.cells import CELLS

SOURCE = np.array([[5, 6, 7, 8, 3], [9, 4, 3, 0, 0], [0, 0, 0, 0, 0]])
LENGTHS = [5, 3, 0]


def make(cell="gru", num_layers=2, bidirectional=True, **kwargs):
    return Encoder(
        12,
        4,
        embedding_size=3,
        cell=cell,
        num_layers=num_layers,
        bidirectional=bidirectional,
        **kwargs,
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_shapes(cell, bidirectional):
    encoder = make(cell, bidirectional=bidirectional)
    outputs, state, mask = encoder(SOURCE)
    width = 8 if bidirectional else 4
    assert encoder.output_size == width
    assert outputs.shape == (3, 5, width)
    assert [len(layer) for layer in state] == [2 if cell == "lstm" else 1] * 2
    assert all(part.shape == (3, width) for layer in state for part in layer)
    np.testing.assert_array_equal(mask, np.arange(5) < np.array(LENGTHS)[:, None])


@pytest.mark.parametrize("cell", CELLS)
def test_context_is_the_state_after_the_last_word(cell):
    encoded = make(cell, bidirectional=False)(SOURCE)
    for row, length in enumerate(LENGTHS[:2]):
        np.testing.assert_allclose(encoded.context[row], encoded.outputs[row, length - 1])


def test_backward_direction_reads_from_the_last_word_to_the_first():
    encoder = make(num_layers=1)
    ahead = encoder(np.array([[5, 6, 7]])).outputs[..., 4:]
    layer = encoder.backward_layers[0]
    vectors = encoder.embedding(np.array([[7, 6, 5]]))
    state = np.zeros((1, 4), "float32")
    for step, position in enumerate([2, 1, 0]):
        state, _ = layer.cell(vectors[:, step], [state])
        np.testing.assert_allclose(ahead[:, position], state, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_going_backwards_ends_with_the_first_word(cell):
    encoder = make(cell, bidirectional=False, go_backwards=True)
    encoded = encoder(SOURCE)
    assert encoder.output_size == 4 and not encoder.forward_layers
    np.testing.assert_allclose(encoded.context, encoded.outputs[:, 0])
    assert not np.any(encoded.outputs[1, 3:])
    both = make(cell, num_layers=1)
    alone = make(cell, num_layers=1, bidirectional=False, go_backwards=True)
    both(SOURCE), alone(SOURCE)
    alone.embedding.set_weights(both.embedding.get_weights())
    alone.backward_layers[0].set_weights(both.backward_layers[0].get_weights())
    np.testing.assert_allclose(alone(SOURCE).outputs, both(SOURCE).outputs[..., 4:], atol=1e-6)


@pytest.mark.parametrize("direction", ["bidirectional", "go_backwards"])
@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_nothing(cell, direction):
    encoder = make(cell, **{"bidirectional": False, direction: True})
    outputs, state, _ = encoder(SOURCE)
    more, state_of_more, _ = encoder(pad_columns(SOURCE, 20))
    np.testing.assert_allclose(more[:, :5], outputs, atol=1e-6)
    assert not np.any(more[:, 5:])
    for a, b in zip(keras.tree.flatten(state), keras.tree.flatten(state_of_more), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    alone = encoder(SOURCE[1:2, :3])
    np.testing.assert_allclose(alone.outputs[0], outputs[1, :3], atol=1e-6)


def test_sentence_of_padding_alone_leaves_zeros():
    encoded = make()(SOURCE)
    assert not np.any(encoded.outputs[2])
    assert not np.any(encoded.context[2])


def test_dropout_acts_in_training_only():
    encoder = make(dropout=0.5)
    still = encoder(SOURCE).outputs
    np.testing.assert_array_equal(still, encoder(SOURCE).outputs)
    assert np.any(still != encoder(SOURCE, training=True).outputs)


def test_dropout_on_the_embeddings_alone():
    encoder = make(num_layers=1, embedding_dropout=1.0 - 1e-6)
    # Without any input both directions stay at zero; layer dropout would be seen below.
    assert not np.any(encoder(SOURCE, training=True).outputs)
    encoder = make(num_layers=1, embedding_dropout=0.5)
    assert np.all(encoder(SOURCE[:1], training=True).outputs)
    encoder = make(num_layers=1, dropout=0.5, embedding_dropout=0.0)
    still, dropped = encoder(SOURCE[:1]).outputs, encoder(SOURCE[:1], training=True).outputs
    assert 0 < np.sum(dropped == 0) < still.numpy().size
    np.testing.assert_allclose(dropped[dropped != 0], 2 * still[dropped != 0], rtol=1e-5)


def test_dropout_of_whole_words():
    encoder = make(num_layers=1, word_dropout=0.5)
    words = np.tile(SOURCE[:1], [20, 1])
    embedded = encoder.word_dropout_layer(encoder.embedding(words), training=True).numpy()
    dropped = np.all(embedded == 0, axis=2)
    assert 0.2 < dropped.mean() < 0.8
    np.testing.assert_allclose(
        embedded[~dropped], 2 * encoder.embedding(words).numpy()[~dropped], rtol=1e-6
    )
    assert np.any(encoder(SOURCE, training=True).outputs != encoder(SOURCE).outputs)


def test_config_round_trip():
    rates = {"dropout": 0.1, "embedding_dropout": 0.2, "word_dropout": 0.3}
    encoder = make("lstm", bidirectional=False, go_backwards=True, **rates)
    again = Encoder.from_config(encoder.get_config())
    assert again.get_config() == encoder.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 10, "units": 0}, "`units`.*got 0"),
        ({"vocabulary_size": -1, "units": 4}, "`vocabulary_size`.*got -1"),
        ({"vocabulary_size": 10, "units": 4, "cell": "rnn"}, "`cell`.*'gru'.*got 'rnn'"),
        ({"vocabulary_size": 10, "units": 4, "num_layers": 1.5}, "`num_layers`.*got 1.5"),
        (
            {"vocabulary_size": 10, "units": 4, "bidirectional": True, "go_backwards": True},
            "leave go_backwards False",
        ),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Encoder(**arguments)
