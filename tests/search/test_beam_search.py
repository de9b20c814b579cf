"""Beam search against the enumeration of all sequences and against forced decoding."""

import re

import numpy as np
import pytest
import tensorflow as tf
from helpers import SYSTEMS, defaults, pad_columns, random_batch, small_model
from toy_search import (
    EOS,
    LENGTH,
    LETTERS,
    ROWS,
    SIZE,
    UNK,
    enumerate_all,
    random_models,
    read,
    step_of,
)

from tf_seq2seq import InputError, LanguageModel, search
from tf_seq2seq.search.constraints import NO_CONSTRAINTS


def score_all(sequences, log_p, coverage, length_penalty=0.0, coverage_penalty=0.0):
    lengths = np.array([len(ids) for ids in sequences])
    penalty = lengths if length_penalty == "average" else ((5 + lengths) / 6) ** length_penalty
    return log_p / penalty + coverage_penalty * np.log(np.minimum(coverage, 1)).sum(-1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"length_penalty": 0.8},
        {"length_penalty": "average"},
        {"coverage_penalty": 0.7},
        {"length_penalty": 1.2, "coverage_penalty": 0.2},
    ],
    ids=str,
)
def test_equals_the_best_of_all_sequences_of_200_models(options):
    tables = random_models()
    sequences, log_p, coverage = enumerate_all(*tables)
    scores = score_all(sequences, log_p, coverage, **options)
    ended = np.array([ids[-1] == EOS for ids in sequences])
    order = np.argsort(np.where(ended, -scores, np.inf), axis=1, kind="stable")[:, :3]

    step, state = step_of(*tables, width=130)
    mask = tf.fill([ROWS, 3], True)
    found = search.beam(
        step, state, ROWS, LENGTH, width=130, n_best=3, aligned=True, source_mask=mask, **options
    )
    for row in range(ROWS):
        best = [[i for i in ids if i] for ids in found.ids[row].numpy().tolist()]
        assert best == [list(sequences[place]) for place in order[row]]
    np.testing.assert_allclose(found.scores, np.take_along_axis(scores, order, 1), atol=1e-5)
    np.testing.assert_allclose(
        found.log_probabilities, np.take_along_axis(log_p, order, 1), atol=1e-5
    )
    np.testing.assert_allclose(
        found.alignment.numpy().sum(2),
        np.take_along_axis(coverage, order[:, :, None], 1),
        atol=1e-5,
        err_msg="the attention weights belong to the hypothesis",
    )


def fork():
    """A model that prefers c to d as the first letter, but then is unsure how to continue."""
    words = {"": "ccccccdddd", "c": "aaaooouuue", "d": "o", "do": "g"}

    def step(ids, prefixes):
        rows = []
        prefixes = [
            prefix.decode() + (LETTERS[i] if i > EOS else "")
            for prefix, i in zip(prefixes.numpy(), ids.numpy(), strict=True)
        ]
        for prefix in prefixes:
            letters = words.get(prefix, "")
            counts = np.array([letters.count(x) if len(x) == 1 else 0 for x in LETTERS], float)
            counts[EOS] += not letters
            rows.append(np.log(counts / counts.sum() + 1e-9))
        return tf.constant(np.array(rows), tf.float32), None, tf.constant(prefixes)

    return step


def test_finds_the_word_that_greedy_misses():
    start = tf.constant([""])
    assert read(search.greedy(fork(), start, 1, 6)) in (["ca"], ["co"], ["cu"])
    found = search.beam(fork(), start, 1, 6, width=2, n_best=2)
    assert read(found.best()) == ["dog"]
    np.testing.assert_allclose(found.scores[0], np.log([0.4, 0.18]), rtol=1e-4)


def test_stops_as_soon_as_nothing_better_can_follow():
    steps = []
    inner = fork()

    def step(ids, state):
        steps.append(len(steps))
        return inner(ids, state)

    search.beam(step, tf.constant([""]), 1, 50, width=2)
    assert len(steps) == 4  # d, o, g, <eos>


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, "average"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_width_one_equals_greedy(system, length_penalty):
    model = small_model(system, "lstm", num_layers=2, bidirectional=True)
    source = random_batch()[0]["source"]
    state, memory = model.encode(source)
    aligned = model.decoder.attention is not None

    def step(ids, state):
        return model.decoder.step(ids, state, memory)

    greedy = search.greedy(step, state, 3, 9, aligned=aligned)
    beam = search.beam(
        step, state, 3, 9, width=1, aligned=aligned, length_penalty=length_penalty
    ).best()
    for ours, theirs in zip(beam, greedy, strict=True):
        if theirs is not None:
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def search_in(model, source, width=4, **options):
    """Beam search over a small model, for any shape of `source`."""
    aligned = model.decoder.attention is not None
    state, memory = model.encode(source)
    memory = search.repeat_rows(memory, width)
    return search.beam(
        lambda ids, state: model.decoder.step(ids, state, memory),
        state,
        tf.shape(source)[0],
        9,
        width=width,
        n_best=3,
        aligned=aligned,
        source_mask=tf.constant(source) != 0,
        coverage_penalty=0.3 if aligned else 0.0,
        **options,
    )


@pytest.mark.parametrize("system", ["context_alone", "additive_current", "dot_previous"])
def test_a_row_does_not_depend_on_the_others_nor_on_padding(system):
    model = small_model(system)
    source = random_batch()[0]["source"]
    together = search_in(model, pad_columns(source, 3), length_penalty=0.6)
    for row in range(3):
        alone = search_in(
            model, source[row : row + 1, : np.sum(source[row] > 0)], length_penalty=0.6
        )
        length = alone.ids.shape[2]
        np.testing.assert_array_equal(together.ids[row, :, :length], alone.ids[0])
        assert not np.any(together.ids[row, :, length:])
        np.testing.assert_array_equal(together.lengths[row], alone.lengths[0])
        np.testing.assert_allclose(together.scores[row], alone.scores[0], atol=1e-5)
        if alone.alignment is not None:
            width = alone.alignment.shape[3]
            np.testing.assert_allclose(
                together.alignment[row, :, :length, :width], alone.alignment[0], atol=1e-5
            )


@pytest.mark.parametrize("system", ["initial_state", "additive_current", "additive_previous"])
def test_n_best_have_the_log_probabilities_and_weights_of_forced_decoding(system):
    model = small_model(system, "gru", num_layers=2)
    source = random_batch()[0]["source"]
    found = search_in(model, source, length_penalty=1.0)
    aligned = found.alignment is not None
    state, memory = search.repeat_rows(model.encode(source), 3)
    target = tf.reshape(found.ids, [9, -1])
    forced = search.forced(
        lambda ids, state: model.decoder.step(ids, state, memory), state, target, aligned=aligned
    )
    np.testing.assert_array_equal(forced.ids, target)
    np.testing.assert_array_equal(forced.lengths, tf.reshape(found.lengths, [9]))
    np.testing.assert_allclose(forced.scores, tf.reshape(found.log_probabilities, [9]), atol=1e-5)
    if aligned:
        np.testing.assert_allclose(
            forced.alignment, tf.reshape(found.alignment, forced.alignment.shape), atol=1e-5
        )


def test_scores_are_in_descending_order_and_hypotheses_differ():
    found = search_in(small_model("additive_current"), random_batch()[0]["source"])
    assert np.all(np.diff(found.scores, axis=1) <= 0)
    for row in found.ids.numpy():
        assert len({tuple(ids) for ids in row}) == 3


def test_cut_off_hypotheses_come_after_finished_ones():
    logits = np.full([1, LENGTH, SIZE ** (LENGTH - 1), SIZE], -9.0, "float32")
    logits[..., 4], logits[..., 5] = 0, -8
    step, state = step_of(logits, np.zeros([*logits.shape[:3], 3], "float32"), width=2)
    found = search.beam(step, state, 1, LENGTH, width=2, n_best=2)
    np.testing.assert_array_equal(found.ids[0, :, :], [[4, 4, 4, 4], [4, 4, 4, 5]])
    logits[:, 0, :, EOS] = -0.5
    step, state = step_of(logits, np.zeros([*logits.shape[:3], 3], "float32"), width=2)
    found = search.beam(step, state, 1, LENGTH, width=2, n_best=2)
    np.testing.assert_array_equal(found.ids[0], [[3, 0, 0, 0], [4, 4, 4, 4]])
    np.testing.assert_array_equal(found.lengths[0], [1, 4])


def test_fewer_hypotheses_than_asked_for():
    logits = np.full([1, LENGTH, SIZE ** (LENGTH - 1), SIZE], -np.inf, "float32")
    logits[..., EOS] = 0
    step, state = step_of(logits, np.zeros([*logits.shape[:3], 3], "float32"), width=3)
    found = search.beam(step, state, 1, LENGTH, width=3, n_best=3, aligned=True)
    np.testing.assert_array_equal(found.ids[0], [[3], [0], [0]])
    np.testing.assert_array_equal(found.scores[0], [0, -np.inf, -np.inf])
    np.testing.assert_array_equal(found.lengths[0], [1, 0, 0])


def test_rows_that_are_finished_have_one_empty_hypothesis():
    step, state = step_of(*random_models(2), width=3)
    found = search.beam(
        step, state, 2, LENGTH, width=3, n_best=2, finished=tf.constant([False, True])
    )
    alone_step, alone_state = step_of(*random_models(1), width=3)
    alone = search.beam(alone_step, alone_state, 1, LENGTH, width=3, n_best=2)
    np.testing.assert_array_equal(found.ids[0], alone.ids[0])
    assert not np.any(found.ids[1])
    np.testing.assert_array_equal(found.scores[1], [0, -np.inf])
    np.testing.assert_array_equal(found.lengths[1], [0, 0])


def test_empty_batch():
    found = search_in(small_model("additive_current"), np.zeros((0, 4), int))
    assert found.ids.shape[:2] == (0, 3)
    assert found.scores.shape == (0, 3)
    assert found.alignment.shape[0] == 0


def test_in_a_graph_with_unknown_shapes():
    model = small_model("additive_current")
    source = random_batch()[0]["source"]
    graph = tf.function(
        lambda source: search_in_graph(model, source),
        input_signature=[tf.TensorSpec([None, None], tf.int64)],
    )
    eager = search_in(model, source)
    for ours, theirs in zip(graph(source), eager, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def search_in_graph(model, source):
    state, memory = model.encode(source)
    memory = search.repeat_rows(memory, 4)
    return search.beam(
        lambda ids, state: model.decoder.step(ids, state, memory),
        state,
        tf.shape(source)[0],
        9,
        width=4,
        n_best=3,
        aligned=True,
        source_mask=source != 0,
        coverage_penalty=0.3,
    )


def test_a_language_model():
    model = LanguageModel(vocabulary_size=12, units=6)
    start = tf.constant([5, 7])
    found = search.beam(model.step, model.initial_state(2), 2, 6, width=3, start=start).best()
    # All sequences of up to two ids, which a beam of 120 cannot miss.
    words = [UNK, *range(4, 12)]
    all_ids = [[EOS, 0], *([word, EOS] for word in words)]
    state = model.initial_state(1)
    for row in range(2):
        best = search.beam(
            model.step, state, 1, 2, width=120, start=start[row : row + 1], n_best=10
        )
        scores = [
            search.forced(model.step, state, tf.constant([ids]), start=start[row : row + 1]).scores
            for ids in all_ids
        ]
        np.testing.assert_allclose(best.scores[0], np.sort(scores, axis=0)[::-1, 0], atol=1e-5)
    forced = search.forced(model.step, model.initial_state(2), found.ids, start=start)
    np.testing.assert_allclose(found.scores, forced.scores, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"width": 0},
        {"width": 2, "n_best": 3},
        {"width": 2, "n_best": 0},
        {"width": 2, "length_penalty": -1},
        {"width": 2, "length_penalty": "mean"},
        {"width": 2, "length_penalty": float("inf")},
        {"width": 2, "max_length": 0},
        {"width": 2, "coverage_penalty": 1.0},
        {"width": 2, "coverage_penalty": -1.0},
    ],
    ids=str,
)
def test_options_out_of_range(options):
    step, state = step_of(*random_models(1))
    name = list(options)[-1]
    with pytest.raises(InputError, match=f"`{name}`.* got .*{re.escape(str(options[name]))}|needs"):
        search.beam(step, state, 1, **{"max_length": LENGTH, **options})


def test_a_scalar_in_the_state_belongs_to_all_hypotheses():
    step, state = step_of(*random_models(3), width=4)

    def counting(ids, state):
        logits, weights, inner = step(ids, state[1])
        return logits, weights, (state[0] + 1, inner)

    plain = search.beam(step, state, 3, LENGTH, width=4, n_best=2)
    counted = search.beam(counting, (tf.constant(0), state), 3, LENGTH, width=4, n_best=2)
    np.testing.assert_array_equal(plain.ids, counted.ids)
    np.testing.assert_array_equal(plain.scores, counted.scores)


def test_aligned_without_weights():
    model = LanguageModel(vocabulary_size=12, units=6)
    with pytest.raises(ValueError, match="leave `aligned` out"):
        search.beam(model.step, model.initial_state(1), 1, 3, width=2, aligned=True)
    with pytest.raises(ValueError, match="leave `aligned` out"):
        search.greedy(model.step, model.initial_state(1), 1, 3, aligned=True)


def test_the_defaults():
    assert defaults(search.beam) == {
        "prefix": None,
        "aligned": False,
        "finished": None,
        "start": None,
        "constraints": NO_CONSTRAINTS,
        "n_best": 1,
        "length_penalty": 0.0,
        "coverage_penalty": 0.0,
        "source_mask": None,
        "memory": None,
    }


def random_prefixes(rows, seed=1):
    """Words with which the sequences of each row begin, of lengths from 0 to LENGTH."""
    rng = np.random.default_rng(seed)
    prefixes = rng.choice([UNK, 4, 5], (rows, LENGTH))
    prefixes[np.arange(LENGTH) >= rng.integers(0, LENGTH + 1, rows)[:, None]] = 0
    return prefixes


def test_equals_the_best_of_all_sequences_that_begin_with_a_prefix():
    tables, prefixes = random_models(), random_prefixes(ROWS)
    sequences, log_p, coverage = enumerate_all(*tables)
    scores = score_all(sequences, log_p, coverage, length_penalty=0.8)
    step, state = step_of(*tables, width=130)
    found = search.beam(
        step, state, ROWS, LENGTH, width=130, n_best=2, length_penalty=0.8, prefix=prefixes
    )
    for row, prefix in enumerate(prefixes):
        begun = [i for i in prefix.tolist() if i]
        fits = [
            place
            for place, ids in enumerate(sequences)
            if list(ids[: len(begun)]) == begun and ids[-1] == EOS
        ]
        best = sorted(fits, key=lambda place: -scores[row, place])[:2]
        if len(begun) == LENGTH:  # which is cut off
            best = [sequences.index(tuple(begun))]
        for n, place in enumerate(best):
            ids = [i for i in found.ids[row, n].numpy().tolist() if i]
            assert ids == list(sequences[place])
            np.testing.assert_allclose(found.scores[row, n], scores[row, place], atol=1e-5)


def test_an_end_in_the_prefix_ends_the_row():
    step, state = step_of(*random_models(3))
    prefix = [[4, EOS, 0], [EOS, 0, 0], [0, 0, 0]]
    options = {"width": 3, "n_best": 2, "length_penalty": 1.0}
    repeated, repeated_state = step_of(*random_models(3), width=3)
    found = search.beam(repeated, repeated_state, 3, LENGTH, prefix=prefix, **options)
    assert found.ids[0, 0].numpy().tolist()[:3] == [4, EOS, 0]
    assert found.lengths[:2].numpy().tolist() == [[2, 0], [1, 0]]
    greedy = search.greedy(step, state, 3, LENGTH, prefix=prefix)
    assert greedy.lengths[:2].numpy().tolist() == [2, 1]
    np.testing.assert_allclose(
        found.log_probabilities[:2, 0], greedy.scores[:2], atol=1e-5, rtol=1e-5
    )
