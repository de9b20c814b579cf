import itertools
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_smallest, defaults, pad_columns
from layer_contract import MaskedLayerContract, assert_close

from tf_seq2seq import Encoder
from tf_seq2seq.layers.cells import CELLS
from tf_seq2seq.layers.recurrent import run_layer

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


def test_the_backward_direction_reads_from_the_last_word_to_the_first():
    encoder = make(num_layers=1)
    ahead = encoder(np.array([[5, 6, 7]])).outputs[..., 4:]
    layer = encoder.backward_layers[0]
    vectors = encoder.words.embedding(np.array([[7, 6, 5]]))
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
    alone.words.set_weights(both.words.get_weights())
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


@pytest.mark.parametrize("cell", CELLS)
def test_the_forward_half_comes_first(cell):
    """In the outputs and in each part of each layer's state."""
    encoder = make(cell, num_layers=2)
    outputs, states, _ = encoder(SOURCE)
    x = encoder.words(SOURCE)
    mask = tf.constant(SOURCE != 0)
    for i, state in enumerate(states):
        forward, *forward_state = encoder.forward_layers[i](x, mask=mask)
        backward, *backward_state = encoder.backward_layers[i](x, mask=mask)
        x = np.concatenate([forward, np.flip(backward, axis=1)], axis=-1)
        pairs = zip(forward_state, backward_state, strict=True)
        assert_close(state, [np.concatenate(pair, axis=-1) for pair in pairs], atol=1e-6)
    np.testing.assert_allclose(outputs, x, atol=1e-6)
    # The forward half has just read the last word, the backward half the first.
    np.testing.assert_allclose(states[-1][0][1], [*outputs[1, 2, :4], *outputs[1, 0, 4:]])


class TestDropout:
    """Where each dropout acts, seen between the recurrent layers."""

    RATE = 0.4

    def run(self, monkeypatch, **rates):
        """The calls of `run_layer` as (inputs, outputs), and the encoder's output, in training."""
        calls = []

        def recorded(layer, inputs, **options):
            outputs, state = run_layer(layer, inputs, **options)
            calls.append((layer.name, np.array(inputs), np.array(outputs)))
            return outputs, state

        monkeypatch.setattr(sys.modules[Encoder.__module__], "run_layer", recorded)
        model = Encoder(12, 50, num_layers=3, **rates)
        model(SOURCE[:1])
        calls.clear()
        return model, calls, model(SOURCE[:1], training=True)

    def factors(self, dropped, kept):
        factors = np.array(dropped) / np.array(kept)
        np.testing.assert_allclose(np.unique(factors.round(4)), [0, 1 / (1 - self.RATE)], atol=1e-3)
        share = (factors == 0).mean(axis=-1)
        np.testing.assert_allclose(share, self.RATE, atol=0.25)
        np.testing.assert_allclose(share.mean(), self.RATE, atol=0.1)
        return factors == 0

    def test_every_position_draws_its_own_mask(self, monkeypatch):
        model, calls, encoded = self.run(monkeypatch, dropout=self.RATE)
        inputs = [call[1] for call in calls] + [np.array(encoded.outputs)]
        kept = [model.words.embedding(SOURCE[:1]), *(call[2] for call in calls)]
        masks = [self.factors(*pair) for pair in zip(inputs, kept, strict=True)]
        for mask, other in itertools.combinations(masks, 2):
            assert (mask != other).mean() > 0.3
        for mask in masks:
            for step in range(4):
                assert (mask[:, step] != mask[:, step + 1]).mean() > 0.2

    def test_states_are_not_dropped(self, monkeypatch):
        _, calls, encoded = self.run(monkeypatch, dropout=self.RATE)
        for (_, _, outputs), (state,) in zip(calls, encoded.state, strict=True):
            np.testing.assert_array_equal(state, outputs[:, -1])
            assert np.all(state)

    def test_embeddings_alone(self, monkeypatch):
        model, calls, encoded = self.run(monkeypatch, embedding_dropout=self.RATE)
        self.factors(calls[0][1], model.words.embedding(SOURCE[:1]))
        np.testing.assert_array_equal(calls[1][1], calls[0][2])
        np.testing.assert_array_equal(encoded.outputs, calls[2][2])

    def test_layers_alone(self, monkeypatch):
        model, calls, _ = self.run(monkeypatch, dropout=self.RATE, embedding_dropout=0.0)
        np.testing.assert_array_equal(calls[0][1], model.words.embedding(SOURCE[:1]))
        self.factors(calls[1][1], calls[0][2])

    def test_words_alone(self, monkeypatch):
        _, calls, encoded = self.run(monkeypatch, word_dropout=0.999999)
        assert not np.any(calls[0][1])
        np.testing.assert_array_equal(encoded.outputs, calls[2][2])

    def test_both_directions_read_the_same(self, monkeypatch):
        _, calls, _ = self.run(monkeypatch, dropout=self.RATE, bidirectional=True)
        for (first, inputs, _), (second, same, _) in zip(calls[::2], calls[1::2], strict=True):
            assert (first[:7], second[:8]) == ("forward", "backward")
            np.testing.assert_array_equal(inputs, same)

    def test_nothing_is_dropped_outside_training(self):
        encoder = make(dropout=0.5, word_dropout=0.5)
        still = make()
        still(SOURCE), encoder(SOURCE)
        still.set_weights(encoder.get_weights())
        for training in (None, False):
            np.testing.assert_array_equal(
                encoder(SOURCE, training=training).outputs, still(SOURCE).outputs
            )


class TestContract(MaskedLayerContract):
    def make(self):
        rates = {"dropout": 0.1, "embedding_dropout": 0.2, "word_dropout": 0.3}
        return make("lstm", **rates)

    def inputs(self):
        return (SOURCE,)

    def padded(self):
        return (pad_columns(SOURCE, 3),)


class TestBackwardsContract(TestContract):
    def make(self):
        return make("gru", bidirectional=False, go_backwards=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary_size": 10, "units": 0}, "`units`.*got 0"),
        ({"vocabulary_size": -1, "units": 4}, "`vocabulary_size`.*got -1"),
        ({"vocabulary_size": 10, "units": 4, "cell": "rnn"}, "`cell`.*'gru'.*got 'rnn'"),
        ({"vocabulary_size": 10, "units": 4, "num_layers": 1.5}, "`num_layers`.*got 1.5"),
        (
            {"vocabulary_size": 10, "units": 4, "bidirectional": True, "go_backwards": True},
            "leave go_backwards set to False",
        ),
        ({"vocabulary_size": 10, "units": 4, "dropout": 1.0}, "`dropout`.*got 1.0"),
        ({"vocabulary_size": 10, "units": 4, "embedding_dropout": -1}, "`embedding_dropout`.*-1"),
        ({"vocabulary_size": 10, "units": 4, "word_dropout": True}, "`word_dropout`.*got True"),
        ({"vocabulary_size": 10, "units": 4, "bidirectional": 1}, "`bidirectional`.*got 1"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Encoder(**arguments)


def test_one_sentence_without_a_batch():
    for source in (np.array([5, 6, 3]), np.array(5), [[5, 6]], keras.Input((), dtype="int32")):
        with pytest.raises(ValueError, match=r"^`source` must be ids \(batch, length\), got"):
            Encoder(20, 8)(source)


def test_defaults_and_smallest_sizes():
    assert defaults(Encoder) == {
        "embedding_size": None,
        "cell": "gru",
        "num_layers": 1,
        "bidirectional": False,
        "go_backwards": False,
        "dropout": 0.0,
        "embedding_dropout": None,
        "word_dropout": 0.0,
    }
    sizes = {"vocabulary_size": 1, "units": 1, "embedding_size": 1, "num_layers": 1}
    assert_smallest(lambda **size: Encoder(**{"vocabulary_size": 9, "units": 4, **size}), **sizes)
