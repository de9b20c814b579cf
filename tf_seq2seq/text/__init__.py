"""Text in, ids out, and back: vocabularies and tokenizers that run inside the graph."""

from tf_seq2seq.text.tokenizers import (
    CharacterTokenizer,
    ChineseTokenizer,
    SubwordTokenizer,
    Tokenizer,
    WordTokenizer,
    is_chinese,
    tokenizer_for,
)
from tf_seq2seq.text.vocabulary import (
    EOS,
    EOS_ID,
    PAD,
    PAD_ID,
    SOS,
    SOS_ID,
    UNK,
    UNK_ID,
    Coverage,
    Vocabulary,
)

__all__ = [
    "EOS",
    "EOS_ID",
    "PAD",
    "PAD_ID",
    "SOS",
    "SOS_ID",
    "UNK",
    "UNK_ID",
    "CharacterTokenizer",
    "ChineseTokenizer",
    "Coverage",
    "SubwordTokenizer",
    "Tokenizer",
    "Vocabulary",
    "WordTokenizer",
    "is_chinese",
    "tokenizer_for",
]
