"""The texts of section 9.2."""

import pytest

from common.book_texts import book_texts
from tf_seq2seq.data import synthetic_corpus, synthetic_text
from tf_seq2seq.errors import InputError


@pytest.fixture(scope="module")
def texts():
    return book_texts(synthetic=True)


def test_synthetic_texts(texts):
    assert list(texts) == ["ptb", "ted_en", "ted_zh"]
    assert texts["ptb"].lines == synthetic_text()
    corpus = synthetic_corpus()
    assert texts["ted_en"].lines.train == corpus.train.source
    assert texts["ted_zh"].lines.test == corpus.test.target


@pytest.mark.parametrize(
    ("name", "line", "tokens"),
    [
        ("ptb", "it is n't <unk> n.v.", ["it", "is", "n't", "<unk>", "n.v."]),
        ("ted_en", "It's new.", ["It", "￭'s", "new", "￭."]),
        ("ted_zh", "我 是TED。", ["我", "是", "TED", "。"]),
    ],
)
def test_tokenizers(texts, name, line, tokens):
    tokenizer = texts[name].tokenizer
    assert [token.decode() for token in tokenizer.tokenize([line])[0].numpy()] == tokens


def test_missing_files(tmp_path):
    with pytest.raises(InputError, match=r"ptb\.train\.txt"):
        book_texts(data_dir=tmp_path)
