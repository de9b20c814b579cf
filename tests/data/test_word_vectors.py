"""Pretrained word vectors in text files."""

import bz2
import gzip
import lzma

import numpy as np
import pytest
from sentencepiece_models import sentencepiece_model

from tf_seq2seq import text
from tf_seq2seq.data import read_word_vectors
from tf_seq2seq.errors import InputError


def tokenizer(*tokens, kind=text.WordTokenizer):
    made = kind()
    made.set_vocabulary(text.Vocabulary(tokens))
    return made


GLOVE = "the 1 2\nbook -0.5 4e-1\n. . . 5 6\n"
TOKENS = tokenizer("book", "The", "￭.", "cat")


@pytest.fixture
def vectors_of(tmp_path):
    def read(content, tokens=TOKENS, name="vectors.txt"):
        content = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(content)
        return read_word_vectors(tmp_path / name, tokens)

    return read


@pytest.mark.parametrize(
    "content",
    [
        GLOVE,
        f"3 2\n{GLOVE}",  # word2vec and fastText
        GLOVE.replace("\n", " \r\n"),  # word2vec ends lines with a space
        gzip.compress(GLOVE.encode()),
        bz2.compress(f"3 2\n{GLOVE}".encode()),
        lzma.compress(GLOVE.encode()),
        GLOVE.encode() + b"book 9 9\n\xff\xfe 1 2\n",  # a word that occurs again, and no UTF-8
    ],
    ids=["glove", "header", "crlf", "gzip", "bzip2", "xz", "repeated"],
)
def test_the_formats(vectors_of, content):
    vectors = vectors_of(content)
    assert vectors.tokens == TOKENS.vocabulary.tokens
    assert vectors.matrix.dtype == np.float32 and vectors.width == 2
    np.testing.assert_allclose(vectors.matrix[4:], [[-0.5, 0.4], [1, 2], [0, 0], [0, 0]])
    assert vectors.covered.tolist() == [False] * 4 + [True, True, False, False]
    assert vectors.coverage == 0.5
    assert str(vectors) == ("2 of 4 tokens have a vector (50.0 %); the first without one: ￭. cat")


def test_the_token_itself_comes_before_its_text_and_that_before_its_lower_case(vectors_of):
    lines = ["the 3 3", "The 2 2", ". 4 4", "￭. 1 1", "cat 5 5", "book 6 6", "<unk> 7 7"]
    for order in (lines, lines[::-1]):
        vectors = vectors_of("\n".join(order))
        assert vectors.matrix[:, 0].tolist() == [0, 7, 0, 0, 6, 2, 1, 5]
    assert str(vectors) == "4 of 4 tokens have a vector (100.0 %)"


def test_only_a_piece_that_begins_a_word_has_the_vector_of_the_word(vectors_of):
    content = "cat 1 1\ns 2 2\n##s 3 3\nbook 4 4\n"
    subwords = tokenizer("cat", "##s", "##cat", kind=text.SubwordTokenizer)
    assert vectors_of(content, subwords).matrix[4:, 0].tolist() == [1, 3, 0]
    pieces = text.SentencePieceTokenizer(sentencepiece_model())
    vectors = vectors_of(content, pieces)
    assert vectors.covered[[pieces.vocabulary.index(p) for p in ("▁book", "s")]].all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("the 1 2\nbook 1\n", r"line 2: expected a word and 2 numbers, got 'book 1'"),
        ("the 1 2\nbook x 1\n", r"line 2: expected a word and 2 numbers, got 'book x 1'"),
        ("book 1 nan\n", r"line 1: expected finite numbers, got 'book 1 nan'"),
        ("book\n", r"line 1: expected a word and its vector, got 'book'"),
        ("", r"line 1: expected a word and its vector, got ''"),
        ("4 2\nbook 1 2\n", "announces 4 words but has 1: download it again"),
        ("dog 1 2\n", "has no vector for any of the 4 tokens of the tokenizer"),
        # Without the time, so that the test has the same name in all processes.
        (gzip.compress(GLOVE.encode() * 99, mtime=0)[:-20], "cannot be unpacked"),
        (b"PK\x03\x04 glove.zip", "is a zip file: unpack it"),
    ],
)
def test_files_that_cannot_be_used(vectors_of, content, message):
    with pytest.raises(InputError, match=message):
        vectors_of(content)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="nowhere cannot be read"):
        read_word_vectors(tmp_path / "nowhere", TOKENS)
