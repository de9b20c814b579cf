import pytest

from tf_seq2seq.data import synthetic_corpus
from tf_seq2seq.text import ChineseTokenizer, SubwordTokenizer, WordTokenizer, tokenizer_for


def test_chinese_is_split_into_characters_and_a_closed_vocabulary_into_words():
    corpus = synthetic_corpus(train=3000, dev=0, test=0).train
    assert type(tokenizer_for(corpus.target)) is ChineseTokenizer
    assert type(tokenizer_for(corpus.source)) is WordTokenizer


@pytest.mark.parametrize("lines", [["Das Kind klettert in ein Spielhaus."], ["买 iPhone handset"]])
def test_an_open_vocabulary_is_split_into_subwords(lines):
    assert type(tokenizer_for(iter(lines))) is SubwordTokenizer


def test_text_without_letters():
    assert type(tokenizer_for(["", "..."])) is SubwordTokenizer


@pytest.mark.parametrize(("singles", "cls"), [(1, WordTokenizer), (2, SubwordTokenizer)])
def test_one_token_in_a_hundred_may_occur_once(singles, cls):
    lines = ["word"] * (100 - singles) + ["one", "two"][:singles]
    assert type(tokenizer_for(lines)) is cls
