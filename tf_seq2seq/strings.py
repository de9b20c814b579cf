"""Strings as arguments and as bytes, for code with and without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable

Texts = str | bytes | Iterable[str | bytes]
"""One sentence, or any number of them; bytes are UTF-8."""

CONTINUATION = "##"
"""The marker of a token that continues a word."""

JOINER = "￭"
"""The marker of a token that is not separated from its neighbor by a space, on the side of the
neighbor (the convention of the OpenNMT Tokenizer): `book.` is `book ￭.`, `(ok)` is `(￭ ok ￭)`."""


def listed(sentences: Texts) -> list[str | bytes]:
    """Return one sentence, or any number of them, as a list.

    Example:

    >>> listed("one sentence")
    ['one sentence']
    """
    return [sentences] if isinstance(sentences, str | bytes) else list(sentences)


def utf8(sentence: str | bytes, position: int = 0) -> bytes:
    """Return a sentence as UTF-8.

    Args:
        sentence: a string, or bytes, which are returned as they are.
        position: the sentence's position in a list, for the message.

    Raises:
        TypeError: if it is neither.
    """
    if isinstance(sentence, bytes):
        return sentence
    if not isinstance(sentence, str):
        raise TypeError(
            f"Expected sentences as strings, got {type(sentence).__name__} {sentence!r} "
            f"at position {position}."
        )
    try:
        # Python represents bytes of a command line that are not UTF-8 as surrogates.
        return sentence.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates, which valid text does not contain
        return sentence.encode("utf-8", "surrogatepass")
