import warnings

import numpy as np
import pytest
import tensorflow as tf

from tf_seq2seq import InputError
from tf_seq2seq.text_io import run_in_batches, warn_of_cut_offs, with_end


def lengths(*columns):
    """A fake graph that returns the number of bytes of each string in its first argument."""
    return {"length": tf.strings.length(columns[0]), "last": columns[-1]}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, np.int64(8), 100])
def test_every_sentence_has_its_outputs_whatever_the_batch(batch_size):
    sentences = ["ccc", "a", "", "dddd", "bb", "eeeee", "f"]
    labels = [str(i) for i in range(7)]
    seen = {}
    for rows, outputs in run_in_batches(lengths, sentences, batch_size, labels):
        assert len(rows) <= batch_size
        assert rows == sorted(rows)
        for row, length, label in zip(rows, outputs["length"], outputs["last"], strict=True):
            seen[row] = (int(length), label.decode())
    assert seen == {i: (len(text), str(i)) for i, text in enumerate(sentences)}


def test_sentences_of_similar_length_share_a_batch():
    sentences = ["a" * 9, "b", "c" * 8, "d" * 2]
    assert [rows for rows, _ in run_in_batches(lengths, sentences, 2)] == [[1, 3], [0, 2]]


def test_no_sentences_need_no_call():
    assert list(run_in_batches(None, [], 4)) == []


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"batch_size": 2.0}, {"batch_size": True}, {"verbose": -1}]
)
def test_arguments_out_of_range(options):
    ((name, value),) = options.items()
    with pytest.raises(InputError, match=f"^`{name}` must be an integer .*, got {value}"):
        list(run_in_batches(lengths, [], **{"batch_size": 4, **options}))


def test_something_else_than_a_string():
    with pytest.raises(TypeError, match="got int 3 at position 1"):
        list(run_in_batches(lengths, ["a", 3], 4))
    with pytest.raises(TypeError, match="got NoneType None at position 0"):
        list(run_in_batches(lengths, ["a"], 4, [None]))


def test_rows_with_an_end():
    rows = tf.ragged.constant([["a", "b"], [], ["c"]])
    expected = [[b"a", b"b", b"x"], [b"x", b"-", b"-"], [b"c", b"x", b"-"]]
    assert with_end(rows, "x", "-").numpy().tolist() == expected
    assert with_end(rows[:0], "x", "-").shape == (0, 1)


def test_a_warning_names_each_text_and_its_place():
    texts = ["a", b"b\xff", "c" * 40, "d"]
    with pytest.warns(UserWarning) as warned:
        warn_of_cut_offs("Line", texts, [3, 1, 2], np.array([False, True, True]), "limit=7", 1)
    assert [str(warning.message) for warning in warned] == [
        "Line 1 ('b\ufffd'...) was cut off after limit=7 tokens; split it into sentences.",
        f"Line 2 ('{'c' * 30}'...) was cut off after limit=7 tokens; split it into sentences.",
    ]
    assert {warning.filename for warning in warned} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_cut_offs("Line", texts, [3, 1], np.array([False, False]), "limit=7", 1)
