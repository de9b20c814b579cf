"""Translations from the outputs of signatures, in either of their forms."""

import math
import warnings

import numpy as np
import pytest

from tf_seq2seq import InputError
from tf_seq2seq.serving import answers
from tf_seq2seq.translation import Translation

LISTS = {
    "translation": "甲乙",
    "score": -1.5,
    "source_tokens": ["a", "<eos>", "", ""],
    "source_length": 2,
    "cut_off": False,
    "target_tokens": ["甲", "乙", "<eos>", ""],
    "target_length": 3,
    "alignment": [[0.25, 0.75, 0, 0]] * 3 + [[0.0] * 4],
}
ARRAYS = {
    "translation": "甲乙".encode(),
    "score": np.float32(-1.5),
    "source_tokens": np.array([b"a", b"<eos>", b"", b""], object),
    "source_length": np.int32(2),
    "cut_off": np.bool_(False),
    "target_tokens": np.array(["甲".encode(), "乙".encode(), b"<eos>", b""], object),
    "target_length": np.int32(3),
    "alignment": np.array(LISTS["alignment"], np.float32),
}
EXPECTED = Translation("甲乙", -1.5, ("a", "<eos>"), ("甲", "乙", "<eos>"), target_length=3)


@pytest.mark.parametrize("row", [LISTS, ARRAYS], ids=["lists", "arrays"])
def test_padding_is_removed(row):
    (found,) = answers.translations([row], ["a"])
    assert found == EXPECTED
    assert type(found.score) is float and type(found.target_length) is int
    assert found.alignment.dtype == np.float32
    np.testing.assert_array_equal(found.alignment, [[0.25, 0.75]] * 3)


def test_an_empty_sentence():
    row = {**LISTS, "translation": "", "score": 0, "source_length": 0, "target_length": 0}
    (found,) = answers.translations([row], [""])
    assert found == Translation("", 0.0, target_length=0)
    assert found.alignment.shape == (0, 0)
    # A batch of empty sentences has no columns.
    row = {**row, "source_tokens": [], "target_tokens": [], "alignment": []}
    assert answers.translations([row], [""])[0].alignment.shape == (0, 0)


def test_rows_without_tokens_or_attention():
    (found,) = answers.translations([{"translation": "甲", "score": -1}], ["a"])
    assert found == Translation("甲", -1.0)
    without = {name: value for name, value in LISTS.items() if name != "alignment"}
    assert answers.translations([without], ["a"])[0].alignment is None


def test_n_best_leaves_out_missing_translations():
    lowest = float(np.finfo(np.float32).min)
    rows = [{"translations": ["甲", "乙", ""], "scores": [-1.0, -2.0, lowest]}]
    assert answers.n_best(rows, ["a"]) == [[Translation("甲", -1.0), Translation("乙", -2.0)]]
    names = ("source_tokens", "source_length", "cut_off")
    detailed = {
        **{name: LISTS[name] for name in names},
        "translations": ["甲乙", ""],
        "scores": [-1.5, lowest],
        "target_tokens": [LISTS["target_tokens"], [""] * 4],
        "target_lengths": [3, 0],
        "alignments": [LISTS["alignment"], np.zeros([4, 4])],
    }
    (((found),),) = answers.n_best([detailed], ["a"])
    assert found == EXPECTED
    np.testing.assert_array_equal(found.alignment, [[0.25, 0.75]] * 3)


def test_scored_translations_keep_their_text():
    rows = [{"log_probability": np.float32(-2), "tokens": np.int32(3)}]
    assert answers.scored(rows, ["a"], [b"x y"]) == [Translation("x y", -2.0, target_length=3)]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite(score):
    message = r"score of sentence 1 \('b'\) is (nan|inf|-inf): the weights contain NaN or inf"
    good = {"translation": "x", "score": -1.0}
    with pytest.raises(InputError, match=message):
        answers.translations([good, {"translation": "x", "score": score}], ["a", "b"])
    good = {"translations": ["x"], "scores": [-1.0]}
    with pytest.raises(InputError, match=message):
        answers.n_best([good, {"translations": ["x"], "scores": [score]}], ["a", "b"])
    good = {"log_probability": -1.0, "tokens": 1}
    with pytest.raises(InputError, match=message):
        answers.scored([good, {"log_probability": score, "tokens": 1}], ["a", "b"], ["x", "y"])


def test_warnings_about_cut_off_texts():
    row = {**LISTS, "cut_off": True, "target_cut_off": True}
    with pytest.warns(UserWarning) as warned:
        answers.warn_of_cut_offs([LISTS, row], ["a", "a b"], ["甲", "甲乙丙"])
    assert [str(each.message) for each in warned] == [
        "Sentence 1 ('a b'...) was cut off after the model's maximum of 1 tokens; split it into "
        "sentences.",
        "Translation 1 ('甲乙丙'...) was cut off after the model's maximum of 3 tokens; split it "
        "into sentences.",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers.warn_of_cut_offs([LISTS, {"translation": "x"}], ["a", "b"])
