"""Solutions of the exercises of the second chapter beyond the book."""

import dataclasses
import itertools

import numpy as np
import tensorflow as tf

from tf_seq2seq import search
from tf_seq2seq.text import EOS_ID, SOS_ID

LENGTH, SIZE = 4, 6  # the longest sequence, and the ids: 1, 4 and 5 are words


def exercise_1(hypotheses=((-3.0, 4), (-3.6, 8)), alphas=(0.0, 0.3, 0.6, 1.0)):
    """Without a penalty the shorter one wins, but the longer one does from alpha = 0.6 on."""
    winners = {}
    for alpha in alphas:
        scores = [log_p / ((5 + length) / 6) ** alpha for log_p, length in hypotheses]
        winners[alpha] = hypotheses[int(np.argmax(scores))][1]
    return winners


def random_models(count):
    """Return tables of logits by model, step and previous id, a step function, and its state."""
    tables = np.random.default_rng(1).normal(0, 2, (count, LENGTH, SIZE, SIZE)).astype("float32")

    def step(ids, state):
        model, t = state
        place = tf.stack([model, tf.minimum(t, LENGTH - 1), ids], axis=1)
        return tf.gather_nd(tables, place), None, (model, t + 1)

    return tables, step, (tf.range(count), tf.zeros([count], tf.int32))


def log_probability_of_best(table):
    """Return the highest log probability of all sequences of a model that end."""
    log_p = table - np.log(np.exp(table).sum(axis=-1, keepdims=True))
    all_words = (itertools.product((1, 4, 5), repeat=n) for n in range(LENGTH))
    sequences = [(*words, EOS_ID) for words in itertools.chain(*all_words)]
    before = [(SOS_ID, *ids[:-1]) for ids in sequences]
    return max(
        sum(log_p[t, p, i] for t, (p, i) in enumerate(zip(previous, ids, strict=True)))
        for previous, ids in zip(before, sequences, strict=True)
    )


def exercise_2(models=100, widths=(1, 2, 4, 8)):
    """Greedy search misses the most probable sequence of many models, a wide beam of none."""
    tables, step, state = random_models(models)
    best = np.array([log_probability_of_best(table) for table in tables])
    found = {}
    for width in widths:
        hypotheses = search.beam(step, state, models, LENGTH, width=width, length_penalty=0.0)
        found[width] = float(np.mean(np.isclose(hypotheses.scores[:, 0], best, atol=1e-4)))
    return found


@dataclasses.dataclass(frozen=True)
class Distinct(search.Constraint):
    """No id occurs twice."""

    size: int

    def begin(self, rows, max_length):
        return tf.zeros([rows, self.size])

    def extend(self, memory, t, ids):
        return memory + tf.one_hot(ids, self.size)

    def apply(self, memory, t, logits):
        return tf.where(memory > 0, -float("inf"), logits)


def exercise_3(models=100):
    """The memory has a column for each id; with the constraint, no sequence repeats an id."""
    _, step, state = random_models(models)
    repeats = []
    for others in ((), (Distinct(SIZE),)):
        constraints = search.Constraints(others=others)
        found = search.greedy(step, state, models, LENGTH, constraints=constraints)
        rows = [row[row > 0] for row in found.ids.numpy()]
        repeats.append(sum(len(set(row)) < len(row) for row in rows))
    return repeats
