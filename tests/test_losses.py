import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import Perplexity, SequenceCrossEntropy, TokenAccuracy, training

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(size=(2, 4, 6)).astype("float32")
LABELS = np.array([[4, 5, 3, 0], [5, 3, 0, 0]])


def log_probabilities(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def losses(smoothing=0.0):
    """Cross-entropy of the five real words, in NumPy."""
    logp = log_probabilities(LOGITS.astype("float64"))
    rows, columns = np.nonzero(LABELS)
    own = logp[rows, columns, LABELS[rows, columns]]
    return -((1 - smoothing) * own + smoothing * logp[rows, columns].mean(-1))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_equals_numpy(smoothing):
    loss = SequenceCrossEntropy(label_smoothing=smoothing)
    np.testing.assert_allclose(loss(LABELS, LOGITS), losses(smoothing).mean(), rtol=1e-5)
    loss = SequenceCrossEntropy("sentences", label_smoothing=smoothing)
    np.testing.assert_allclose(loss(LABELS, LOGITS), losses(smoothing).sum() / 2, rtol=1e-5)


@pytest.mark.parametrize("average", ["tokens", "sentences"])
def test_rows_and_columns_of_padding_change_nothing(average):
    loss = SequenceCrossEntropy(average)
    labels = np.pad(LABELS, [(0, 3), (0, 5)])
    logits = np.pad(LOGITS, [(0, 3), (0, 5), (0, 0)], constant_values=9.0)
    np.testing.assert_allclose(loss(labels, logits), loss(LABELS, LOGITS), rtol=1e-6)


def test_batch_of_padding_alone_costs_nothing():
    assert SequenceCrossEntropy()(np.zeros((2, 3)), np.zeros((2, 3, 6))) == 0


def test_half_precision_logits_are_computed_in_float32():
    half = tf.cast(LOGITS, tf.bfloat16)
    loss = SequenceCrossEntropy()(LABELS, half)
    assert loss.dtype == "float32"
    np.testing.assert_allclose(
        loss, SequenceCrossEntropy()(LABELS, tf.cast(half, tf.float32)), rtol=1e-6
    )


@pytest.mark.parametrize("average", ["tokens", "sentences"])
def test_replicas_add_up_to_the_whole_batch(average):
    """Unequal token counts on the replicas: a mean of means would be another number."""
    loss = SequenceCrossEntropy(average)
    strategy = training.strategy("mirrored")

    @tf.function
    def replica_loss():
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        return loss(tf.constant(LABELS)[index : index + 1], tf.constant(LOGITS)[index : index + 1])

    parts = strategy.experimental_local_results(strategy.run(replica_loss))
    np.testing.assert_allclose(sum(parts), loss(LABELS, LOGITS), rtol=1e-5)


def test_metrics_weigh_each_word_alike_however_batched():
    perplexity, accuracy = Perplexity(), TokenAccuracy()
    for row in range(2):
        perplexity.update_state(LABELS[row : row + 1], LOGITS[row : row + 1])
        accuracy.update_state(LABELS[row : row + 1], LOGITS[row : row + 1])
    np.testing.assert_allclose(perplexity.result(), np.exp(losses().mean()), rtol=1e-5)
    right = (LOGITS.argmax(-1) == LABELS)[LABELS > 0]
    np.testing.assert_allclose(accuracy.result(), right.mean())
    accuracy.reset_state()
    assert accuracy.result() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"average": "words"}, "got 'words'"), ({"label_smoothing": 1.0}, "got 1.0")],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        SequenceCrossEntropy(**arguments)


def test_ids_beyond_the_precision_of_half_a_float_are_told_apart():
    logits = np.zeros((1, 1, 5000), "float16")
    logits[0, 0, 4097] = 8
    assert SequenceCrossEntropy()(np.array([[4097]]), logits) < 2
    assert SequenceCrossEntropy()(np.array([[4098]]), logits) > 8


def test_config_round_trip():
    loss = SequenceCrossEntropy("sentences", 0.1)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
