"""Corpora of sentence pairs and running text (synthetic, public or from files), and batches."""

from tf_seq2seq.data.batching import Summary, batches
from tf_seq2seq.data.corpus import Corpus, Pairs, TextCorpus
from tf_seq2seq.data.public import (
    PUBLIC_CORPORA,
    PUBLIC_TEXTS,
    TED_TEST_SETS,
    PublicFiles,
    RemoteFile,
    book_vocabulary,
    public_corpus,
    public_text,
)
from tf_seq2seq.data.readers import read_corpus, read_lines, read_parallel, read_tab_separated
from tf_seq2seq.data.running_text import encode_text, text_batches
from tf_seq2seq.data.splitting import split
from tf_seq2seq.data.synthetic import copy_corpus, reverse_corpus, synthetic_corpus, synthetic_text

__all__ = [
    "PUBLIC_CORPORA",
    "PUBLIC_TEXTS",
    "TED_TEST_SETS",
    "Corpus",
    "Pairs",
    "PublicFiles",
    "RemoteFile",
    "Summary",
    "TextCorpus",
    "batches",
    "book_vocabulary",
    "copy_corpus",
    "encode_text",
    "public_corpus",
    "public_text",
    "read_corpus",
    "read_lines",
    "read_parallel",
    "read_tab_separated",
    "reverse_corpus",
    "split",
    "synthetic_corpus",
    "synthetic_text",
    "text_batches",
]
