"""Sentence pairs: where they come from, and how they become batches."""

from tf_seq2seq.data.corpora import read_lines, read_parallel, read_tab_separated, split
from tf_seq2seq.data.embedded import embedded_corpus
from tf_seq2seq.data.pairs import Corpus, Pairs
from tf_seq2seq.data.pipeline import Summary, batches
from tf_seq2seq.data.symbolic import copy_corpus, reverse_corpus

__all__ = [
    "Corpus",
    "Pairs",
    "Summary",
    "batches",
    "copy_corpus",
    "embedded_corpus",
    "read_lines",
    "read_parallel",
    "read_tab_separated",
    "reverse_corpus",
    "split",
]
