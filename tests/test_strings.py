import re

import numpy as np
import pytest

from tf_seq2seq import InputError
from tf_seq2seq.strings import check_pairs, check_score, excerpt, listed, utf8, warn_of_cut_off


def test_one_sentence_or_many():
    assert listed("ab") == ["ab"]
    assert listed(b"ab") == [b"ab"]
    assert listed(letter for letter in "ab") == ["a", "b"]
    assert listed([]) == []


def test_strings_as_bytes():
    assert utf8("é") == "é".encode()
    assert utf8(b"\xff") == b"\xff"
    assert utf8("\udcff") == b"\xff", "a byte of a command line that is not UTF-8"
    assert utf8("\ud800") == b"\xed\xa0\x80", "another surrogate"


@pytest.mark.parametrize("value", [None, 5, ["a"]])
def test_anything_but_a_string_is_refused(value):
    with pytest.raises(TypeError, match=r"Expected .*strings, got .* at position 2"):
        utf8(value, 2)


def test_excerpts():
    assert excerpt("x" * 31) == repr("x" * 30)
    assert excerpt("é".encode()) == "'é'"
    assert excerpt(b"\xff") == "'\ufffd'"


def test_scores_are_finite():
    score = check_score("line", 0, "a", np.float32(-0.5))
    assert score == -0.5 and type(score) is float
    for score in (np.nan, -np.inf, np.inf):
        with pytest.raises(InputError, match=re.escape(f"score of line 1 ('b') is {score}")):
            check_score("line", 1, "b", score)


def test_a_warning_points_to_the_caller():
    with pytest.warns(
        UserWarning, match=r"^Line 2 \('b'\.\.\.\) was cut off after 7 tokens"
    ) as found:
        warn_of_cut_off("Line", 2, b"b", "7", 1)
    assert found[0].filename == __file__


def test_pairs():
    check_pairs(["a"], ["x"])
    with pytest.raises(InputError, match="There are 1 sentences and 2 translations to score"):
        check_pairs(["a"], ["x", "y"])
