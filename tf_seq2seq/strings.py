"""Floor 0: strings as a model takes them, for what has TensorFlow and for what has not."""

from __future__ import annotations

from collections.abc import Iterable

Texts = str | bytes | Iterable[str | bytes]
"""One sentence, or any number of them; bytes are UTF-8."""

# The markers of tokens. One that goes on with a word begins with the first. Where the text has no
# space between two tokens, one of them carries the joiner (the convention of the OpenNMT
# Tokenizer): `book.` is `book ￭.`, `(ok)` is `(￭ ok ￭)`.
CONTINUATION = "##"
JOINER = "￭"


def listed(sentences: Texts) -> list[str | bytes]:
    """One sentence, or any number of them, as a list."""
    return [sentences] if isinstance(sentences, str | bytes) else list(sentences)


def utf8(sentence: str | bytes, position: int = 0) -> bytes:
    """The bytes of the sentence at a position of a list.

    Raises:
        TypeError: if it is not a string.
    """
    if isinstance(sentence, bytes):
        return sentence
    if not isinstance(sentence, str):
        raise TypeError(
            f"Expected sentences as strings, got {type(sentence).__name__} {sentence!r} "
            f"at position {position}."
        )
    try:
        # A command line hands bytes that are not UTF-8 on as surrogates.
        return sentence.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates, which no text has
        return sentence.encode("utf-8", "surrogatepass")
