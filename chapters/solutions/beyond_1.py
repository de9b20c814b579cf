"""Solutions of the exercises of the first chapter beyond the book."""

import numpy as np

import tf_seq2seq as s2s
from solutions._strings import exact_match

SYSTEMS = {
    "c alone": {"feeding": "context"},
    "c as the first state": {"feeding": "initial_state"},
    "c and the previous word": {"feeding": "context_and_previous"},
    "dot attention": {"attention": s2s.DotAttention},
    "additive attention": {"attention": lambda: s2s.BahdanauAttention(32)},
}


def exercise_1(size=20, units=32):
    """In this order: a context alone needs no embeddings, and attention has weights of its own."""
    counts = {}
    for name, options in SYSTEMS.items():
        if "attention" in options:
            options = {"attention": options["attention"]()}
        model = s2s.Seq2Seq(s2s.Encoder(size, units), s2s.Decoder(size, units, **options))
        counts[name] = model.count_params()
    return counts


def accuracy_by_part(predicted, true, parts):
    """Return the share of right symbols in each part of strings `(strings, length)`."""
    return [part.mean() for part in np.array_split(predicted == true, parts, axis=1)]


def exercise_2(strings=1000, length=12, kept=0.9):
    """If each later symbol overwrote a tenth of the earlier ones, the last part would be best."""
    rng = np.random.default_rng(1)
    true = rng.integers(8, size=(strings, length))
    survives = rng.random(true.shape) < kept ** np.arange(length)[::-1]
    predicted = np.where(survives, true, rng.integers(8, size=true.shape))
    return accuracy_by_part(predicted, true, parts=3)


def exercise_3(widths=(32, 128), train=4000, **sizes):
    """1% with 32 units and 60% with 128: a wider context holds more symbols."""
    corpus = s2s.data.copy_corpus("abcdefgh", lengths=(1, 8), train=train, dev=100, test=200)
    return {units: exact_match(corpus, units=units, **sizes) for units in widths}
