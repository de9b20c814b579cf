"""Step functions whose best sequences are known, for the tests of the search."""

import itertools

import numpy as np
import tensorflow as tf

LETTERS = ["<pad>", "<unk>", "<sos>", "<eos>", *"abcdefghijklmnopqrstuvwxyz"]
UNK, SOS, EOS = 1, 2, 3
ROWS, SIZE, LENGTH = 200, 6, 4  # models, ids (two of them are words), longest sequence
WORDS = (UNK, 4, 5)
ALL = [
    *((*words, EOS) for n in range(LENGTH) for words in itertools.product(WORDS, repeat=n)),
    *itertools.product(WORDS, repeat=LENGTH),  # cut off
]


def read(sequences):
    return [
        "".join(LETTERS[i] for i in row[:length] if i != 3)
        for row, length in zip(sequences.ids.numpy(), sequences.lengths.numpy(), strict=True)
    ]


def random_models(rows=ROWS, seed=0):
    """Logits and attention weights by row, step and what was written before."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, LENGTH, SIZE ** (LENGTH - 1), SIZE)).astype("float32")
    weights = rng.dirichlet([0.3] * 3, logits.shape[:3]).astype("float32")
    return logits, weights


def step_of(logits, weights, width=1):
    """The tables as a step function, whose state says where in them each row is."""
    logits, weights = (tf.constant(np.repeat(table, width, axis=0)) for table in (logits, weights))

    def step(ids, state):
        t, prefix = state
        prefix = tf.where(t == 0, 0, prefix * SIZE + ids)
        place = tf.stack([tf.range(tf.size(ids)), t, prefix], axis=1)
        return tf.gather_nd(logits, place), tf.gather_nd(weights, place), (t + 1, prefix)

    return step, (tf.zeros([logits.shape[0] // width], tf.int32),) * 2


def enumerate_all(logits, weights, allowed=lambda ids: True):
    """All allowed sequences: their log probabilities and coverage, each by row and sequence."""
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    sequences = [ids for ids in ALL if allowed(ids)]
    totals, coverage = [], []
    for ids in sequences:
        prefixes = [int("0" + "".join(map(str, ids[:t])), SIZE) for t in range(len(ids))]
        places = list(zip(range(len(ids)), prefixes, strict=True))
        totals.append(sum(log_p[:, t, p, i] for (t, p), i in zip(places, ids, strict=True)))
        coverage.append(sum(weights[:, t, p] for t, p in places))
    return sequences, np.stack(totals, 1), np.stack(coverage, 1)
