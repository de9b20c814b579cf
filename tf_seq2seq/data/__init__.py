"""Sentence pairs and lines: where they come from, and how they become batches."""

from tf_seq2seq.data.batching import Summary, batches
from tf_seq2seq.data.corpus import Corpus, Pairs, TextCorpus
from tf_seq2seq.data.public import TED_TEST_SETS, book_vocabulary, multi30k, ptb, tatoeba, ted
from tf_seq2seq.data.readers import read_corpus, read_lines, read_parallel, read_tab_separated
from tf_seq2seq.data.running_text import encode_text, text_batches
from tf_seq2seq.data.splitting import split
from tf_seq2seq.data.synthetic import copy_corpus, reverse_corpus, synthetic_corpus, synthetic_text

__all__ = [
    "TED_TEST_SETS",
    "Corpus",
    "Pairs",
    "Summary",
    "TextCorpus",
    "batches",
    "book_vocabulary",
    "copy_corpus",
    "encode_text",
    "multi30k",
    "ptb",
    "read_corpus",
    "read_lines",
    "read_parallel",
    "read_tab_separated",
    "reverse_corpus",
    "split",
    "synthetic_corpus",
    "synthetic_text",
    "tatoeba",
    "ted",
    "text_batches",
]
