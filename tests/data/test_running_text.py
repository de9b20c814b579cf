import functools

import numpy as np
import pytest
import tensorflow as tf
from helpers import defaults

from tf_seq2seq.data import encode_text, running_text, text_batches
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks
from tf_seq2seq.text import EOS_ID, UNK_ID, Vocabulary, WordTokenizer


def listed(dataset):
    return [(inputs.numpy().tolist(), labels.numpy().tolist()) for inputs, labels in dataset]


@pytest.mark.parametrize("size", [1, 2, 10])
def test_a_text_becomes_one_stream_of_ids(monkeypatch, size):
    monkeypatch.setattr(running_text, "in_chunks", functools.partial(in_chunks, size=size))
    tokenizer = WordTokenizer()
    tokenizer.set_vocabulary(Vocabulary(["to", "be"]))
    ids = encode_text(iter(["to be", "", "be or"]), tokenizer)
    assert ids.dtype == np.int32
    assert ids.tolist() == [4, 5, EOS_ID, EOS_ID, 5, UNK_ID, EOS_ID]


def test_a_text_without_lines_is_refused():
    with pytest.raises(TypeError, match="got the string 'ab'"):  # not two lines
        encode_text("ab", WordTokenizer())
    with pytest.raises(InputError, match="no lines"):
        encode_text([], WordTokenizer())


@pytest.mark.parametrize("rest", [0, 1])
def test_rows_continue_in_the_next_batch(rest):
    # 2 rows of 5 columns have 10 inputs and 10 labels, 11 ids in all; another id does not fit.
    batches = text_batches(np.arange(11 + rest), batch_size=2, length=3)
    assert listed(batches) == [
        ([[0, 1, 2], [5, 6, 7]], [[1, 2, 3], [6, 7, 8]]),
        ([[3, 4], [8, 9]], [[4, 5], [9, 10]]),
    ]
    assert batches.cardinality() == 2
    assert {spec.shape[0] for spec in batches.element_spec} == {2}
    assert {spec.dtype for spec in batches.element_spec} == {tf.int32}


def test_a_row_of_its_own_labels_every_id_but_the_first():
    assert listed(text_batches(np.arange(4))) == [([[0, 1, 2]], [[1, 2, 3]])]


def test_the_shortest_text():
    assert listed(text_batches([7, 8, 9], batch_size=2)) == [([[7], [8]], [[8], [9]])]
    with pytest.raises(InputError, match="A text of 2 ids does not fill 2 rows"):
        text_batches([7, 8], batch_size=2)


def test_sizes():
    expected = listed(text_batches(np.arange(9), 2, 3))
    assert listed(text_batches(np.arange(9), np.int64(2), np.int32(3))) == expected
    for name in ("batch_size", "length"):
        for value in (0, True, 2.0):
            with pytest.raises(InputError, match=f"`{name}` must be an integer of at least 1"):
                text_batches(np.arange(9), **{name: value})


def test_the_defaults():
    assert defaults(text_batches) == {"batch_size": 1, "length": 35}
