"""Conversion of text to ids and back: vocabularies, and tokenizers that run inside the graph."""

from tf_seq2seq.text.chinese import CharacterTokenizer, ChineseTokenizer, is_chinese
from tf_seq2seq.text.choose import tokenizer_for
from tf_seq2seq.text.sentencepiece import SentencePieceTokenizer
from tf_seq2seq.text.subwords import SubwordTokenizer
from tf_seq2seq.text.tokenizer import Rules, Tokenizer
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
from tf_seq2seq.text.words import WordTokenizer, has_elision

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
    "Rules",
    "SentencePieceTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "Vocabulary",
    "WordTokenizer",
    "has_elision",
    "is_chinese",
    "tokenizer_for",
]
