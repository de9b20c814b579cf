import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import LanguageModel, search
from tf_seq2seq.models import steps

IDS = np.random.default_rng(0).integers(1, 12, (3, 7))


def model(**options):
    return LanguageModel(**({"vocabulary_size": 12, "units": 6, "num_layers": 2} | options))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_equals_the_equations_in_numpy():
    lm = model(units=5, embedding_size=4)
    _, embedding, *weights = lm.get_weights()
    assert [w.shape for w in weights] == [(4, 20), (5, 20), (20,), (5, 16), (4, 16), (16,)]
    bias = np.linspace(-1, 1, 12)
    lm.bias.assign(bias)
    states = [[np.zeros((3, 5))] * 2, [np.zeros((3, 4))] * 2]
    expected = []
    for t in range(7):
        x = embedding[IDS[:, t]]
        for layer, (h, c) in enumerate(states):
            w, u, b = weights[3 * layer : 3 * layer + 3]
            i, f, g, o = np.split(x @ w + h @ u + b, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(c)
            states[layer] = [x, c]
        expected.append(x @ embedding.T + bias)
    output = lm(IDS)
    np.testing.assert_allclose(output.logits, np.stack(expected, axis=1), atol=1e-5)
    for ours, theirs in zip(output.state, states, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_text_in_pieces_is_the_text():
    lm = model()
    whole = lm(IDS)
    first = lm(IDS[:, :4])
    second = lm(IDS[:, 4:], first.state)
    pieces = np.concatenate([first.logits, second.logits], axis=1)
    np.testing.assert_allclose(pieces, whole.logits, atol=1e-6)
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), second.state, whole.state
    )


def test_a_text_word_by_word_is_the_text():
    lm = model()
    state, logits = lm.initial_state(3), []
    for t in range(7):
        step_logits, weights, state = lm.step(IDS[:, t], state)
        assert weights is None
        logits.append(step_logits)
    np.testing.assert_allclose(np.stack(logits, axis=1), lm(IDS).logits, atol=1e-6)


def test_where_a_row_has_no_word_the_state_does_not_change():
    lm = model()
    valid = np.arange(7) < np.array([[7], [3], [0]])
    state = lm(IDS, valid=valid).state
    for layer in range(2):
        for part in range(2):
            np.testing.assert_allclose(
                state[layer][part][0], lm(IDS).state[layer][part][0], atol=1e-6
            )
            np.testing.assert_allclose(
                state[layer][part][1], lm(IDS[:, :3]).state[layer][part][1], atol=1e-6
            )
            np.testing.assert_array_equal(state[layer][part][2], 0)


def test_no_word_sees_what_follows():
    lm = model()
    other = np.where(np.arange(7) < 4, IDS, 1)
    np.testing.assert_allclose(lm(IDS).logits[:, :4], lm(other).logits[:, :4], atol=1e-6)


def test_the_embedding_is_the_softmax():
    assert model(units=6).count_params() == 12 * 6 + 2 * (6 * 24 * 2 + 24) + 12


class Recorder:
    """A dropout layer that remembers the factors it drew, each `(batch, length, units)`."""

    def __init__(self, layer):
        self.layer = layer
        self.factors = []

    def __call__(self, x, training=None):
        dropped = self.layer(x, training=training)
        if training:
            self.factors.append(np.array(dropped) / np.array(x))
        return dropped


class TestDropout:
    RATE = 0.4

    def run(self, **options):
        lm = model(units=50, num_layers=2, dropout=self.RATE, **options)
        recorder = lm.dropout_layer = Recorder(lm.dropout_layer)
        return lm, lm(IDS, training=True), recorder.factors

    def test_on_the_embeddings_and_the_outputs_but_not_on_the_state(self):
        lm, output, factors = self.run()
        assert len(factors) == 3
        states = [layer.get_initial_state(3) for layer in lm.recurrent_layers]
        for t in range(7):
            x = lm.embedding(IDS[:, t]) * factors[0][:, t]
            for i, layer in enumerate(lm.recurrent_layers):
                x, states[i] = layer.cell(x, states[i])
                x = x * factors[i + 1][:, t]
            logits = tf.matmul(x, lm.embedding.embeddings, transpose_b=True) + lm.bias
            np.testing.assert_allclose(output.logits[:, t], logits, atol=1e-5)
        for state, expected in zip(output.state, states, strict=True):
            np.testing.assert_allclose(state, expected, atol=1e-5)

    def test_every_position_and_word_draws_its_own_mask(self):
        _, _, factors = self.run()
        for mask in factors:
            np.testing.assert_allclose(np.unique(mask.round(4)), [0, 1 / 0.6], atol=1e-3)
            np.testing.assert_allclose((mask == 0).mean(axis=(0, 2)), self.RATE, atol=0.2)
            for t in range(6):
                assert (mask[:, t] != mask[:, t + 1]).mean() > 0.3
            assert (mask[0] != mask[1]).mean() > 0.3
        for mask, other in itertools.combinations(factors, 2):
            assert (mask != other).mean() > 0.3

    def test_locked_dropout_hides_the_same_features_in_all_words(self):
        _, _, factors = self.run(locked_dropout=True)
        for mask in factors:
            np.testing.assert_allclose(mask, np.repeat(mask[:, :1], 7, axis=1), rtol=1e-5)
            assert (mask[0] != mask[1]).mean() > 0.2
        for mask, other in itertools.combinations(factors, 2):
            assert (mask != other).mean() > 0.2

    def test_weight_dropout_drops_the_same_weights_of_the_state_in_all_words(self):
        lm = model(units=50, weight_dropout=self.RATE)
        recorder = lm.weight_dropout_layer = Recorder(lm.weight_dropout_layer)
        output = lm(IDS, training=True)
        assert [mask.shape for mask in recorder.factors] == [(50, 200)] * 2
        for mask in recorder.factors:
            np.testing.assert_allclose(np.unique(mask.round(4)), [0, 1 / 0.6], atol=1e-3)
            assert abs((mask == 0).mean() - self.RATE) < 0.02
        first, second = recorder.factors
        assert (first != second).mean() > 0.3
        expected = model(units=50)
        expected.set_weights(lm.get_weights())
        for layer, mask in zip(expected.recurrent_layers, recorder.factors, strict=True):
            layer.cell.recurrent_kernel.assign(layer.cell.recurrent_kernel * mask)
        np.testing.assert_allclose(output.logits, expected(IDS).logits, atol=1e-5)
        lm(IDS, training=True)
        assert (recorder.factors[2] != first).mean() > 0.3  # drawn once per batch

    def test_the_same_seed_draws_the_same_masks(self):
        rates = {"dropout": 0.5, "word_dropout": 0.5, "weight_dropout": 0.5}
        results = []
        for _ in range(2):
            keras.utils.set_random_seed(3)
            results.append(model(**rates)(IDS, training=True).logits)
        np.testing.assert_array_equal(*results)

    def test_only_in_training(self):
        lm = model(dropout=0.5, word_dropout=0.5, weight_dropout=0.5)
        still = model()
        still.set_weights(lm.get_weights())
        for training in (None, False):
            np.testing.assert_array_equal(lm(IDS, training=training).logits, still(IDS).logits)
        assert np.any(lm(IDS, training=True).logits != still(IDS).logits)


def test_penalties_by_hand():
    """Without words, rows count less: the second has three words and the last has none."""
    lm = model(dropout=0.5, activation_penalty=2.0, change_penalty=3.0)
    seen, drop = [], lm.dropout_layer

    def see(x, training=None):
        seen.append((np.array(x), np.array(drop(x, training=training))))
        return seen[-1][1]

    lm.dropout_layer = see
    lengths = [7, 3, 0]
    lm(IDS, valid=np.arange(7) < np.array(lengths)[:, None], training=True)
    outputs, dropped = seen[-1]
    expected = 0
    for row, length in enumerate(lengths):
        for t in range(length):
            expected += 2 * np.mean(dropped[row, t] ** 2) / 3
            if t:
                expected += 3 * np.mean((outputs[row, t] - outputs[row, t - 1]) ** 2) / 3
    np.testing.assert_allclose(lm.losses, [expected], rtol=1e-5)


def test_penalties_of_no_text_are_zero():
    lm = model(activation_penalty=2.0, change_penalty=3.0)
    lm(np.zeros([0, 7], int), training=True)
    assert [float(loss) for loss in lm.losses] == [0.0]


def test_penalties_are_in_the_loss_but_not_in_the_perplexity():
    values = []
    for penalties in ({}, {"activation_penalty": 2.0}, {"change_penalty": 2.0}):
        keras.utils.set_random_seed(1)
        lm = model(**penalties)
        lm.compile("sgd")
        loss, *_ = steps.train_step(lm, IDS[:, :-1], IDS[:, 1:], lm.initial_state(3))
        penalty = float(sum(lm.losses))
        assert (penalty > 0) == bool(penalties)
        values.append((float(loss) - penalty, float(lm.get_metrics_result()["perplexity"])))
        lm(IDS)
        assert not lm.losses
    np.testing.assert_allclose(values, [values[0]] * 3, rtol=1e-6)


def test_word_dropout_drops_a_word_wherever_it_occurs():
    lm = LanguageModel(1000, 3, word_dropout=0.5, num_layers=1)
    ids = np.repeat(np.arange(1000)[None], 2, axis=0)
    logits = np.asarray(lm(ids.T, training=True).logits)
    # Within a row the first word is the second: both are dropped or both are read.
    state_after_zero = np.asarray(lm.bias) + 0 * logits[:, 0]
    dropped = np.all(np.abs(logits[:, 0] - state_after_zero) < 1e-7, axis=1)
    dropped_twice = np.all(np.abs(logits[:, 1] - state_after_zero) < 1e-7, axis=1)
    np.testing.assert_array_equal(dropped, dropped_twice)
    assert 400 < dropped.sum() < 600


def test_half_precision_is_close_and_its_state_is_carried():
    keras.utils.set_random_seed(1)
    expected = model()(IDS).logits
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(1)
    lm = model()
    output = lm(IDS, lm(IDS).state)
    assert output.logits.dtype == tf.bfloat16
    assert {part.dtype for part in tf.nest.flatten(output.state)} == {tf.bfloat16}
    np.testing.assert_allclose(tf.cast(lm(IDS).logits, tf.float32), expected, atol=0.02)


def test_saved_and_loaded(tmp_path):
    """In a fresh process: see `test_saving.py`."""
    models = {"plain": model(), "other": model(units=7, embedding_size=5, dropout=0.1)}
    models["plain"].compile(keras.optimizers.SGD(0.1))
    for name, lm in models.items():
        lm.save(tmp_path / f"{name}.keras")
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
        np.testing.assert_allclose(loaded(IDS).logits, lm(IDS).logits, atol=1e-6)


def test_a_step_keeps_the_dtype_of_the_state():
    lm = LanguageModel(12, 6, num_layers=2, dtype="mixed_bfloat16")
    _, _, state = lm.step(IDS[:, 0], lm.initial_state(len(IDS)))
    assert {part.dtype for layer in state for part in layer} == {tf.bfloat16}


def test_a_step_function_for_search():
    lm = model()
    found = search.greedy(lm.step, lm.initial_state(2), 2, 5, start=tf.constant([3, 4]))
    assert found.ids.shape[0] == 2
    assert found.ids.shape[1] <= 5


@pytest.mark.parametrize("option", ["vocabulary_size", "units", "num_layers", "embedding_size"])
def test_sizes_out_of_range(option):
    with pytest.raises(ValueError, match=f"`{option}`"):
        model(**{option: 0})


@pytest.mark.parametrize("option", ["dropout", "word_dropout", "weight_dropout", "locked_dropout"])
def test_rates_and_flags_out_of_range(option):
    for wrong in (1.0, -0.1):
        with pytest.raises(ValueError, match=f"`{option}`.*got {wrong}"):
            model(**{option: wrong})


@pytest.mark.parametrize("option", ["activation_penalty", "change_penalty"])
def test_penalties_out_of_range(option):
    with pytest.raises(ValueError, match=f"`{option}`.*got -0.1"):
        model(**{option: -0.1})


def test_keras_own_export_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"state.*ExportArchive"):
        model().export(str(tmp_path))


def test_config_round_trip():
    options = {"dropout": 0.1, "locked_dropout": True, "word_dropout": 0.2, "embedding_size": 5}
    options |= {"weight_dropout": 0.3, "activation_penalty": 2.0, "change_penalty": 1.0}
    config = model(**options).get_config()
    assert LanguageModel.from_config(config).get_config() == config


@pytest.mark.parametrize("of", [lambda lm: lm[:1], lambda lm: lm[0], lambda lm: lm[0][0]])
def test_a_state_of_another_model_is_refused(of):
    lm = model(num_layers=2)
    ids, state = np.array([[5, 6, 7]]), of(lm.initial_state(1))
    with pytest.raises(ValueError, match=r"^`state` must hold \(h, c\) for each layer"):
        lm(ids, state)
    with pytest.raises(ValueError, match=r"^`state` must hold .* `initial_state\(batch_size\)`"):
        lm.step(ids[:, 0], state)


def test_a_state_of_another_width_is_refused():
    with pytest.raises(ValueError, match=r"with the widths \[9, 9\], got .*\(1, 8\)"):
        model(units=9)(np.array([[5, 6, 7]]), model(units=8).initial_state(1))


def test_call_arguments_of_another_shape_are_refused():
    lm = model()
    with pytest.raises(ValueError, match=r"^`ids` must be ids \(batch, length\), got"):
        lm(np.array([5, 6, 7]))
    with pytest.raises(ValueError, match=r"rows differ: 2 in `ids`, 1 in `state`"):
        lm(np.full((2, 3), 5), lm.initial_state(1))
