import re

import numpy as np
import pytest

import tf_seq2seq as s2s
from tf_seq2seq import InputError
from tf_seq2seq.strings import (
    check_not_one_string,
    check_pairs,
    check_score,
    check_strings,
    excerpt,
    is_blank,
    listed,
    utf8,
    warn_of_cut_off,
)


def test_one_sentence_or_many():
    assert listed("ab") == ["ab"]
    assert listed(b"ab") == [b"ab"]
    assert listed(letter for letter in "ab") == ["a", "b"]
    assert listed([]) == []


@pytest.mark.parametrize(
    "text", ["", " \t\r", "\u00a0\u3000\u2028", "\u200b", "\ufeff\u2060\u00ad\x00"]
)
def test_blank_texts(text):
    assert is_blank(text)
    assert not is_blank(f"{text}.{text}")


@pytest.mark.parametrize("text", ["ab", b"ab", ""])
def test_one_string_is_not_a_list(text):
    with pytest.raises(TypeError, match=r"`lines` must be a list of strings, got the string '"):
        check_not_one_string("lines", text)
    check_not_one_string("lines", [text])


@pytest.mark.parametrize("text", ["ab", b"ab"])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda text: s2s.data.Pairs(text, ["a", "b"]), "source"),
        (lambda text: s2s.data.Pairs(["a", "b"], text), "target"),
        (lambda text: s2s.data.encode_text(text, None), "lines"),
        (lambda text: s2s.data.public_corpus("ted", ".", test_sets=text), "test_sets"),
        (lambda text: s2s.text.Vocabulary(text), "tokens"),
        (lambda text: s2s.text.Vocabulary.build(text), "token_lists"),
        (lambda text: s2s.text.Vocabulary.build([text]), "tokens"),
        (lambda text: s2s.text.Vocabulary(["a"]).coverage([text]), "tokens"),
        (lambda text: s2s.text.tokenizer_for(text), "lines"),
        (lambda text: s2s.text.WordTokenizer().adapt(text), "lines"),
        (lambda text: s2s.text.SubwordTokenizer().adapt(text), "lines"),
        (lambda text: s2s.evaluation.bleu(text, ["a"]), "hypotheses"),
        (lambda text: s2s.evaluation.chrf(["a"], text), "references"),
        (lambda text: s2s.evaluation.exact_match(text, text), "hypotheses"),
        (lambda text: s2s.evaluation.bleu_of_sets({"x": text}, {"x": ["a"]}), "hypotheses"),
        (lambda text: s2s.evaluation.translation_report(["a"], text, ["a"]), "references"),
        (lambda text: s2s.evaluation.translation_report(["a"], ["a"], text), "sources"),
        (lambda text: s2s.plotting.alignment(text, ["a"], [[1, 0]]), "source_tokens"),
        (lambda text: s2s.plotting.alignment(["a"], text, [[1], [1]]), "target_tokens"),
    ],
)
def test_no_function_reads_a_string_letter_by_letter(call, name, text):
    with pytest.raises(TypeError, match=f"`{name}` must be a list of strings, got the string 'ab'"):
        call(text)


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
    with pytest.raises(InputError, match=r"2 prefixes to complete: pass one prefix for each"):
        check_pairs(["a"], ["x", "y"], "prefix", "complete")


@pytest.mark.parametrize("value", [None, float("nan"), b"a", 3, ["a"]])
def test_something_else_than_a_string(value):
    check_strings("references", (np.str_("a"), "b"))
    with pytest.raises(TypeError, match=rf"`references` .*, got {re.escape(repr(value))} at .* 1"):
        check_strings("references", ["a", value])
    with pytest.raises(TypeError, match="got the string 'ab'"):
        check_strings("references", "ab")
