"""Constraints against the enumeration of all sequences."""

import itertools

import numpy as np
import pytest
from toy_search import EOS, LENGTH, UNK, enumerate_all, random_models, step_of

from tf_seq2seq import search
from tf_seq2seq.search import Constraints

CONSTRAINTS = {
    "min_length": (Constraints(min_length=2), lambda ids: len(ids) > 2),
    "no_unknown": (Constraints(forbid_unknown=True), lambda ids: UNK not in ids),
    "unigrams": (Constraints(no_repeat_ngram=1), lambda ids: len(set(ids)) == len(ids)),
    "bigrams": (
        Constraints(no_repeat_ngram=2),
        lambda ids: len(set(itertools.pairwise(ids))) == len(ids) - 1,
    ),
    "all": (
        Constraints(min_length=1, no_repeat_ngram=1, forbid_unknown=True),
        lambda ids: len(ids) > 1 and UNK not in ids and len(set(ids)) == len(ids),
    ),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_equals_the_best_of_the_allowed_sequences(name):
    constraints, allowed = CONSTRAINTS[name]
    tables = random_models(40, seed=1)
    sequences, log_p, _ = enumerate_all(*tables, allowed)
    ended = np.array([ids[-1] == EOS for ids in sequences])
    best = np.argmax(np.where(ended, log_p, -np.inf), axis=1)
    step, state = step_of(*tables, width=130)
    found = search.beam(step, state, 40, LENGTH, width=130, constraints=constraints).best()
    for row in range(40):
        assert [i for i in found.ids[row].numpy() if i] == list(sequences[best[row]])
    np.testing.assert_allclose(found.scores, log_p[range(40), best], atol=1e-5)


@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("write", [search.greedy, search.sample])
def test_greedy_and_sampled_sequences_keep_the_constraints(write, name):
    constraints, allowed = CONSTRAINTS[name]
    step, state = step_of(*random_models(100, seed=2))
    found = write(step, state, 100, LENGTH, constraints=constraints)
    free = write(step, state, 100, LENGTH)
    rows = [tuple(int(i) for i in row if i) for row in found.ids.numpy()]
    assert all(map(allowed, rows))
    assert not all(allowed(tuple(int(i) for i in row if i)) for row in free.ids.numpy())


def test_a_sequence_ends_where_nothing_else_is_left():
    step, state = step_of(*random_models(20, seed=3))
    constraints = Constraints(min_length=4, no_repeat_ngram=1, forbid_unknown=True)
    found = search.greedy(step, state, 20, LENGTH, constraints=constraints)
    np.testing.assert_array_equal(found.lengths, [3] * 20)  # two words and <eos>
    assert np.all(np.isfinite(found.scores))


def test_constraints_out_of_range():
    for name in ("min_length", "no_repeat_ngram"):
        with pytest.raises(ValueError, match=f"{name}.*-1"):
            Constraints(**{name: -1})
