"""Rows that are finished are dropped, and the results are those of a search that keeps them."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import small_model
from toy_search import LETTERS, read

from tf_seq2seq import search
from tf_seq2seq.search.rows import FEW

EOS_ONLY = tf.one_hot(3, 15)
WORDS = [("abcdefghijk" * 3)[: 1 + row % 11 + 11 * (row % 3 == 2)] for row in range(2 * FEW)]


def speller(seen, width=1):
    """A step function that spells the words in its memory, and their ids as the memory."""
    table = np.full((len(WORDS), 30), 3)
    for row, word in enumerate(WORDS):
        table[row, : len(word)] = [LETTERS.index(letter) for letter in word]

    def step(ids, position, table):
        seen.append(len(ids))
        column = tf.gather(search.repeat_rows(table, width), position, batch_dims=1)
        weights = tf.one_hot(position, 30)
        return 5.0 * tf.one_hot(column, len(LETTERS)), weights, position + 1

    return step, tf.zeros([len(WORDS)], tf.int32), tf.constant(table)


def test_greedy_search_takes_steps_only_with_the_rows_that_are_left():
    seen = []
    step, state, memory = speller(seen)
    found = search.greedy(step, state, len(WORDS), 30, memory=memory, aligned=True)
    assert read(found) == WORDS
    log_p = 5 - np.log(np.exp(5) + len(LETTERS) - 1)
    np.testing.assert_allclose(found.scores, log_p * found.lengths.numpy(), rtol=1e-5)
    for row, length in enumerate(found.lengths):
        np.testing.assert_array_equal(found.alignment[row, :length, :length], np.eye(length))
        assert not np.any(found.alignment[row, length:])
    left = [sum(len(word) >= t for word in WORDS) for t in range(len(seen))]
    # At most twice as many as needed, until there are only a few.
    assert all(rows < max(2 * needed + 2, FEW) for rows, needed in zip(seen, left, strict=True))
    assert min(seen) < FEW < max(seen) == len(WORDS)


def test_beam_search_takes_steps_only_with_the_rows_that_are_left():
    seen = []
    step, state, memory = speller(seen, width=2)
    options = {"width": 2, "memory": memory, "aligned": True}
    found = search.beam(step, state, len(WORDS), 30, **options).best()
    assert read(found) == WORDS
    for row, length in enumerate(found.lengths):
        np.testing.assert_array_equal(found.alignment[row, :length, :length], np.eye(length))
    assert min(seen) < FEW < max(seen) == 2 * len(WORDS)


def test_rows_that_are_finished_at_the_start_are_dropped():
    seen = []
    step, state, memory = speller(seen)
    finished = tf.range(len(WORDS)) > 0
    found = search.greedy(step, state, len(WORDS), 30, memory=memory, finished=finished)
    assert read(found) == [WORDS[0], *[""] * (len(WORDS) - 1)]
    assert seen == [len(WORDS), 1]


OPTIONS = {
    "greedy": {},
    "constraints": {"constraints": search.Constraints(no_repeat_ngram=2, min_length=2)},
    "beam": {"width": 3, "n_best": 3, "length_penalty": 1.0},
    "coverage": {"width": 3, "coverage_penalty": 0.3},
    "constrained beam": {"width": 3, "constraints": search.Constraints(no_repeat_ngram=1)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_results_are_those_of_a_search_that_keeps_all_rows(options):
    model = small_model("additive_previous", "lstm", bidirectional=True)
    source = np.random.default_rng(2).integers(4, 20, (FEW + 2, 5))
    early = tf.constant(np.arange(FEW + 2) % 4 > 0)  # three of four rows end after two steps
    width, seen = options.get("width", 1), []

    def run(drops):
        take_step = model.stepper(width)

        def step(ids, state, memory):
            state, t = state
            memory, early = memory
            seen.append(len(ids))
            logits, weights, state = take_step(ids, state, memory)
            ends = search.repeat_rows(early, width) & (t >= 2)
            return logits + 20.0 * tf.where(ends[:, None], EOS_ONLY, 0.0), weights, (state, t + 1)

        state, memory = model.encode(source)
        state, memory = (state, tf.zeros([len(source)])), (memory, early)
        given = {"aligned": True, **options}
        if "coverage_penalty" in options:
            given["source_mask"] = source > 0
        write = search.greedy if width == 1 else search.beam
        if drops:
            return write(step, state, len(source), 9, memory=memory, **given)
        return write(lambda ids, state: step(ids, state, memory), state, len(source), 9, **given)

    dropped, kept = run(True), run(False)
    assert min(seen) < max(seen), "some rows were dropped"
    for ours, theirs in zip(dropped, kept, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("size", [None, FEW + 2], ids=["any batch", "one batch size"])
def test_rows_are_dropped_in_a_graph(size):
    model = small_model("initial_state")

    @tf.function(input_signature=[tf.TensorSpec([size, None], tf.int32)], autograph=False)
    def translate(source):
        state, memory = model.encode(source)
        rows = tf.shape(source)[0]
        return search.greedy(model.stepper(), state, rows, 6, memory=memory).ids

    source = np.random.default_rng(0).integers(4, 20, (FEW + 2, 5))
    state, memory = model.encode(source)
    step = model.stepper()
    kept = search.greedy(lambda ids, state: step(ids, state, memory), state, len(source), 6)
    np.testing.assert_array_equal(translate(tf.constant(source, tf.int32)), kept.ids)
