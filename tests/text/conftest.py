"""Every kind of tokenizer, adapted to the same small corpus."""

import pytest
from texts import CORPUS

from tf_seq2seq.text import CharacterTokenizer, ChineseTokenizer, SubwordTokenizer, WordTokenizer


@pytest.fixture(scope="session", params=[False, True], ids=["cased", "lowercase"])
def lowercase(request):
    return request.param


@pytest.fixture(
    scope="session",
    params=[
        WordTokenizer,
        lambda lowercase: WordTokenizer(lowercase, split_punctuation=False),
        ChineseTokenizer,
        CharacterTokenizer,
        SubwordTokenizer,
    ],
    ids=["word", "white_space", "chinese", "character", "subword"],
)
def tokenizer(request, lowercase):
    tokenizer = request.param(lowercase=lowercase)
    tokenizer.adapt(CORPUS, max_size=150, min_count=1)
    return tokenizer
