"""Corpora that need no download: English-Chinese from a grammar, copied and reversed strings."""

from tf_seq2seq.data.synthetic.copy_reverse import copy_corpus, reverse_corpus
from tf_seq2seq.data.synthetic.corpus import synthetic_corpus, synthetic_text

__all__ = ["copy_corpus", "reverse_corpus", "synthetic_corpus", "synthetic_text"]
