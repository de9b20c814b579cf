import dataclasses
import pickle
import re

import numpy as np
import pytest
import tensorflow as tf
from helpers import assert_smallest, defaults

import tf_seq2seq as s2s
from tf_seq2seq.data.word_pairs import WordPairs
from tf_seq2seq.search import Constraint, Constraints, ForbidIds, NoRepeatNgram, Shortlist
from tf_seq2seq.search.shortlist import MULTIPLE

# "the black cat sleeps" and so on, word for word.
SOURCE = [
    "the black cat sleeps",
    "the white cat eats",
    "the black dog eats",
    "the white dog sleeps",
]
MEANS = dict(zip(["the", "black", "white", "cat", "dog", "sleeps", "eats"], "DBWCGSE", strict=True))
PAIRS = s2s.data.Pairs(SOURCE, [" ".join(MEANS[x] for x in line.split()) for line in SOURCE])


def tokenizer_of(lines):
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(lines, min_count=1)
    return tokenizer


def tokenizers():
    return tokenizer_of(PAIRS.source), tokenizer_of(PAIRS.target)


def small(**changes):
    """Source words 4 and 5 with two translations each, 6 without any; 9 is frequent; 20 targets."""
    best = np.zeros([7, 2], int)
    best[4], best[5] = (10, 12), (12, 15)
    return Shortlist(**{"best": best, "frequent": [9], "target_vocabulary_size": 20, **changes})


def own(candidates, row):
    """The ids of the candidates of a sentence."""
    return set(candidates.ids.numpy()[candidates.mask.numpy()[row] == 0].tolist())


def test_the_most_probable_translations_are_learned():
    source, target = tokenizers()
    shortlist = Shortlist.learn(PAIRS, source, target, per_word=1, most_frequent=0)
    for word, meaning in MEANS.items():
        (best,) = shortlist._best.numpy()[source.vocabulary.index(word)]
        assert target.vocabulary.tokens[best] == meaning
    assert (shortlist.source_vocabulary_size, shortlist.target_vocabulary_size) == (11, 11)
    assert shortlist.per_word == 1 and shortlist.frequent.tolist() == []


def test_more_translations_come_in_the_order_of_their_probabilities():
    source, target = tokenizers()
    many = Shortlist.learn(PAIRS, source, target, per_word=9, most_frequent=3)
    words = WordPairs.of(source.encode(list(PAIRS.source)), target.encode(list(PAIRS.target)))
    t = words.target_given_source(5)
    for word in MEANS:
        x = source.vocabulary.index(word)
        best = [id for id in many._best.numpy()[x].tolist() if id]
        found = [t[(words.source == x) & (words.target == y)][0] for y in best]
        assert sorted(best) == sorted(words.target[words.source == x])
        assert found == sorted(found, reverse=True)
    counts = np.bincount(target.encode(list(PAIRS.target)).flat_values.numpy())
    assert counts[many.frequent].tolist() == [4, 2, 2]


def test_there_are_no_more_frequent_words_than_words():
    shortlist = Shortlist.learn(PAIRS, *tokenizers(), most_frequent=1000)
    assert sorted(shortlist.frequent) == list(range(4, 11))


def test_the_candidates_of_a_batch_and_of_each_sentence():
    candidates = small().candidates(tf.constant([[4, 3, 0], [5, 6, 3], [6, 3, 0]]))
    special = {0, 1, 2, 3}
    assert own(candidates, 0) == {*special, 9, 10, 12}
    assert own(candidates, 1) == {*special, 9, 12, 15}
    assert own(candidates, 2) == {*special, 9}
    ids = candidates.ids.numpy()
    np.testing.assert_array_equal(ids[:9], [0, 1, 2, 3, 9, 10, 12, 15, 0])
    assert len(ids) == MULTIPLE and not ids[8:].any()
    mask = candidates.mask.numpy()
    assert {*mask.ravel().tolist()} == {0.0, -np.inf} and np.all(mask[:, 8:] == -np.inf)
    places = candidates.places.numpy()
    for id in range(20):
        assert places[id] == (ids.tolist().index(id) if id in ids else -1)


def test_words_of_a_prefix_are_candidates_of_their_sentence():
    candidates = small().candidates(
        tf.constant([[4, 3], [5, 3]]), tf.constant([[17, 18, 0], [0, 0, 0]])
    )
    assert own(candidates, 0) == {0, 1, 2, 3, 9, 10, 12, 17, 18}
    assert own(candidates, 1) == {0, 1, 2, 3, 9, 12, 15}


def test_an_empty_batch_has_the_candidates_of_every_sentence():
    candidates = small().candidates(tf.zeros([0, 1], tf.int32))
    np.testing.assert_array_equal(candidates.ids[:5], [0, 1, 2, 3, 9])
    assert candidates.mask.shape == (0, MULTIPLE)


def test_the_number_of_candidates_is_a_multiple():
    size = MULTIPLE + 2
    for count, expected in ((MULTIPLE, MULTIPLE), (MULTIPLE + 1, 2 * MULTIPLE)):
        shortlist = Shortlist(np.zeros([5, 1], int), range(count), size)
        candidates = shortlist.candidates(tf.constant([[4, 3]]))
        assert candidates.ids.shape == (expected,)
        assert own(candidates, 0) == set(range(count))


@dataclasses.dataclass(frozen=True)
class OnlyAfter(Constraint):
    """A custom constraint with a memory: an id may only follow a smaller one."""

    def begin(self, rows, max_length):
        return tf.fill([rows], 0)

    def extend(self, memory, t, ids):
        return ids

    def apply(self, memory, t, logits):
        ids = tf.range(tf.shape(logits)[1])
        return tf.where((ids > 3) & (ids <= memory[:, None]), -float("inf"), logits)


def test_custom_constraints_know_ids_and_not_places():
    candidates = small().candidates(tf.constant([[4, 3], [5, 3]]))
    given = Constraints(forbid_unknown=True, others=(ForbidIds((12,)), OnlyAfter()))
    constraints = candidates.constraints(given)
    assert constraints.forbid_unknown and len(constraints.others) == 2
    logits = tf.zeros([2, MULTIPLE]) + candidates.mask
    # Places: 4 is id 9, 5 is id 10, 6 is id 12, 7 is id 15.
    memories = constraints.begin(2, 5)
    allowed = constraints.apply(memories, tf.constant(0), logits).numpy() == 0
    assert [np.flatnonzero(row).tolist() for row in allowed] == [[3, 4, 5], [3, 4, 7]]
    memories = constraints.extend(memories, tf.constant(0), tf.constant([4, 7]))
    allowed = constraints.apply(memories, tf.constant(1), logits).numpy() == 0
    assert [np.flatnonzero(row).tolist() for row in allowed] == [[3, 5], [3]]
    without = Constraints(no_repeat_ngram=2)
    assert candidates.constraints(without) == without
    assert NoRepeatNgram(2) in candidates.constraints(without).chosen()


@pytest.mark.parametrize("vocabularies", [None, ("a", "b")])
def test_a_shortlist_is_saved_loaded_and_copied(vocabularies, tmp_path):
    shortlist = small(vocabularies=vocabularies)
    shortlist.save(tmp_path / "shortlist.npz")
    copies = Shortlist.load(tmp_path / "shortlist.npz"), pickle.loads(pickle.dumps(shortlist))
    for again in copies:
        np.testing.assert_array_equal(again._best, shortlist._best)
        assert again.frequent.tolist() == [9]
        assert again.target_vocabulary_size == 20
        assert again.vocabularies == vocabularies


def test_a_file_without_a_shortlist(tmp_path):
    path = tmp_path / "shortlist.npz"
    for content in (None, b"", b"not a zip file"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(s2s.InputError, match=rf"^There is no shortlist in {path} \("):
            Shortlist.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(s2s.InputError, match=r"'target_vocabulary_size'.*`Shortlist\.save` wrote"):
        Shortlist.load(path)


def test_a_file_with_a_damaged_byte(tmp_path):
    path, best = tmp_path / "shortlist.npz", np.random.default_rng(1).integers(9, size=[40, 3])
    small(best=best).save(path)
    content = path.read_bytes()
    flags = content.index(b"PK\1\2") + 8
    messages = []
    for place in (*range(60, 140), flags, flags + 2):
        changed = bytearray(content)
        changed[place] ^= 0x01 if place == flags else 0x55
        path.write_bytes(changed)
        with pytest.raises(s2s.InputError, match="There is no shortlist in ") as caught:
            Shortlist.load(path)
        messages.append(str(caught.value))
    assert sum("while decompressing data" in message for message in messages) > 1
    assert sum("Bad CRC-32" in message for message in messages) > 1
    assert "encrypted" in messages[-2] and "compression method is not supported" in messages[-1]


def test_other_vocabularies_are_refused():
    source, target = tokenizers()
    shortlist = Shortlist.learn(PAIRS, source, target)
    shortlist.check_tokenizers(source, target)
    more = tokenizer_of([*PAIRS.target, "X"])
    other = tokenizer_of([line.replace("D", "X") for line in PAIRS.target])
    assert other.vocabulary_size == target.vocabulary_size
    for side, pair, size in (
        ("target", (source, more), 12),
        ("target", (source, other), 11),
        ("source", (more, target), 12),
    ):
        message = f"another {side} vocabulary (11 tokens) than the translator's ({size} tokens)"
        with pytest.raises(s2s.InputError, match=re.escape(message)):
            shortlist.check_tokenizers(*pair)
    unknown = Shortlist(np.zeros([11, 1], int), (), 11)
    unknown.check_tokenizers(source, other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"best": np.zeros(3, int)}, r"`best` must be integers .* shape \(3,\) and dtype int64"),
        ({"best": np.zeros([3, 2])}, "`best` must be integers .* dtype float64"),
        ({"best": [[20]]}, "`best` must contain target ids, from 0 to 19, got 20 to 20"),
        ({"frequent": [5, -1]}, "`frequent` must contain target ids, from 0 to 19, got -1 to 5"),
        ({"target_vocabulary_size": 3}, "`target_vocabulary_size` must be .* at least 4, got 3"),
    ],
    ids=str,
)
def test_arguments_out_of_range(changes, message):
    with pytest.raises(s2s.InputError, match=message):
        small(**changes)


def test_a_shortlist_needs_pairs_and_sizes():
    source, target = tokenizers()
    with pytest.raises(s2s.InputError, match="learned from sentence pairs, and there are none"):
        Shortlist.learn([], source, target)
    assert_smallest(
        lambda **sizes: Shortlist.learn(PAIRS, source, target, **sizes),
        per_word=1,
        most_frequent=0,
        iterations=1,
    )
    assert defaults(Shortlist.learn) == {"per_word": 50, "most_frequent": 200, "iterations": 5}
