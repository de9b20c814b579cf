"""Sentence pairs and lines: where they come from, and how they become batches."""

from tf_seq2seq.data.book import BookText, book_texts
from tf_seq2seq.data.corpora import files, read_lines, read_parallel, read_tab_separated, split
from tf_seq2seq.data.pairs import Corpus, Pairs, TextCorpus
from tf_seq2seq.data.pipeline import Summary, batches
from tf_seq2seq.data.public import TED_TEST_SETS, book_vocabulary, multi30k, ptb, tatoeba, ted
from tf_seq2seq.data.stream import encode_text, stream_batches
from tf_seq2seq.data.synthetic import copy_corpus, reverse_corpus, synthetic_corpus, synthetic_text

__all__ = [
    "TED_TEST_SETS",
    "BookText",
    "Corpus",
    "Pairs",
    "Summary",
    "TextCorpus",
    "batches",
    "book_texts",
    "book_vocabulary",
    "copy_corpus",
    "encode_text",
    "files",
    "multi30k",
    "ptb",
    "read_lines",
    "read_parallel",
    "read_tab_separated",
    "reverse_corpus",
    "split",
    "stream_batches",
    "synthetic_corpus",
    "synthetic_text",
    "tatoeba",
    "ted",
]
