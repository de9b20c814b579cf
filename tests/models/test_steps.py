"""The logits of padding are left out of a step, unless somebody could notice."""

from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import (
    BahdanauAttention,
    Decoder,
    Encoder,
    Perplexity,
    Seq2Seq,
    SequenceCrossEntropy,
    TokenAccuracy,
    data,
    text,
    training,
)
from tf_seq2seq.layers.readout import selected
from tf_seq2seq.models import steps

TIED = {"tie_embeddings": True, "readout_units": 5, "readout_activation": None}
WORDS = 13  # in the labels of `random_batch()`


def trained(system, loss, all_logits, optimizer=None, **options):
    """Take a training step and a test step; return all results, and the shape of the logits."""
    keras.utils.set_random_seed(1)
    model = small_model(system, **options)
    model.compile(keras.optimizers.SGD(1.0) if optimizer is None else optimizer(), loss)
    inputs, labels = tf.nest.map_structure(tf.constant, random_batch())
    with mock.patch.object(steps, "_needs_words_alone", lambda _: not all_logits):
        value, logits, _ = steps.train_step(model, inputs, labels)
        results = [value, *model.get_metrics_result().values()]
        model.reset_metrics()
        steps.test_step(model, inputs, labels)
    return [*results, *model.get_metrics_result().values(), *model.get_weights()], logits.shape


@pytest.mark.parametrize(
    ("system", "average", "smoothing", "options"),
    [
        ("initial_state", "tokens", 0.1, {"num_layers": 2}),
        ("context_and_previous", "sentences", 0.0, TIED),
        ("additive_current", "tokens", 0.1, TIED),
        ("additive_previous", "sentences", 0.1, {"cell": "lstm"}),
    ],
)
def test_loss_metrics_and_update_are_those_of_all_logits(system, average, smoothing, options):
    loss = SequenceCrossEntropy(average, smoothing)
    expected, shape = trained(system, loss, True, **options)
    assert shape == (3, 5, 15)
    found, shape = trained(system, loss, False, **options)
    assert shape == (WORDS, 15)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class MyLoss(SequenceCrossEntropy):
    pass


class MyAccuracy(TokenAccuracy):
    pass


class MyDecoder(Decoder):
    def call(self, target, initial_state, encoded, training=None):
        return super().call(target, initial_state, encoded, training=training)


class MyModel(Seq2Seq):
    def call(self, inputs, training=None):
        return super().call(inputs, training=training)


class Regularized(Seq2Seq):
    def compute_loss(self, x, y, y_pred, sample_weight, training):
        assert len(y_pred.shape) == 3
        return super().compute_loss(x, y, y_pred, sample_weight, training)


@pytest.mark.parametrize(
    ("kind", "decoder", "options", "rank"),
    [
        (Seq2Seq, Decoder, {}, 2),
        (Seq2Seq, Decoder, {"metrics": [Perplexity("p")]}, 2),
        (Seq2Seq, Decoder, {"metrics": [Perplexity(), MyAccuracy()]}, 3),
        (Seq2Seq, Decoder, {"metrics": [], "weighted_metrics": [Perplexity()]}, 3),
        (Seq2Seq, Decoder, {"loss": MyLoss(), "metrics": []}, 3),
        (MyModel, Decoder, {}, 3),
        (Seq2Seq, MyDecoder, {}, 3),
        (Regularized, Decoder, {}, 3),
    ],
)
def test_whoever_could_notice_gets_all_logits(kind, decoder, options, rank):
    model = kind(Encoder(20, 4), decoder(15, 4, attention=BahdanauAttention(4)))
    model.compile("sgd", **options)
    inputs, labels = tf.nest.map_structure(tf.constant, random_batch())
    _, logits, _ = steps.train_step(model, inputs, labels)
    assert logits.shape == ((WORDS, 15) if rank == 2 else (3, 5, 15))


def test_xla_gets_all_logits():
    model = small_model("context_and_previous")
    model.compile("sgd")
    inputs, labels = tf.nest.map_structure(tf.constant, random_batch())

    @tf.function(jit_compile=True, autograph=False)
    def shape():
        return tf.shape(steps._call(model, inputs, labels, (), None, training=True)[0])

    assert shape().numpy().tolist() == [3, 5, 15]


def test_a_batch_without_words():
    model = small_model("additive_previous")
    model.compile("sgd")
    inputs, labels = tf.nest.map_structure(tf.constant, random_batch())
    loss, logits, _ = steps.train_step(model, inputs, 0 * labels)
    assert loss == 0
    assert logits.shape == (0, 15)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_selected_vectors_and_their_gradients():
    vectors = tf.random.normal([2, 3, 4])
    select = tf.constant([[True, False, True], [False, False, True]])
    results = []
    for function in (selected, tf.boolean_mask):
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            taken = function(vectors, select)
            total = tf.reduce_sum(taken * tf.reshape(tf.range(12.0), [3, 4]))
        results.append((taken, tf.convert_to_tensor(tape.gradient(total, vectors))))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("fit", ["keras", "training"])
def test_one_trace_for_all_shapes(fit, tmp_path, monkeypatch):
    traces, train_step = [], steps.train_step
    monkeypatch.setattr(
        steps, "train_step", lambda *args, **kw: traces.append(args) or train_step(*args, **kw)
    )
    pairs = data.copy_corpus("abcdef", lengths=(1, 9), train=40, dev=1, test=1).train
    tokenizer = text.WordTokenizer()
    tokenizer.adapt(pairs.source)
    summaries = []
    batches = data.batches(pairs, tokenizer, tokenizer, batch_size=6, report=summaries.append)
    model = small_model("initial_state")
    model.compile("sgd")
    if fit == "keras":
        model.fit(batches, verbose=0, shuffle=False)
    else:
        training.fit(model, batches, epochs=1, directory=tmp_path)
    assert len(summaries[0].shapes) > 3
    assert len(traces) == 1
