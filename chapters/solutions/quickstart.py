"""Solutions of the exercises of the quickstart."""

import numpy as np

import tf_seq2seq as s2s


def exercise_1(test=200):
    """Without its end, a translation has no wrong words, but BLEU punishes it for its length."""
    references = s2s.data.synthetic_corpus(train=10, test=test).test.target
    return {
        cut: s2s.evaluation.bleu([r[: len(r) - cut] for r in references], references).value
        for cut in (0, 1, 3)
    }


def exercise_2(share=0.9, sizes=(100, 1000), samples=1000):
    """With ten times as many sentences, the interval is a third as wide."""
    rng = np.random.default_rng(1)
    half_widths = {}
    for size in sizes:
        right = np.arange(size) < share * size
        means = [100 * rng.choice(right, size).mean() for _ in range(samples)]
        low, high = np.percentile(means, [2.5, 97.5])
        half_widths[size] = (high - low) / 2
    return half_widths


def exercise_3(train=5000, test=100):
    """54 BLEU: half of it is style. The exact words have to be translated."""
    corpus = s2s.data.synthetic_corpus(train=train, test=test)
    known = [(set(source.split()), target) for source, target in corpus.train]

    def translate(sentence):
        words = set(sentence.split())
        return max(known, key=lambda pair: len(words & pair[0]) / len(words | pair[0]))[1]

    found = [translate(source) for source in corpus.test.source]
    return s2s.evaluation.bleu(found, corpus.test.target).value
