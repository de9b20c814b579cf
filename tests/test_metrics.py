import keras
import numpy as np
import pytest

from tf_seq2seq import Perplexity, TokenAccuracy
from tf_seq2seq.metrics import perplexity

LOGITS = np.random.default_rng(5).normal(size=(2, 4, 6)).astype("float32")
LABELS = np.array([[4, 5, 3, 0], [5, 3, 0, 0]])


def results(labels=LABELS, logits=LOGITS, rows_per_batch=2):
    metrics = Perplexity(), TokenAccuracy()
    for row in range(0, len(labels), rows_per_batch):
        rows = slice(row, row + rows_per_batch)
        for metric in metrics:
            metric.update_state(labels[rows], logits[rows])
    return [float(metric.result()) for metric in metrics]


def expected():
    """Perplexity and accuracy of the five real words, in NumPy."""
    real = LABELS > 0
    logits, labels = LOGITS[real].astype("float64"), LABELS[real]
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    losses = -np.log(probabilities[np.arange(5), labels])
    return [np.exp(losses.mean()), (logits.argmax(-1) == labels).mean()]


@pytest.mark.parametrize("rows_per_batch", [1, 2])
def test_each_word_has_the_same_weight_in_any_batches(rows_per_batch):
    np.testing.assert_allclose(results(rows_per_batch=rows_per_batch), expected(), rtol=1e-5)


def test_padding_changes_nothing():
    labels = np.pad(LABELS, [(0, 3), (0, 5)])
    logits = np.pad(LOGITS, [(0, 3), (0, 5), (0, 0)], constant_values=9.0)
    np.testing.assert_allclose(results(labels, logits), expected(), rtol=1e-5)


def test_logits_of_the_words_alone():
    for metric in (Perplexity(), TokenAccuracy()):
        values = []
        for logits in (LOGITS, LOGITS[LABELS > 0]):
            metric.reset_state()
            metric.update_state(LABELS, logits, sample_weight=np.array([1.0, 3.0]))
            values.append(float(metric.result()))
        assert values[0] == pytest.approx(values[1], rel=1e-6)


@pytest.mark.parametrize(("metric", "empty"), [(Perplexity, 1), (TokenAccuracy, 0)])
def test_reset(metric, empty):
    metric = metric()
    metric.update_state(LABELS, LOGITS)
    metric.reset_state()
    assert float(metric.result()) == empty


@pytest.mark.parametrize("metric", [Perplexity("p"), TokenAccuracy("a")])
def test_config_round_trip(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.name == metric.name


def test_logits_in_half_precision_are_computed_in_float32():
    half = keras.ops.cast(LOGITS, "bfloat16")
    np.testing.assert_allclose(
        results(logits=half), results(logits=keras.ops.cast(half, "float32")), rtol=1e-6
    )


def test_perplexity_of_a_loss():
    assert perplexity(np.log(7)) == pytest.approx(7)
    assert perplexity(1e4) == np.inf


@pytest.mark.parametrize("weights", [[2.0, 0.0], [[2.0], [0.0]], [[2, 2, 2, 2], [0, 0, 0, 0]]])
def test_sample_weights(weights):
    for metric in (Perplexity(), TokenAccuracy()):
        metric.update_state(LABELS, LOGITS, sample_weight=np.array(weights))
        weighted = float(metric.result())
        metric.reset_state()
        metric.update_state(LABELS[:1], LOGITS[:1])
        assert weighted == pytest.approx(float(metric.result()))
