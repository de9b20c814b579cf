import pytest

from tf_seq2seq.data import synthetic_corpus
from tf_seq2seq.text import ChineseTokenizer, SubwordTokenizer, WordTokenizer, tokenizer_for


def test_chinese_goes_by_characters_and_a_closed_vocabulary_by_words():
    corpus = synthetic_corpus(train=3000, dev=0, test=0).train
    assert type(tokenizer_for(corpus.target)) is ChineseTokenizer
    assert type(tokenizer_for(corpus.source)) is WordTokenizer


@pytest.mark.parametrize("lines", [["Das Kind klettert in ein Spielhaus."], ["买 iPhone handset"]])
def test_an_open_vocabulary_goes_by_subwords(lines):
    assert type(tokenizer_for(iter(lines))) is SubwordTokenizer


def test_text_without_letters():
    assert type(tokenizer_for(["", "..."])) is SubwordTokenizer
