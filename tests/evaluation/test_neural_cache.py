import numpy as np
import pytest
import tensorflow as tf

import tf_seq2seq as s2s
from tf_seq2seq.evaluation import NeuralCache

IDS = np.random.default_rng(3).integers(1, 9, 60)


@pytest.fixture(scope="module")
def model():
    model = s2s.LanguageModel(vocabulary_size=9, units=5)
    for weight in model.trainable_variables:
        weight.assign(np.random.default_rng(1).normal(size=weight.shape))
    return model


def slow_perplexity(model, inputs, labels, cache):
    """Compute the distribution of every word, one at a time."""
    features, _ = model.features(inputs)
    of_model = tf.nn.softmax(model.logits(features)).numpy()
    h, losses = features.numpy(), []
    for row in range(len(labels)):
        for t, label in enumerate(labels[row]):
            if label == 0:
                continue
            distribution = of_model[row, t].astype("float64")
            before = [i for i in range(max(0, t - cache.size), t) if labels[row, i] > 0]
            if before:
                scores = np.exp([cache.flatness * h[row, t] @ h[row, i] for i in before])
                of_cache = np.zeros(9)
                for i, score in zip(before, scores / scores.sum(), strict=True):
                    of_cache[labels[row, i]] += score
                distribution = (1 - cache.share) * distribution + cache.share * of_cache
            np.testing.assert_allclose(distribution.sum(), 1, atol=1e-5)
            losses.append(-np.log(distribution[label]))
    return np.exp(np.mean(losses))


CACHES = [NeuralCache(7, 0.5, 0.3), NeuralCache(1, 2.0, 0.5), NeuralCache(1000, 0.0, 0.9)]


@pytest.mark.parametrize(
    ("cache", "batch_size", "length"),
    [(CACHES[0], 1, 59), (CACHES[0], 2, 4), (CACHES[1], 1, 10), (CACHES[2], 1, 10)],
)
def test_equals_one_word_at_a_time(model, cache, batch_size, length):
    batches = s2s.data.text_batches(IDS, batch_size, length)
    inputs, labels = (np.concatenate(each, axis=1) for each in zip(*batches, strict=True))
    expected = slow_perplexity(model, inputs, labels, cache)
    assert cache.perplexity(model, batches) == pytest.approx(expected, rel=1e-5)


def test_it_is_traced_once(monkeypatch):
    model, traces = s2s.LanguageModel(vocabulary_size=9, units=5), []
    features = model.features
    monkeypatch.setattr(model, "features", lambda *x, **y: traces.append(0) or features(*x, **y))
    NeuralCache(7, 0.5, 0.3).perplexity(model, s2s.data.text_batches(IDS[:57], 1, 8))
    assert len(traces) == 1


def test_padding_is_neither_predicted_nor_remembered(model):
    labels = IDS[None, 1:].copy()
    labels[0, 5:9] = 0
    batches = tf.data.Dataset.from_tensors((IDS[None, :-1], labels))
    cache = NeuralCache(7, 0.5, 0.3)
    expected = slow_perplexity(model, IDS[None, :-1], labels, cache)
    assert cache.perplexity(model, batches) == pytest.approx(expected, rel=1e-5)


def test_without_a_share_it_is_the_model(model):
    batches = s2s.data.text_batches(IDS, 1, 20)
    model.compile()
    expected = s2s.training.evaluate(model, batches)["perplexity"]
    assert NeuralCache(share=0).perplexity(model, batches) == pytest.approx(expected, rel=1e-5)


def test_half_precision_is_about_the_same(model):
    half = s2s.LanguageModel(vocabulary_size=9, units=5, dtype="mixed_bfloat16")
    half.set_weights(model.get_weights())
    batches = s2s.data.text_batches(IDS, 1, 20)
    expected = CACHES[0].perplexity(model, batches)
    assert CACHES[0].perplexity(half, batches) == pytest.approx(expected, rel=0.05)


def test_tuning_finds_the_best_of_all(model):
    batches = s2s.data.text_batches(IDS, 1, 20)
    tried = [NeuralCache(9, flatness, share) for flatness in (0.0, 1.0) for share in (0.1, 0.6)]
    best = min(tried, key=lambda cache: cache.perplexity(model, batches))
    found = NeuralCache.tuned(model, batches, 9, flatnesses=(0.0, 1.0), shares=(0.1, 0.6))
    assert found == best


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "`size` must be"),
        ({"flatness": -0.1}, "`flatness` must be"),
        ({"share": 1.0}, "`share` must be"),
    ],
)
def test_out_of_range(arguments, message):
    with pytest.raises(s2s.InputError, match=message):
        NeuralCache(**arguments)


def test_misuse(model):
    batches = s2s.data.text_batches(IDS, 1, 20)
    with pytest.raises(s2s.InputError, match="`model` must be a LanguageModel, got 'x'"):
        NeuralCache().perplexity("x", batches)
    with pytest.raises(s2s.InputError, match="the dataset is empty"):
        NeuralCache().perplexity(model, batches.take(0))
    with pytest.raises(s2s.InputError, match="at least one value"):
        NeuralCache.tuned(model, batches, shares=())
