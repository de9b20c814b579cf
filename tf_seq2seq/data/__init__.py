"""Corpora of sentence pairs and running text (synthetic, public or from files), and batches.

The names of this package are imported when they are first used: the programs that list the public
corpora in their `--help` start without TensorFlow.
"""

from typing import TYPE_CHECKING

from tf_seq2seq.lazy import lazy_names

if TYPE_CHECKING:
    from tf_seq2seq.data.batching import Summary, batches
    from tf_seq2seq.data.corpus import Corpus, Pairs, TextCorpus
    from tf_seq2seq.data.encoding import encode
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
    from tf_seq2seq.data.readers import (
        read_corpus,
        read_lines,
        read_parallel,
        read_tab_separated,
        stream_lines,
        stream_parallel,
    )
    from tf_seq2seq.data.running_text import encode_text, text_batches
    from tf_seq2seq.data.shards import EncodedCorpus
    from tf_seq2seq.data.splitting import split
    from tf_seq2seq.data.synthetic import (
        copy_corpus,
        reverse_corpus,
        synthetic_corpus,
        synthetic_text,
    )
    from tf_seq2seq.data.word_vectors import WordVectors, read_word_vectors
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "PUBLIC_CORPORA": "public",
            "PUBLIC_TEXTS": "public",
            "TED_TEST_SETS": "public",
            "Corpus": "corpus",
            "EncodedCorpus": "shards",
            "Pairs": "corpus",
            "PublicFiles": "public",
            "RemoteFile": "public",
            "Summary": "batching",
            "TextCorpus": "corpus",
            "WordVectors": "word_vectors",
            "batches": "batching",
            "book_vocabulary": "public",
            "copy_corpus": "synthetic",
            "encode": "encoding",
            "encode_text": "running_text",
            "public_corpus": "public",
            "public_text": "public",
            "read_corpus": "readers",
            "read_lines": "readers",
            "read_parallel": "readers",
            "read_tab_separated": "readers",
            "read_word_vectors": "word_vectors",
            "reverse_corpus": "synthetic",
            "split": "splitting",
            "stream_lines": "readers",
            "stream_parallel": "readers",
            "synthetic_corpus": "synthetic",
            "synthetic_text": "synthetic",
            "text_batches": "running_text",
        },
    )

__all__ = [
    "PUBLIC_CORPORA",
    "PUBLIC_TEXTS",
    "TED_TEST_SETS",
    "Corpus",
    "EncodedCorpus",
    "Pairs",
    "PublicFiles",
    "RemoteFile",
    "Summary",
    "TextCorpus",
    "WordVectors",
    "batches",
    "book_vocabulary",
    "copy_corpus",
    "encode",
    "encode_text",
    "public_corpus",
    "public_text",
    "read_corpus",
    "read_lines",
    "read_parallel",
    "read_tab_separated",
    "read_word_vectors",
    "reverse_corpus",
    "split",
    "stream_lines",
    "stream_parallel",
    "synthetic_corpus",
    "synthetic_text",
    "text_batches",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
