import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import defaults

from tf_seq2seq import InputError, SequenceCrossEntropy, training
from tf_seq2seq.losses import token_cross_entropy

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


@pytest.mark.parametrize("average", ["tokens", "sentences"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_logits_of_the_words_alone_give_the_same_loss(average, smoothing):
    loss = SequenceCrossEntropy(average, smoothing)
    np.testing.assert_allclose(loss(LABELS, LOGITS[LABELS > 0]), loss(LABELS, LOGITS), rtol=1e-6)


def test_cross_entropy_of_a_hopeless_label():
    """Its probability is not a float32."""
    logits = np.array([[[300.0, 0.0, -300.0]]], "float32")
    assert token_cross_entropy([[2]], logits) == 600
    assert token_cross_entropy([[0]], logits) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_cross_entropy_of_logits_that_are_not_finite(bad):
    logits = np.zeros((1, 2, 3), "float32")
    logits[0, 0, 1] = bad
    loss = token_cross_entropy([[0, 0]], logits).numpy()[0]
    assert not np.isfinite(loss[0])
    np.testing.assert_allclose(loss[1], np.log(3), rtol=1e-6)


def test_batch_of_padding_alone_has_no_loss():
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
    """Unequal token counts on the replicas: a mean of means would be a different number."""
    loss = SequenceCrossEntropy(average)
    strategy = training.strategy("mirrored")

    @tf.function
    def replica_loss():
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        return loss(tf.constant(LABELS)[index : index + 1], tf.constant(LOGITS)[index : index + 1])

    parts = strategy.experimental_local_results(strategy.run(replica_loss))
    np.testing.assert_allclose(sum(parts), loss(LABELS, LOGITS), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"average": "words"}, "`average` must be 'tokens' or 'sentences', got 'words'"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be .* less than 1, got 1.0"),
        ({"label_smoothing": -0.1}, "`label_smoothing`"),
        ({"label_smoothing": True}, "`label_smoothing`"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(InputError, match=message):
        SequenceCrossEntropy(**arguments)


def test_numpy_scalars_are_stored_as_plain_values():
    loss = SequenceCrossEntropy(np.str_("sentences"), np.float32(0.25))
    assert [type(value) for value in (loss.average, loss.label_smoothing)] == [str, float]


def test_sample_weights_are_refused():
    with pytest.raises(InputError, match="the same weight"):
        SequenceCrossEntropy()(LABELS, LOGITS, sample_weight=np.ones(2))


def test_ids_beyond_the_precision_of_float16_are_distinct():
    logits = np.zeros((1, 1, 5000), "float16")
    logits[0, 0, 4097] = 8
    assert SequenceCrossEntropy()(np.array([[4097]]), logits) < 2
    assert SequenceCrossEntropy()(np.array([[4098]]), logits) > 8


def test_config_round_trip():
    loss = SequenceCrossEntropy("sentences", 0.1)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


def anywhere(function):
    """Return a function of logits as it runs eagerly, as a graph, and compiled."""
    return {
        "eager": function,
        "graph": tf.function(function, reduce_retracing=True),
        "compiled": tf.function(function, jit_compile=True),
    }


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("how", ["eager", "graph", "compiled"])
def test_gradient_equals_that_of_the_tape(smoothing, dtype, how):
    """It is `(p - q) / n`, and 0 in the padding."""
    loss = SequenceCrossEntropy(label_smoothing=smoothing)

    def own(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(LABELS, logits)
        return tape.gradient(value, logits)

    logits = tf.cast(LOGITS, dtype)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        logp = tf.nn.log_softmax(tf.cast(logits, "float32"))
        q = (1 - smoothing) * tf.one_hot(LABELS, 6) + smoothing / 6
        mask = tf.cast(LABELS > 0, "float32")
        expected = -tf.reduce_sum(tf.reduce_sum(q * logp, -1) * mask) / 5
    expected, found = tape.gradient(expected, logits), anywhere(own)[how](logits)
    assert found.dtype == dtype
    expected, found = (tf.cast(each, "float32").numpy() for each in (expected, found))
    bound = 1e-6 if dtype == "float32" else 1e-2
    np.testing.assert_allclose(found, expected, rtol=bound, atol=bound / 10)
    assert not np.any(found[LABELS == 0])


def test_gradient_of_logits_of_any_size():
    """Neither the batch nor the vocabulary is known when the graph is traced."""
    loss = SequenceCrossEntropy(label_smoothing=0.1)

    @tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None, None, None])])
    def own(labels, logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits)
        return tape.gradient(value, logits)

    for size in (6, 4):
        logits, labels = LOGITS[..., :size], LABELS % size
        with tf.GradientTape() as tape:
            tape.watch(own_logits := tf.constant(logits))
            value = loss(labels, own_logits)
        np.testing.assert_allclose(
            own(labels.astype("float32"), logits), tape.gradient(value, own_logits), atol=1e-7
        )
    assert own(np.zeros((0, 4), "float32"), np.zeros((0, 4, 6), "float32")).shape == (0, 4, 6)


def test_cross_entropy_has_a_second_derivative():
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as outer:
        outer.watch(logits)
        with tf.GradientTape() as inner:
            inner.watch(logits)
            loss = SequenceCrossEntropy()(LABELS, logits)
        length = tf.reduce_sum(inner.gradient(loss, logits) ** 2)
    gradient = outer.gradient(length, logits)
    # Of p_k - q_k by the count 5, where sum_k (p_k - q_k)^2 has the derivative 2 p (v - <p, v>).
    p = np.exp(log_probabilities(LOGITS))
    v = p - np.eye(6)[LABELS]
    expected = 2 * p * (v - (p * v).sum(-1, keepdims=True)) * (LABELS > 0)[..., None] / 25
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("labels", [LABELS.T, LABELS[..., None], LABELS[:, :3]], ids=np.shape)
def test_labels_of_another_shape_are_refused(labels):
    with pytest.raises(ValueError, match="incompatible"):
        SequenceCrossEntropy()(labels, LOGITS)


def test_a_label_that_is_not_an_id_makes_the_loss_nan():
    """A CPU raises; a GPU and a compiled graph would read another logit. `fit` stops at NaN."""
    loss = tf.function(lambda labels: SequenceCrossEntropy()(labels, LOGITS), jit_compile=True)
    assert np.isfinite(loss(LABELS))
    assert np.isnan(loss(LABELS + 1))


def test_the_defaults():
    assert defaults(token_cross_entropy) == {"label_smoothing": 0.0}
    options = {"average": "tokens", "label_smoothing": 0.0, "name": "loss"}
    assert defaults(SequenceCrossEntropy) == options
