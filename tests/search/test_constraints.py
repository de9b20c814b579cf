"""Constraints against the enumeration of all sequences."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers import defaults
from toy_search import EOS, LENGTH, UNK, enumerate_all, random_models, step_of

from tf_seq2seq import InputError, search
from tf_seq2seq.search import Constraints, ForbidIds
from tf_seq2seq.search.constraints import NO_CONSTRAINTS

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
        for value in (-1, 2.5, True):
            with pytest.raises(InputError, match=rf"^`{name}` must be an integer .*, got {value}"):
                Constraints(**{name: value})
    with pytest.raises(InputError, match=r"^`forbid_unknown` must be True or False, got 1"):
        Constraints(forbid_unknown=1)


class Alternating(search.Constraint):
    """Toy: never the same id twice in a row, nor 4 at first. It remembers the last id."""

    def begin(self, rows, max_length):
        return {"last": tf.fill([rows], 4)}

    def extend(self, memory, t, ids):
        return {"last": ids}

    def apply(self, memory, t, logits):
        same = tf.range(tf.shape(logits)[1]) == memory["last"][:, None]
        return tf.where(same, -float("inf"), logits)


def alternates(ids):
    return all(a != b for a, b in itertools.pairwise((4, *ids)))


def test_a_custom_constraint():
    constraints = Constraints(others=(Alternating(),), forbid_unknown=True)
    tables = random_models(30, seed=4)
    sequences, log_p, _ = enumerate_all(*tables, lambda ids: UNK not in ids and alternates(ids))
    ended = np.array([ids[-1] == EOS for ids in sequences])
    best = np.argmax(np.where(ended, log_p, -np.inf), axis=1)
    step, state = step_of(*tables, width=40)
    found = search.beam(step, state, 30, LENGTH, width=40, constraints=constraints).best()
    for row in range(30):
        assert tuple(i for i in found.ids[row].numpy() if i) == sequences[best[row]]
    step, state = step_of(*tables)
    greedy = search.greedy(step, state, 30, LENGTH, constraints=constraints)
    assert all(alternates([i for i in row if i]) for row in greedy.ids.numpy().tolist())


def test_anything_but_a_constraint_is_refused():
    with pytest.raises(InputError, match=r"`others` must be instances of .*, got 3"):
        Constraints(others=(3,))
    with pytest.raises(NotImplementedError):
        search.Constraint().apply((), 0, None)


def test_every_option_chooses_its_constraint():
    assert Constraints().chosen() == ()
    assert Constraints(
        min_length=2, no_repeat_ngram=3, forbid_unknown=True, others=[search.MinLength(5)]
    ).chosen() == (
        search.ForbidIds((UNK,)),
        search.MinLength(2),
        search.NoRepeatNgram(3),
        search.MinLength(5),
    )


@pytest.mark.parametrize("constraints", [Constraints(), Constraints(min_length=1)], ids=str)
def test_padding_and_sos_are_never_written(constraints):
    logits = tf.constant([[9.0, 1, 9, 2, 3, 4]])
    allowed = constraints.apply(constraints.begin(1, 5), tf.constant(1), logits)
    np.testing.assert_array_equal(allowed, [[-np.inf, 1, -np.inf, 2, 3, 4]])


@pytest.mark.parametrize("value", [True, 2.0, "3", None, -1])
@pytest.mark.parametrize("make", [search.MinLength, search.NoRepeatNgram, lambda v: ForbidIds([v])])
def test_arguments_of_single_constraints(make, value):
    with pytest.raises(InputError, match=f"must be an integer .*, got {value!r}"):
        make(value)
    assert hash(make(np.int64(3))) == hash(make(3))


@pytest.mark.parametrize("others", [None, search.MinLength(2)])
def test_other_constraints_are_a_tuple(others):
    with pytest.raises(InputError, match="`others` must be a tuple"):
        Constraints(others=others)


@pytest.mark.parametrize("constraints", [None, search.MinLength(2)])
def test_a_search_takes_constraints_only(constraints):
    step, state = step_of(*random_models(1, seed=1))
    for write in (search.greedy, search.sample, functools.partial(search.beam, width=2)):
        with pytest.raises(InputError, match="`constraints` must be `Constraints`"):
            write(step, state, 1, LENGTH, constraints=constraints)
        with pytest.raises(InputError, match="`aligned` must be True or False"):
            write(step, state, 1, LENGTH, aligned=1)


def test_the_defaults():
    options = {"min_length": 0, "no_repeat_ngram": 0, "forbid_unknown": False, "others": ()}
    assert defaults(Constraints) == options
    assert Constraints() == NO_CONSTRAINTS
